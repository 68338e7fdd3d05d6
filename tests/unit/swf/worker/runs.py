"""A worker's context and task runs in it, between stand-ins for SWF and for time."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flowy.concurrency.clock import Clock
from flowy.concurrency.event_loop import EventLoop
from flowy.concurrency.stop import StopFlag, StopLevel
from flowy.invocation import Answer, Sealing, StatusRecord
from flowy.observer import HeartbeatEnded, Observer, StatusChanged, TaskEnded, TaskStarted
from flowy.swf.values import ActivityDefaults, ActivityImplementation, ActivityTask, ActivityType
from flowy.swf.worker.auto_heartbeats import AutoHeartbeats
from flowy.swf.worker.heartbeats import Heartbeats
from flowy.swf.worker.report import Tally
from flowy.swf.worker.responder import StopPolicy
from flowy.swf.worker.task_run import TaskRun
from flowy.swf.worker.worker_context import WorkerContext
from flowy.task import Activity
from tests.patience import PATIENCE_SECONDS
from tests.suspended import an_info
from tests.unit.clocks import TurnedClock
from tests.unit.swf.calls import Calls, RecordingJournal

TYPE = ActivityType("work", "1")

#: Seconds from one background heartbeat to the next, by the clock of the case.
INTERVAL = 20.0


class Case:
    """One worker's stand-ins, and the runs of its tasks.

    Attributes:
        calls: takes SWF's place.
        clock: by which everything in the worker waits.
        flag: raised for a stop.
        ended: set when a run is settled.
    """

    def __init__(self) -> None:
        self.calls = Calls()
        self.journal = RecordingJournal()
        self.tally = Tally()
        self.clock = TurnedClock()
        self.flag = StopFlag(self.clock)
        self.auto_heartbeats = AutoHeartbeats(self.clock)
        self.ended = threading.Event()
        self._client = self.calls.client()
        self._loop: EventLoop | None = None

    def close(self) -> None:
        """Let its threads end."""
        self.auto_heartbeats.close()
        if self._loop is not None:
            self._loop.close()

    @property
    def loop(self) -> EventLoop:
        """The event loop of its coroutines."""
        self._loop = self._loop or EventLoop(4)
        return self._loop

    def context(
        self,
        factory: Any = Activity,
        *,
        auto_heartbeat: bool = False,
        max_stall: float | None = None,
        envelope: Any = None,
        heartbeat: int | None = 60,
        start_to_close: int | None = 300,
        schedule_to_close: int | None = 420,
        on_stop: Any = "abandon",
        **worker: Any,
    ) -> WorkerContext:
        """Return a worker's context with one implementation; *worker* overrides its attributes."""
        found = ActivityImplementation(
            type=TYPE,
            defaults=ActivityDefaults("tasks", heartbeat, schedule_to_close, 120, start_to_close),
            factory=factory,
            file="activities.py",
            line=1,
            auto_heartbeat_seconds=INTERVAL if auto_heartbeat else None,
            max_stall_seconds=max_stall,
            envelope=envelope,
        )
        attributes: dict[str, Any] = {
            "activities": {TYPE: found},
            "client": self._client,
            "domain": "domain",
            "task_list": "tasks",
            "identity": "me",
            "policy": StopPolicy(self.flag, None, on_stop),
            "tally": self.tally,
            "journal": self.journal,
            "auto_heartbeats": self.auto_heartbeats,
            "settled": lambda run: self.ended.set(),
            "clock": self.clock,
        }
        return WorkerContext(**(attributes | worker))

    def task_run(
        self,
        factory: Any = Activity,
        *,
        type_: ActivityType = TYPE,
        token: str = "token",
        input: str = "[[], {}]",
        **worker: Any,
    ) -> TaskRun:
        """Return a run of one task; *worker* is for ``context``."""
        return TaskRun(self.context(factory, **worker), task(type_, token, input))

    def begin(self, run: TaskRun) -> None:
        """Start a coroutine as a worker does."""
        self.ended.clear()
        run.cancel = self.loop.submit(run.run_async, run.failed, contextvars.copy_context())

    def wait(self) -> None:
        """Wait until the run is settled."""
        assert self.ended.wait(PATIENCE_SECONDS)

    def await_(self, run: TaskRun) -> None:
        """Run a coroutine to its end."""
        self.begin(run)
        self.wait()

    def beat(self) -> None:
        """Let the next background heartbeat go out; the one before it is done then."""
        count = len(self.calls.beats)
        self.clock.turn_when_awaited(INTERVAL)
        self.calls.wait_until(lambda: len(self.calls.beats) > count)

    @property
    def answer(self) -> tuple[str, ...]:
        """The only answer."""
        (made,) = self.calls.made
        return made

    @property
    def settled(self) -> list[str]:
        """The outcomes in the journal."""
        return [entry[2] for entry in self.journal.entries if entry[0] == "settled"]


class Held:
    """Holds the answers of a case until they are released."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._under_way = threading.Event()
        self._released = threading.Event()
        case.calls.on_answer = self._hold

    def _hold(self) -> None:
        self._under_way.set()
        self._released.wait(PATIENCE_SECONDS)

    @contextmanager
    def during(self, answer: Any) -> Iterator[None]:
        """Let *answer* be under way, called in a thread, while the block runs."""
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        assert self._under_way.wait(PATIENCE_SECONDS)
        try:
            yield
        finally:
            self._released.set()
            thread.join(PATIENCE_SECONDS)


class RecordingRun:
    """A run that remembers its answers and sends none; it has heartbeats and a status."""

    def __init__(self, calls: Calls | None = None, clock: Clock | None = None) -> None:
        self.calls = calls = calls or Calls()
        self.answers: list[Answer] = []
        self.taken = True
        self.is_forked = False
        self.is_suspending = False
        self.sealing: Sealing | None = None
        self.flag = StopFlag()
        self.status = StatusRecord(lambda: self.flag.is_set(StopLevel.CANCEL))
        self.heartbeats = Heartbeats(
            an_info(),
            lambda details: calls.heartbeat("token", details),
            self.status,
            lost_after_seconds=60,
            pause=lambda seconds: True,
            clock=clock or TurnedClock(),
        )

    def finish(self, answer: Answer) -> bool:
        self.answers.append(answer)
        return self.taken

    @contextmanager
    def suspending(self) -> Iterator[None]:
        self.is_suspending = True
        yield
        self.is_suspending = False


class Recorder(Observer):
    """Remembers what it is told of tasks."""

    def __init__(self) -> None:
        self.events: list[TaskStarted | HeartbeatEnded | StatusChanged | TaskEnded] = []

    def task_started(self, event: TaskStarted) -> None:
        self.events.append(event)

    def heartbeat_ended(self, event: HeartbeatEnded) -> None:
        self.events.append(event)

    def status_changed(self, event: StatusChanged) -> None:
        self.events.append(event)

    def task_ended(self, event: TaskEnded) -> None:
        self.events.append(event)


def task(type: ActivityType = TYPE, token: str = "token", input: str = "[[], {}]") -> ActivityTask:
    """Return what a poll brought."""
    return ActivityTask(type, token, "1", "flow", "run", 5, input)
