"""What the history of a test's task tells: the attempts before it have timed out."""

from __future__ import annotations

from dataclasses import replace

from ..attempts import Attempt, TaskHistory
from ..context import ActivityInfo
from ..invocation import TaskOutcome, cut_end, sendable
from ..transport import decode_details, encode_details

#: The most characters that SWF keeps of the details of a heartbeat.
_MAX_DETAILS_CHARS = 2_048


def history_at(attempt: int | None, previous_details: object) -> TaskHistory | None:
    """Return the history of the task at an attempt; None if it is not available.

    Args:
        attempt: its number, from 1; None for a history that is not available.
        previous_details: what the attempt before gave to its last heartbeat.

    Raises:
        ValueError: they do not fit together.
        SerializationError: the details are not JSON-serializable.
    """
    if attempt is not None and (type(attempt) is not int or attempt < 1):
        raise ValueError(
            f"Cannot use attempt={attempt!r}: give a whole number, 1 or more, or None."
        )
    if previous_details is not None and attempt in (None, 1):
        raise ValueError(f"Cannot use previous_details with attempt={attempt}: give attempt=2.")
    if attempt is None:
        return None
    text = encode_details(previous_details)
    details = decode_details(text and cut_end(sendable(text), _MAX_DETAILS_CHARS))
    late = Attempt("1", TaskOutcome.TIMED_OUT, "START_TO_CLOSE", "START_TO_CLOSE", None, "earlier")
    before = tuple(replace(late, details=None if each else details) for each in range(attempt - 1))
    return TaskHistory(attempt, before, details)


def told_of(history: TaskHistory | None, info: ActivityInfo) -> TaskHistory | None:
    """Return what the history tells of the task with this *info*, which has the timeouts."""
    if history is None:
        return None
    return replace(
        history,
        scheduled_at=info.scheduled_at,
        started_at=info.started_at,
        control=info.control,
        heartbeat=info.heartbeat,
        schedule_to_close=info.schedule_to_close,
        schedule_to_start=info.schedule_to_start,
        start_to_close=info.start_to_close,
    )
