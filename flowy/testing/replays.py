"""``replay``: a recorded task as a test, so that what went wrong once stays fixed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ..exception import HistoryError
from ..importing import imported
from ..middleware import Middleware
from ..nouns import counted
from ..swf.replay import (
    UNKNOWN,
    RecordedTask,
    Recording,
    Replay,
    history_in,
    recording_of,
    replayed,
)
from ..swf.worker import WorkerOptions
from ..task import Activity, AsyncActivity
from .replay_threads import known_to_threads

if TYPE_CHECKING:
    from ..claims import Store
    from ..codecs import Codec

#: Where a history is: in a file, or at hand as pages or as events.
History: TypeAlias = str | os.PathLike[str] | Mapping[str, Any] | Sequence[Mapping[str, Any]]


def replay(
    history: History,
    *activities: type[Activity],
    activity_id: str | None = None,
    event_id: int | None = None,
    input: str | None = None,
    as_recorded: bool = False,
    on_heartbeat: Callable[[float, str | None], object] | None = None,
    middleware: Sequence[Middleware] = (),
    codecs: Sequence[Codec] = (),
    claims: Store | str | None = None,
) -> Replay:
    """Run a recorded task again, with its real input, and return how it ended, then and now.

    For example::

        def test_order_7_is_charged():
            replayed = replay("tests/order-7.json", ChargeOrder)
            assert replayed.now.value == {"paid": 7}, replayed

    The answer is not sent to SWF. Flowy's own calls that would change anything at SWF are refused.
    Everything else that the activity does is real: see ``flowy.context.replaying``.

    Args:
        history: the path of a file that ``flowy replay --save`` or the AWS CLI wrote; one answer of
            GetWorkflowExecutionHistory, or several; or events.
        activities: the classes that can run, each with the activity decorator.
        activity_id: the activity id of the task; None if only one task fits.
        event_id: the number of one of the task's events; None if only one task fits.
        input: wire text to use instead of the recorded input; None for that.
        as_recorded: whether heartbeats report a cancellation and the end of the task at the same
            time after the start as recorded. Otherwise all heartbeats are accepted.
        on_heartbeat: called with the seconds since the start, and the details, of each heartbeat.
        middleware, codecs, claims: those of the worker. Its middleware is outside that of the
            class; its codecs and store serve classes that have none.

    Raises:
        HistoryError: it is not a history, events between others are missing, no task fits, or
            several do.
        ScanError: a class is not decorated, or cannot be used.
        UnavailableError: a key service or a store does not answer.
        OSError: the file cannot be read.
        RuntimeError: the activity is a coroutine, and an event loop runs here.
    """
    options = WorkerOptions(
        UNKNOWN,
        UNKNOWN,
        activities=activities,
        middleware=tuple(middleware),
        codecs=tuple(codecs),
        claims=claims,
    )
    implementations = options.implementations()
    task = _only_one(
        _recording(history).fitting(
            implementations.keys(), activity_id=activity_id, event_id=event_id
        )
    )
    implementation = implementations[task.record.type]
    _check_no_loop(implementation.factory)
    with known_to_threads():
        return replayed(
            task,
            implementation,
            input=input,
            as_recorded=as_recorded,
            middleware=imported(options.middleware),
            on_heartbeat=on_heartbeat,
        )


def _recording(history: History) -> Recording:
    if isinstance(history, str | os.PathLike):
        history = history_in(Path(history).read_text(encoding="utf-8"), str(history))
    return recording_of(history)


def _only_one(tasks: Sequence[RecordedTask]) -> RecordedTask:
    if len(tasks) > 1:
        shown = ", ".join(str(each.event_id) for each in tasks)
        raise HistoryError(
            f"Cannot choose: {counted(len(tasks), 'task')} fit. Give event_id, one of {shown}."
        )
    return tasks[0]


def _check_no_loop(activity: object) -> None:
    if not (isinstance(activity, type) and issubclass(activity, AsyncActivity)):
        return
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        "Cannot replay a coroutine activity here: an event loop runs already. "
        "Use `await asyncio.to_thread(replay, ...)`."
    )
