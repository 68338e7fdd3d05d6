"""The events of observers: frozen, and without any token, input or result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from ..concurrency.stop import StopLevel
from ..context import ActivityInfo
from ..invocation.outcome import TaskOutcome
from ..invocation.status import TaskStatus


@dataclass(frozen=True)
class Starting:
    """A process is about to serve a task list, or to supervise the processes that serve it.

    Attributes:
        domain, task_list: the task list to poll, and its domain.
        processes: the number of worker processes; if it is 1, the worker runs without a supervisor.
        slot: the number of this worker process, from 0; a replacement gets the same. None for the
            supervisor, and for a worker without one.
    """

    domain: str
    task_list: str
    processes: int = 1
    slot: int | None = None

    @property
    def supervises(self) -> bool:
        """Whether this process is the supervisor."""
        return self.processes > 1 and self.slot is None


@dataclass(frozen=True)
class WorkerStarted:
    """A worker begins to poll. ``activity_types`` are texts such as ``"charge 1"``."""

    domain: str
    task_list: str
    identity: str
    activity_types: tuple[str, ...]
    concurrency: int
    pollers: int


@dataclass(frozen=True)
class StopRequested:
    """A stop has reached a level; sent once for each level."""

    level: StopLevel


@dataclass(frozen=True)
class WorkerStopped:
    """A worker, or a supervisor, has ended; ``report`` is its ``StopReport``."""

    report: Any


@dataclass(frozen=True)
class PollStarted:
    """A poll is about to be sent; ``task_list`` is the list that is polled."""

    task_list: str


@dataclass(frozen=True)
class PollEnded:
    """A poll has ended.

    Attributes:
        task_list: the list that was polled.
        result: ``"task"``, ``"empty"``, ``"error"`` if SWF did not carry it out, or ``"lost"`` if a
            task may be lost with it.
        seconds: how long the poll took.
        fault: SWF's code, or the name of the client's exception; None if the poll succeeded.
        run_id, started_event_id: which task it brought, as in ``ActivityInfo``; None without one.
    """

    task_list: str
    result: Literal["task", "empty", "error", "lost"]
    seconds: float
    fault: str | None = None
    run_id: str | None = None
    started_event_id: int | None = None


@dataclass(frozen=True)
class CallStarted:
    """A call other than a poll is about to be sent; ``action`` is SWF's name."""

    action: str


@dataclass(frozen=True)
class CallEnded:
    """A call other than a poll has ended.

    Attributes:
        action: SWF's name, such as ``"RespondActivityTaskCompleted"``.
        seconds: how long the call took, with the client's own retries.
        fault: SWF's code, or the name of the client's exception; None if SWF accepted the call.
    """

    action: str
    seconds: float
    fault: str | None = None


@dataclass(frozen=True)
class TaskStarted:
    """A poll brought a task, and it is about to run."""

    info: ActivityInfo


@dataclass(frozen=True)
class TaskWaited:
    """The history of a task shows how long it had waited for a worker.

    Attributes:
        info: the task.
        seconds: from its scheduling to its start, by SWF's clock.
    """

    info: ActivityInfo
    seconds: float


@dataclass(frozen=True)
class HeartbeatEnded:
    """A heartbeat was sent, by the activity or in the background.

    Attributes:
        info: the task.
        accepted: whether SWF accepted it.
        fault: why SWF did not, as in ``CallEnded``; None if it did.
    """

    info: ActivityInfo
    accepted: bool
    fault: str | None = None


@dataclass(frozen=True)
class StatusChanged:
    """The answer to a heartbeat changed the status of a task."""

    info: ActivityInfo
    status: TaskStatus


@dataclass(frozen=True)
class TaskEnded:
    """A task has its outcome, and the worker is done with it.

    Attributes:
        info: the task.
        outcome: how it ended, as far as the worker knows.
        run_seconds: from the poll to the end of the run.
        answer_seconds: from the end of the run until SWF accepted the answer, or the worker gave
            up.
        error: the exception behind a failure, or None. An observer sees exceptions only here;
            middleware sees them, too.
    """

    info: ActivityInfo
    outcome: TaskOutcome
    run_seconds: float
    answer_seconds: float
    error: BaseException | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ProcessStarted:
    """A supervisor has started a worker process, in one of its slots, numbered from 0."""

    pid: int
    slot: int


@dataclass(frozen=True)
class ProcessEnded:
    """A worker process has ended.

    Attributes:
        pid: its process id.
        slot: its slot; a replacement gets the same one.
        end: the exit code, or the signal and its name.
        expected: whether it ended well: with exit code 0, and all its tasks settled.
    """

    pid: int
    slot: int
    end: str
    expected: bool
