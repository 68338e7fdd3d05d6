"""One task whose SWF is played by the test, and whose worker is the real one.

The worker's code applies SWF's limits; SWF itself is a few fields that the test sets.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..attempts import TaskHistory
from ..concurrency.stop import StopFlag, StopLevel
from ..context import ActivityInfo
from ..exception import HistoryError, UnknownResourceError
from ..invocation import TaskStatus
from ..middleware import Middleware, Run
from ..swf.client import SWFClient
from ..swf.values import ActivityDefaults, ActivityImplementation, ActivityTask, ActivityType
from ..swf.worker.heartbeats import Heartbeats
from ..swf.worker.responder import StopPolicy
from ..swf.worker.task_run import TaskRun
from ..swf.worker.worker_context import WorkerContext
from ..task import Activity
from .outcomes import Answer


class RecordingClient(SWFClient):
    """Records the calls of one task, and answers them as the test has set."""

    def __init__(self) -> None:
        super().__init__(None, None)
        self.cancel_requested = False
        self.closed = False
        self.heartbeats: list[str | None] = []
        self.answer: Answer | None = None

    def _call(
        self, client: Any, method: str, deadline_seconds: float = 0.0, **parameters: Any
    ) -> Mapping[str, Any]:
        if self.closed:
            raise UnknownResourceError(
                f"Cannot {method}: the test has closed the task.", fault="UnknownResourceFault"
            )
        if method == "record_activity_task_heartbeat":
            self.heartbeats.append(parameters.get("details"))
            return {"cancelRequested": self.cancel_requested}
        del parameters["taskToken"]
        self.answer = Answer(method.rpartition("_")[2], **parameters)
        self.closed = True
        return {}


class _NoteError(Middleware):
    """Notes the exception of the activity, or of middleware around it."""

    def __init__(self) -> None:
        self.error: BaseException | None = None

    def run(self, run: Run, call_next: Callable[[Run], Any]) -> Any:
        """Run, and note an exception."""
        try:
            return call_next(run)
        except BaseException as error:
            self.error = error
            raise

    async def run_async(self, run: Run, call_next: Callable[[Run], Awaitable[Any]]) -> Any:
        """Run, and note an exception."""
        try:
            return await call_next(run)
        except BaseException as error:
            self.error = error
            raise


@dataclass(frozen=True)
class Script:
    """What happens to a task.

    Attributes:
        steps: what happens before a heartbeat is answered, by its number from 1 on.
        on_heartbeat: called with each heartbeat's details, before it is answered.
        learns_at_once: whether the activity has background heartbeats, which learn what happens.
        on_stop: ``"abandon"`` or ``"fail"``.
        middleware: runs around ``run``, like a worker's.
        converter: that of the activity, or None.
        envelope: that of the activity, or None.
        history: what the history says; None if it is not available.
        reads_history: whether the activity knows that before its run.
    """

    steps: Mapping[int, Sequence[Callable[[ScriptedTask], None]]]
    on_heartbeat: Callable[[str | None], object]
    learns_at_once: bool
    on_stop: Literal["abandon", "fail"]
    middleware: tuple[Middleware, ...] = ()
    converter: Any = None
    envelope: Any = None
    history: TaskHistory | None = None
    reads_history: bool = False


class ScriptedTask:
    """A task whose SWF does what the test says; each of its heartbeats goes out.

    Args:
        activity: the class to run.
        input: the wire text of its arguments.
        token: the task's token.
        info: what is known about the task.
        script: what happens to the task.
    """

    def __init__(
        self,
        activity: type[Activity],
        input: str | None,
        token: str,
        info: ActivityInfo,
        script: Script,
    ) -> None:
        self.client = RecordingClient()
        self.stop = StopFlag()
        #: The details of every progress() the activity has reported.
        self.reports: list[str | None] = []
        #: Cancels the running coroutine; None if none runs.
        self.interrupt: Callable[[], None] | None = None
        self._script = script
        self._noted = _NoteError()
        self._beats = 0
        self._in_heartbeat = False
        self._lock = threading.RLock()
        implementation = _implementation(activity, info, script)
        worker = WorkerContext(
            activities={implementation.type: implementation},
            client=self.client,
            domain=info.domain,
            task_list=info.task_list,
            identity=info.identity,
            policy=StopPolicy(self.stop, None, script.on_stop),
            middleware=(self._noted, *script.middleware),
        )
        task = ActivityTask(
            implementation.type,
            token,
            info.activity_id,
            info.workflow_id,
            info.run_id,
            info.started_event_id,
            input,
        )
        self.run = TaskRun(worker, task)
        self.run.info = self.run.running.info = info  # a poll has no times and no control
        self.run.heartbeats = _ScriptedHeartbeats(self)
        self.run.running.history = script.history if script.reads_history else None
        self.run.running.read_history = self._read_history

    @property
    def status(self) -> TaskStatus:
        """What is known about the task."""
        return self.run.status.current

    @property
    def error(self) -> BaseException | None:
        """The exception that ``run`` raised; None if it returned."""
        return self._noted.error

    def beat(self, details: str | None, send: Callable[[], None]) -> None:
        """Carry out the script's steps for the next heartbeat, then send it."""
        with self._lock:
            self._in_heartbeat = True
            try:
                self._beats += 1
                for happens in self._script.steps.get(self._beats, ()):
                    happens(self)
                self._script.on_heartbeat(details)
                if self.run.status.learned is not TaskStatus.LOST:
                    send()
            finally:
                self._in_heartbeat = False

    def _read_history(self) -> TaskHistory:
        if self._script.history is None:
            raise HistoryError("The test has given attempt=None: the history is not available.")
        return self._script.history

    # What can happen to the task

    def request_cancel(self) -> None:
        """Request its cancellation, as a decider does at SWF."""
        with self._lock:
            self.client.cancel_requested = True
            if self._script.learns_at_once:
                self.run.status.accepted(cancel_requested=True)
                self._interrupt()

    def close(self) -> None:
        """Close it, as SWF does when it times out or its workflow ends."""
        with self._lock:
            self.client.closed = True
            if self._script.learns_at_once:
                self.run.status.closed()
                self._interrupt()

    def lose(self) -> None:
        """Refuse all further heartbeats, until the task counts as lost."""
        with self._lock:
            self.run.status.lost()
            if self._script.learns_at_once:
                self._interrupt()

    def stop_worker(self, level: StopLevel) -> None:
        """Tell its worker to stop."""
        with self._lock:
            self.stop.raise_to(level)
            if level >= StopLevel.CANCEL:
                self._interrupt()

    def _interrupt(self) -> None:
        # A heartbeat under way tells the coroutine; it is not canceled as well.
        if self.interrupt is not None and not self._in_heartbeat:
            self.interrupt()


