"""Runs one recorded task as a worker would: with its codecs, converter, middleware and limits."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace

from ...concurrency.clock import SYSTEM_CLOCK, Clock
from ...concurrency.stop import StopFlag
from ...context import entered_replay
from ...exception import SuspendTask, UnavailableError
from ...middleware import Middleware
from ...observer import Observer, Observers, TaskEnded
from ..values import ActivityImplementation, ActivityTask
from ..worker.journal import NoJournal
from ..worker.responder import StopPolicy
from ..worker.task_run import TaskRun
from ..worker.worker_context import WorkerContext
from .client import OnHeartbeat, ReplayClient, ReplayHeartbeats, Timeline
from .comparison import Replay, end_now, end_then
from .recording import RecordedTask

#: The identity of the worker, and the beginning of the token, in a replay.
IDENTITY = "replay"


def replayed(
    task: RecordedTask,
    implementation: ActivityImplementation,
    *,
    input: str | None = None,
    as_recorded: bool = False,
    coalesce: bool = False,
    middleware: Sequence[Middleware] = (),
    on_heartbeat: OnHeartbeat | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> Replay:
    """Run a recorded task in this thread, and return how it ended, then and now.

    Args:
        task: the task.
        implementation: the activity that runs.
        input: wire text to use instead of the recorded input; None for that.
        as_recorded: whether heartbeats learn of a cancellation, and of the closing of the task, as
            many seconds after the start as is recorded. Otherwise all of them are accepted.
        coalesce: whether heartbeats that come too fast are left out, as a worker does.
        middleware: runs around ``run``, outside the middleware of the class.
        on_heartbeat: called with each heartbeat.
        clock: measures the run.

    Raises:
        UnavailableError: a key service or a store does not answer.
        KeyboardInterrupt: it was interrupted.
    """
    heartbeats: list[str | None] = []

    def note(seconds: float, details: str | None) -> None:
        """Note a heartbeat."""
        heartbeats.append(details)
        if on_heartbeat is not None:
            on_heartbeat(seconds, details)

    timeline = Timeline(task.canceled_after, task.closed_after) if as_recorded else Timeline()
    ended = _Ended()
    troubles: list[UnavailableError] = []
    implementation = _reading_only(implementation, troubles)
    with entered_replay():
        client = ReplayClient(timeline, note, clock, task.known_events)
        worker = _worker_for(task, implementation, client, clock)
        worker = replace(worker, middleware=tuple(middleware), observers=Observers([ended]))
        run = TaskRun(worker, _delivered(task, input))
        run.heartbeats = ReplayHeartbeats(
            client, run.info, run.status, coalesce=coalesce, clock=clock
        )
        _run(run)
        assert ended.event is not None
        if isinstance(ended.event.error, KeyboardInterrupt):  # out of a coroutine
            raise KeyboardInterrupt
        if troubles:  # the task has failed for no fault of its own
            raise troubles[0]
        then = end_then(task, implementation)
        now = end_now(ended.event, client.answer, implementation)
    return Replay(task, then, now, heartbeats, ended.event.error)


def _reading_only(
    implementation: ActivityImplementation, troubles: list[UnavailableError]
) -> ActivityImplementation:
    """Return the implementation with an envelope that stores nothing."""
    if implementation.envelope is None:
        return implementation
    from .stores import ReplayEnvelope  # needed only with codecs or a store

    return replace(implementation, envelope=ReplayEnvelope.of(implementation.envelope, troubles))


def _worker_for(
    task: RecordedTask, implementation: ActivityImplementation, client: ReplayClient, clock: Clock
) -> WorkerContext:
    """Return a worker that serves the activity, stores nothing, and never stops."""
    return WorkerContext(
        activities={implementation.type: implementation},
        client=client,
        domain=task.recording.domain,
        task_list=task.record.task_list,
        identity=IDENTITY,
        policy=StopPolicy(StopFlag()),
        journal=_NoStore(),
        clock=clock,
    )


def _delivered(task: RecordedTask, input: str | None) -> ActivityTask:
    """Return the task as a poll would have brought it, with a token that opens nothing."""
    record = task.record
    return ActivityTask(
        record.type,
        f"{IDENTITY} of event {task.event_id}",
        record.activity_id,
        task.recording.workflow_id,
        task.recording.run_id,
        task.started_event_id,
        record.input if input is None else input,
    )


def _run(run: TaskRun) -> None:
    with contextlib.suppress(SystemExit):  # from `run`; the task has failed
        if run.is_coroutine:
            asyncio.run(_awaited(run))
        else:
            run.run()


async def _awaited(run: TaskRun) -> None:
    future = asyncio.ensure_future(run.run_async())
    loop = asyncio.get_running_loop()

    def cancel() -> None:
        """Cancel the coroutine; any thread may call this."""
        loop.call_soon_threadsafe(future.cancel)

    run.cancel = cancel
    try:
        await asyncio.wait([future])
    finally:
        future.cancel()  # in case of Ctrl-C
    future.result()()


class _NoStore(NoJournal):
    """Ends the run of an activity that suspends its task, before anything is kept."""

    def suspending(self, token: str) -> None:
        """End the run."""
        raise SuspendTask


class _Ended(Observer):
    """Notes how the task ended."""

    def __init__(self) -> None:
        self.event: TaskEnded | None = None

    def task_ended(self, event: TaskEnded) -> None:
        """Note it."""
        self.event = event
