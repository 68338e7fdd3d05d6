"""Which activity runs here: set by the worker, readable by anything that ``run`` calls.

SWF delivers a task with its ids and its type, but ``run`` receives only the author's arguments. The
worker sets a context variable around the run, so that a function deep in the author's code can name
the task in a log line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import Context, ContextVar
from dataclasses import dataclass, field
from typing import Any

from .concurrency.retry import Deadline
from .exception import OutsideActivityError


@dataclass(frozen=True)
class ActivityInfo:
    """What is known about the running activity task; all but the timeouts came with the task.

    The four timeouts are those that the decorator *declares*, in seconds; None means no limit. The
    timeouts in force may differ: a workflow may override each one when it schedules the task, and
    SWF does not tell the worker. If the history was read, the four are those in force, and
    *scheduled_at*, *started_at* and *control* are known.
    """

    name: str
    version: str
    activity_id: str
    workflow_id: str
    run_id: str
    domain: str
    task_list: str  #: The list that this worker polls; the declared one may differ.
    started_event_id: int
    identity: str  #: The worker's identity at SWF: host, process, version.
    heartbeat: int | None
    schedule_to_close: int | None
    schedule_to_start: int | None
    start_to_close: int | None
    scheduled_at: float | None = None  #: Seconds since the epoch; None if it is not known.
    started_at: float | None = None  #: Seconds since the epoch; None if it is not known.
    #: The note that the decider attached to the task; None if there is none, or it is not known.
    control: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return (
            f"{self.name} {self.version} (activity {self.activity_id} of workflow "
            f"{self.workflow_id})"
        )


@dataclass
class RunningActivity:
    """One run, as its worker sees it.

    Attributes:
        info: what is known about the task.
        deadline: when the declared start-to-close ends, or schedule-to-close if it ends sooner; of
            the timeouts in force, once they are known.
        is_stopping: returns whether the worker was asked to stop.
        slots: how many activities the worker runs at once; None if that is not known.
        history: a ``flowy.attempts.TaskHistory``; None unless the history was read.
        read_history: reads it, and returns what it tells; None if nothing can read it here.
        waiting: returns a context manager in which heartbeats go on, if any are declared; None if
            nothing can send them here.
    """

    info: ActivityInfo
    deadline: Deadline
    is_stopping: Callable[[], bool]
    slots: int | None = None
    history: Any = None
    read_history: Callable[[], Any] | None = None
    waiting: Callable[[], AbstractContextManager[object]] | None = None


_running: ContextVar[RunningActivity] = ContextVar("flowy_running_activity")

#: The task for which the worker itself makes a call here; its activity does not run here.
_called_for: ContextVar[ActivityInfo | None] = ContextVar("flowy_called_for", default=None)

#: Whether what runs here is a replay; and whether all of this process is one.
_replays: ContextVar[bool] = ContextVar("flowy_replays", default=False)
_process_replays = False


def current_or_none(context: Context | None = None) -> ActivityInfo | None:
    """Return what is known about the activity that runs here, or None outside a run.

    Args:
        context: where to look instead: the context of another thread or task.
    """
    running = _running.get(None) if context is None else context.get(_running)
    return None if running is None else running.info


def waiting() -> AbstractContextManager[object]:
    """Return a context manager in which the heartbeats of the activity that runs here go on."""
    running = _running.get(None)
    if running is None or running.waiting is None:
        return nullcontext()
    return running.waiting()


def logged_or_none() -> ActivityInfo | None:
    """Return what log records from here are about: what runs here, or what a call is made for."""
    return current_or_none() or _called_for.get()


def occupies_only_slot() -> bool:
    """Return whether the activity that runs here takes the only slot of its worker."""
    running = _running.get(None)
    return running is not None and running.slots == 1


def current() -> ActivityInfo:
    """Return what is known about the activity that runs here.

    Raises:
        OutsideActivityError: no worker runs an activity in this context. If the activity starts a
            thread, start it with ``contextvars.copy_context().run``.
    """
    return _here("tell the running activity").info


def worker_stopping() -> bool:
    """Return whether the worker that runs this activity was asked to stop.

    True from the first signal on, while heartbeats still return True, so that a long activity can
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


def known_history() -> Any:
    """Return the ``TaskHistory`` of this activity's task; None unless the history was read.

    Raises:
        OutsideActivityError: as for ``current``.
    """
    return _here("tell the attempt").history


def task_history() -> Any:
    """Return the ``TaskHistory`` of this activity's task; read the history unless it was read.

    Raises:
        OutsideActivityError: as for ``current``.
        HistoryError: the history is not available at the moment.
    """
    what = "read the history"
    running = _here(what)
    if running.history is None:
        if running.read_history is None:
            raise _outside(what)
        running.history = running.read_history()
    return running.history


def replaying() -> bool:
    """Return whether this is a replay of a recorded task, not a task that needs an answer.

    Use it to guard what must not happen twice, such as a payment. It is True in the whole process
    of ``flowy replay``, also while it imports the activities. In ``flowy.testing.replay`` it is
    True in the run, in the threads that the run starts, and in what it submits to a
    ``ThreadPoolExecutor``. Elsewhere it is False, also in new processes that an activity starts.
    """
    return _process_replays or _replays.get()


@contextmanager
def entered_replay(*, process: bool = False) -> Iterator[None]:
    """Make ``replaying`` True while the block runs: here, or in the whole *process*."""
    global _process_replays
    mark, before = _replays.set(True), _process_replays
    _process_replays = before or process
    try:
        yield
    finally:
        _process_replays = before
        _replays.reset(mark)


@contextmanager
def calling_for(info: ActivityInfo) -> Iterator[None]:
    """Let log records name a task while the block makes a call for it."""
    mark = _called_for.set(info)
    try:
        yield
    finally:
        _called_for.reset(mark)


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
        raise _outside(what) from None


def _outside(what: str) -> OutsideActivityError:
    return OutsideActivityError(
        f"Cannot {what}: no worker runs an activity here. Call this inside `run`, or in a thread "
        "that was started through contextvars.copy_context().run(...)."
    )