def steps_at(
    *given: tuple[int | None, Callable[[ScriptedTask], None]],
) -> dict[int, list[Callable[[ScriptedTask], None]]]:
    """Return what happens at each heartbeat, by its number."""
    steps: dict[int, list[Callable[[ScriptedTask], None]]] = {}
    for number, happens in given:
        if number is None:
            continue
        if number < 1:
            raise ValueError(f"Cannot script heartbeat {number}: the first one is 1.")
        steps.setdefault(number, []).append(happens)
    return steps


def _implementation(
    activity: type[Activity], info: ActivityInfo, script: Script
) -> ActivityImplementation:
    """Return the declaration of *activity* that *info* shows."""
    type_ = ActivityType(info.name, info.version)
    defaults = ActivityDefaults(
        info.task_list,
        info.heartbeat,
        info.schedule_to_close,
        info.schedule_to_start,
        info.start_to_close,
    )
    travel = {"converter": script.converter, "envelope": script.envelope}
    return ActivityImplementation(type_, defaults, activity, "", 0, **travel)


class _ScriptedHeartbeats(Heartbeats):
    """Sends every heartbeat, after the script's steps for it."""

    def __init__(self, task: ScriptedTask) -> None:
        super().__init__(
            task.run.info,
            lambda details: task.client.record_activity_task_heartbeat("token", details),
            task.run.status,
            lost_after_seconds=None,
            pause=lambda seconds: True,
        )
        self._task = task

    def beat(self, details: str | None = None, *, now: bool = False) -> None:
        """Report progress, and send a heartbeat."""
        super().progress(details)
        self._task.beat(details, self.send)

    def progress(self, details: str | None = None) -> None:
        """Record the activity's progress."""
        self._task.reports.append(details)
        super().progress(details)
