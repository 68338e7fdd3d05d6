"""Which activity runs here: told by the worker, readable by anything that ``run`` calls.

SWF hands a task to a worker with its ids and its type, and nothing of this reaches ``run``'s
arguments. The worker sets it in a context variable around the run, so that a function deep in
the author's code can name the task in a log line without being passed it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from .exception import OutsideActivityError


@dataclass(frozen=True)
class ActivityInfo:
    """What is known of the running activity task; all but the timeouts came with the task.

    The four timeouts are those *declared* by the decorator, in seconds, None for no limit. They
    are a guess at what is in force: a workflow may override each when it schedules the task, and
    SWF does not tell the worker.
    """

    name: str
    version: str
    activity_id: str
    workflow_id: str
    run_id: str
    domain: str
    task_list: str  #: The list this worker polls, which need not be the declared one.
    started_event_id: int
    identity: str  #: What the worker tells SWF of itself: host, process, version.
    heartbeat: int | None
    schedule_to_close: int | None
    schedule_to_start: int | None
    start_to_close: int | None

    def __str__(self) -> str:
        return (
            f"{self.name} {self.version} (activity {self.activity_id} of workflow "
            f"{self.workflow_id})"
        )


_running: ContextVar[ActivityInfo] = ContextVar("flowy_running_activity")


def current() -> ActivityInfo:
    """Return what is known of the activity that runs here.

    Raises:
        OutsideActivityError: no worker runs an activity in this context. A thread that the
            activity started itself has a context of its own: start it through
            ``contextvars.copy_context().run``.
    """
    try:
        return _running.get()
    except LookupError:
        raise OutsideActivityError(
            "Cannot tell the running activity: no worker runs one here. It is known inside `run` "
            "and in what it calls in the same thread; carry it to a thread of your own with "
            "contextvars.copy_context().run(...)."
        ) from None


@contextmanager
def entered(info: ActivityInfo) -> Iterator[None]:
    """Make *info* the current one while the block runs."""
    mark = _running.set(info)
    try:
        yield
    finally:
        _running.reset(mark)
