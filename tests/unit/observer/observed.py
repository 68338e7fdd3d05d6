"""A worker that is observed, and its activities, for the tests of observers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flowy import Activity, AsyncActivity, SuspendTask, activity
from flowy.context import ActivityInfo, current
from flowy.local import LocalSWF
from flowy.observer import (
    CallEnded,
    CallStarted,
    HeartbeatEnded,
    Observer,
    PollEnded,
    PollStarted,
    ProcessEnded,
    ProcessStarted,
    Starting,
    StatusChanged,
    StopRequested,
    TaskEnded,
    TaskStarted,
    TaskWaited,
    WorkerStarted,
    WorkerStopped,
)
from flowy.swf.worker import ActivityWorker, StopReport
from tests.patience import PATIENCE_SECONDS, until
from tests.unit.clocks import TurnedClock

#: The methods of an observer, and the class of the event that each gets.
METHODS: Mapping[str, type] = {
    "starting": Starting,
    "worker_started": WorkerStarted,
    "stop_requested": StopRequested,
    "worker_stopped": WorkerStopped,
    "poll_started": PollStarted,
    "poll_ended": PollEnded,
    "call_started": CallStarted,
    "call_ended": CallEnded,
    "task_started": TaskStarted,
    "task_waited": TaskWaited,
    "heartbeat_ended": HeartbeatEnded,
    "status_changed": StatusChanged,
    "task_ended": TaskEnded,
    "process_started": ProcessStarted,
    "process_ended": ProcessEnded,
}

E = TypeVar("E")


class Recorder(Observer):
    """Keeps all events, and lets a test wait for one."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self._news = threading.Condition()

    def note(self, event: Any) -> None:
        with self._news:
            self.events.append(event)
            self._news.notify_all()

    def of(self, kind: type[E]) -> list[E]:
        """Return the events of one class, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    def wait_for(self, kind: type[E], count: int = 1) -> E:
        """Wait until a class has that many events; return the last of them."""
        with self._news:
            came = self._news.wait_for(lambda: len(self.of(kind)) >= count, PATIENCE_SECONDS)
        assert came, self.events
        return self.of(kind)[count - 1]


for _name, _kind in METHODS.items():

    def _note(self: Recorder, event: Any, *, kind: type = _kind) -> None:
        assert type(event) is kind
        self.note(event)

    setattr(Recorder, _name, _note)


class Running:
    """A worker in a thread of its own, its clock, and what it told."""

    def __init__(
        self, swf: LocalSWF, worker: ActivityWorker, recorder: Recorder, clock: TurnedClock
    ) -> None:
        self.worker = worker
        self.recorder = recorder
        self.clock = clock
        self.report: StopReport | None = None
        self._swf = swf
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        self.report = self.worker.run()

    def turn_until(self, kind: type[E], count: int = 1) -> E:
        """Turn the clock until there are *count* events of a class; return the last of them."""
        self.clock.keep_turning(lambda: len(self.recorder.of(kind)) >= count)
        return self.recorder.wait_for(kind, count)

    def end(self, *, turning: bool = False) -> StopReport:
        """Wait for its end, and let go of the polls that it waits for.

        Args:
            turning: whether the clock is turned meanwhile, for what waits by it.
        """

        def has_ended() -> bool:
            self._swf.release_polls()  # again: a poll may have been on its way
            if turning:
                self.clock.turn(1)
            return not self.thread.is_alive()

        until(has_ended, "the end of the worker")
        assert self.report is not None
        return self.report


class Gate:
    """What the activities of this module share with the test that serves them."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.opened = threading.Event()
        self.clock = TurnedClock()
        self.infos: list[ActivityInfo] = []
        self.errors: list[Exception] = []
        self.terminate: Callable[[ActivityInfo], object] = lambda info: None


def activities(gate: Gate) -> list[type[Activity]]:
    """Return the classes that the tests serve."""

    @activity("echo", 1, "list")
    class Echo(Activity):
        def run(self, value: Any = None) -> Any:
            gate.infos.append(current())
            return value

    @activity("coroutine", 1, "list")
    class Coroutine(AsyncActivity):
        async def run(self, value: Any = None) -> Any:
            return value

    @activity("wait", 1, "list")
    class Wait(Activity):
        def run(self) -> None:
            gate.entered.release()
            gate.opened.wait(PATIENCE_SECONDS)

    @activity("take-time", 1, "list")
    class TakeTime(Activity):
        def run(self, seconds: float) -> None:
            gate.clock.turn(seconds)

    @activity("fail", 1, "list")
    class Fail(Activity):
        def run(self) -> None:
            gate.errors.append(ValueError("SECRET"))
            raise gate.errors[0]

    @activity("suspend", 1, "list")
    class Suspend(Activity):
        def run(self) -> None:
            raise SuspendTask

    @activity("beat", 1, "list", heartbeat=60)
    class Beat(Activity):
        def run(self) -> bool:
            return self.heartbeat("SECRET")

    @activity("beat-closed", 1, "list", heartbeat=60)
    class BeatClosed(Activity):
        def run(self) -> None:
            gate.terminate(self.info)
            self.heartbeat()

    return [Echo, Coroutine, Wait, TakeTime, Fail, Suspend, Beat, BeatClosed]


Start = Callable[..., Running]
