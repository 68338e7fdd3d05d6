"""A worker with all that is around it under the test's control: SWF, activities, and time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from flowy.concurrency.clock import Clock
from flowy.concurrency.stop import StopFlag, StopLevel
from flowy.invocation import TaskOutcome
from flowy.observer import Observer, StopRequested
from flowy.swf.values import ActivityDefaults, ActivityImplementation
from flowy.swf.worker import ActivityWorker, StopReport
from flowy.swf.worker.responder import StopPolicy
from flowy.swf.worker.slots import Slots
from flowy.swf.worker.worker_context import WorkerContext
from flowy.task import Activity, AsyncActivity
from tests.patience import PATIENCE_SECONDS
from tests.unit.clocks import LOOK_SECONDS
from tests.unit.stand_ins import implementation
from tests.unit.swf.worker.stop_clock import StopClock
from tests.unit.swf.worker.task_list_swf import HANG_SECONDS, TaskListSWF


def running(body: Callable[..., Any], name: str = "echo", **more: Any) -> ActivityImplementation:
    """Return an activity whose ``run`` is *body*."""
    return implementation(type("Running", (Activity,), {"run": body}), name, **more)


def awaiting(body: Callable[..., Any], name: str = "echo", **more: Any) -> ActivityImplementation:
    """Return an ``AsyncActivity`` whose ``run`` is *body*."""
    return implementation(type("Awaiting", (AsyncActivity,), {"run": body}), name, **more)


ECHO = running(lambda self, value: value)


class Journal:
    """A ``TaskJournal`` that keeps its entries."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, ...]] = []
        self._changed = threading.Condition()

    def opened(self, token: str, subject: str) -> None:
        self._write("opened", token)

    def suspending(self, token: str) -> None:
        self._write("suspending", token)

    def beaten(self, token: str, details: str) -> None:
        self._write("beaten", token, details)

    def settled(self, token: str, outcome: TaskOutcome) -> None:
        self._write("settled", token, outcome.name)

    def poll_lost(self, identity: str, fault: str) -> None:
        self._write("poll_lost", fault)

    def _write(self, *entry: str) -> None:
        with self._changed:
            self.entries.append(entry)
            self._changed.notify_all()

    def wait_for(self, *entry: str) -> None:
        """Wait until this was written."""
        with self._changed:
            assert self._changed.wait_for(lambda: entry in self.entries, PATIENCE_SECONDS)

    def tokens(self, entry: str) -> list[str]:
        return sorted(each[1] for each in self.entries if each[0] == entry)


class Levels(Observer):
    """Keeps the levels that a stop has reached."""

    def __init__(self) -> None:
        self._reached = {level: threading.Event() for level in StopLevel}

    def stop_requested(self, event: StopRequested) -> None:
        self._reached[event.level].set()

    def wait_for(self, level: StopLevel) -> None:
        assert self._reached[level].wait(PATIENCE_SECONDS)


def worker_context(
    swf: TaskListSWF,
    slots: Slots,
    flag: StopFlag,
    *activities: ActivityImplementation,
    **more: Any,
) -> WorkerContext:
    """Return what the tasks of a worker of these activities share."""
    return WorkerContext(
        activities={each.type: each for each in activities},
        client=swf.client(),
        domain="domain",
        task_list="tasks",
        identity="me",
        policy=StopPolicy(flag),
        settled=slots.settled,
        **more,
    )


