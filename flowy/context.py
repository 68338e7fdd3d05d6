"""Which activity runs here: set by the worker, readable by anything that ``run`` calls.

SWF delivers a task with its ids and its type, but ``run`` receives only the author's arguments. The
worker sets a context variable around the run, so that a function deep in the author's code can name
the task in a log line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from .concurrency.retry import Deadline
from .exception import OutsideActivityError


@dataclass(frozen=True)
class ActivityInfo:
    """What is known about the running activity task; all but the timeouts came with the task.

    The four timeouts are those *declared* by the decorator, in seconds; None means no limit. The
    timeouts in force may differ: a workflow may override each when it schedules the task, and SWF
    does not tell the worker.
    """

    name: str
    version: str
    activity_id: str
    workflow_id: str
    run_id: str
    domain: str
    task_list: str  #: The list this worker polls, which need not be the declared one.
    started_event_id: int
    identity: str  #: How the worker names itself to SWF: host, process, version.
    heartbeat: int | None
    schedule_to_close: int | None
    schedule_to_start: int | None
    start_to_close: int | None

    def __str__(self) -> str:
        return (
            f"{self.name} {self.version} (activity {self.activity_id} of workflow "
            f"{self.workflow_id})"
        )


@dataclass(frozen=True)
class RunningActivity:
    """One run, as its worker sees it.

    Attributes:
        info: what is known about the task.
        deadline: when the declared start-to-close ends, or schedule-to-close if it ends sooner.
        is_stopping: returns whether the worker was asked to stop.
        slots: how many activities the worker runs at once; None if that is not known.
    """

    info: ActivityInfo
    deadline: Deadline
    is_stopping: Callable[[], bool]
    slots: int | None = None


_running: ContextVar[RunningActivity] = ContextVar("flowy_running_activity")


def current_or_none() -> ActivityInfo | None:
    """Return what is known about the activity that runs here, or None outside a run."""
    running = _running.get(None)
    return None if running is None else running.info


def occupies_only_slot() -> bool:
    """Return whether the activity that runs here takes the only slot of its worker."""
    running = _running.get(None)
    return running is not None and running.slots == 1


def current() -> ActivityInfo:
    """Return what is known about the activity that runs here.

    Raises:
        OutsideActivityError: no worker runs an activity in this context. A thread that the
            activity started itself has a context of its own: start the thread through
            ``contextvars.copy_context().run``.
    """
    return _here("tell the running activity").info


def worker_stopping() -> bool:
    """Return whether the worker that runs this activity was asked to stop.

    True from the first signal on, while heartbeats still answer True, so that a long activity can
    save its state in time.

    Raises:
        OutsideActivityError: as for ``current``.
    """
    return _here("tell whether the worker stops").is_stopping()


def remaining_seconds() -> float | None:
    """Return the seconds left for this activity by its declared timeouts; None for no limit.

    Raises:
        OutsideActivityError: as for ``current``.
    """
    return _here("tell the time left").deadline.remaining_seconds()


@contextmanager
def entered(running: RunningActivity) -> Iterator[None]:
    """Make *running* the current one while the block runs."""
    mark = _running.set(running)
    try:
        yield
    finally:
        _running.reset(mark)


def _here(what: str) -> RunningActivity:
    try:
        return _running.get()
    except LookupError:
        raise OutsideActivityError(
            f"Cannot {what}: no worker runs an activity here. Call this inside `run`, or in a "
            "thread that was started through contextvars.copy_context().run(...)."
        ) from None