class WorkerCase:
    """A worker of a few activities, on a thread of its own; use it in a ``with`` statement.

    ``work`` waits for ``release`` and returns "done"; ``beats`` waits for it and returns what its
    heartbeat answers, None if that is False; ``coroutine`` waits for ever; ``stubborn`` is a
    coroutine that waits for ``release`` and ignores that it is canceled; ``blocks`` is one that
    blocks the event loop until then.

    Args:
        clock: the worker's; None for the one that the test turns.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.swf = TaskListSWF(holds=True)
        self.clock = StopClock()
        self._workers_clock = clock or self.clock
        self.journal = Journal()
        self.levels = Levels()
        self.release = threading.Event()
        #: What ``leave`` was called with.
        self.left: list[StopReport] = []
        self.error: BaseException | None = None
        self._report: StopReport | None = None
        self._left_at = threading.Event()
        self._begun = threading.Semaphore(0)
        self._worker: ActivityWorker | None = None
        self._thread: threading.Thread | None = None
        self._threads_before = frozenset(threading.enumerate())

    def __enter__(self) -> WorkerCase:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release.set()
        if self._worker is not None:
            self._worker.stop(StopLevel.KILL)
        self.swf.give_nothing(50)
        if self._thread is not None:
            self._thread.join(PATIENCE_SECONDS)
        for thread in set(threading.enumerate()) - self._threads_before:
            if thread.name.startswith("flowy-activity"):  # it logs when a late activity ends
                thread.join(PATIENCE_SECONDS)

    def make(self, **options: Any) -> ActivityWorker:
        """Return a worker that is not started; it leaves signals alone unless told otherwise."""
        given = {"signals": False, "journal": self.journal, "observers": [self.levels], **options}
        self._worker = ActivityWorker(
            self.swf.client(),
            "domain",
            "tasks",
            {each.type: each for each in self._activities()},
            clock=self._workers_clock,
            **given,
        )
        return self._worker

    def start(self, **options: Any) -> ActivityWorker:
        """Return a worker that runs on a thread of its own."""
        worker = self.make(**options)

        def run() -> None:
            try:
                self._report = worker.run()
            except BaseException as error:
                self.error = error

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        return worker

    def start_busy(self, name: str = "work", **options: Any) -> tuple[ActivityWorker, str]:
        """Return a worker that runs one activity, and the token of its task."""
        worker = self.start(**options)
        token = self.swf.give(name)
        self.wait_for_begun()
        return worker, token

    def wait_for_begun(self, count: int = 1) -> None:
        """Wait until *count* activities have begun."""
        for _ in range(count):
            assert self._begun.acquire(timeout=PATIENCE_SECONDS)

    @property
    def has_begun(self) -> bool:
        """Whether an activity has begun for which nobody has waited."""
        return self._begun.acquire(blocking=False)

    @property
    def runs(self) -> bool:
        """Whether ``run`` has not returned."""
        assert self._thread is not None
        return self._thread.is_alive()

    def leave(self, report: StopReport) -> None:
        """Be the worker's ``leave``."""
        self.left.append(report)
        self._left_at.set()

    def wait_until_left(self) -> StopReport:
        """Wait until ``leave`` was called, and return the report."""
        assert self._left_at.wait(PATIENCE_SECONDS)
        (report,) = self.left
        return report

    def join(self) -> StopReport:
        """Wait for the end of ``run`` and return its report, or raise what it raised."""
        assert self._thread is not None
        self._thread.join(PATIENCE_SECONDS)
        assert not self.runs
        if self.error is not None:
            raise self.error
        assert self._report is not None
        return self._report

    def _activities(self) -> list[ActivityImplementation]:
        case = self

        class Work(Activity):
            def run(self) -> str:
                case._begun.release()
                assert case.release.wait(HANG_SECONDS)
                return "done"

        class Beats(Activity):
            def run(self) -> bool | None:
                case._begun.release()
                assert case.release.wait(HANG_SECONDS)
                return self.heartbeat() or None

        class Beating(Activity):
            def run(self) -> None:
                self.heartbeat("secret details")
                case._begun.release()
                assert case.release.wait(HANG_SECONDS)

        class Coroutine(AsyncActivity):
            async def run(self) -> None:
                case._begun.release()
                await asyncio.Event().wait()

        class Stubborn(AsyncActivity):
            async def run(self) -> str:
                case._begun.release()
                while not case.release.is_set():
                    try:
                        await asyncio.sleep(LOOK_SECONDS)  # threads release it
                    except asyncio.CancelledError:
                        continue
                return "done"

        class Blocks(AsyncActivity):
            async def run(self) -> None:
                case._begun.release()
                assert case.release.wait(HANG_SECONDS)

        defaults = ActivityDefaults("tasks", 60, 420, 120, 300)
        kinds = {
            "work": Work,
            "beats": Beats,
            "beating": Beating,
            "coroutine": Coroutine,
            "stubborn": Stubborn,
            "blocks": Blocks,
        }
        return [implementation(kind, name, defaults=defaults) for name, kind in kinds.items()]
