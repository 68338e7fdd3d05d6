"""What a history tells an activity: its attempt, those before it, and its timeouts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...attempts import Attempt, TaskHistory
from ...context import ActivityInfo
from ...exception import HistoryError, TransportError
from ...invocation.outcome import TaskOutcome
from ...logs import log_keys
from ...safe_logging import get_logger
from ...transport import decode_details
from ..history import ActivityRecord
from ..history.same_work import earlier_attempts
from ..values import ActivityImplementation
from .history_reader import TaskRecords
from .last_heartbeat import last_heartbeat_in

logger = get_logger(__name__)

#: Is in all texts that are an envelope.
_ENVELOPE_KEY = '"$flowy"'


class UnreadableDetailsError(HistoryError):
    """The details of the attempt before cannot be decoded."""


def told_by(
    records: TaskRecords,
    implementation: ActivityImplementation,
    info: ActivityInfo,
    *,
    strict: bool,
) -> TaskHistory:
    """Return what the records of its execution tell of a task.

    Args:
        records: what was read.
        implementation: the implementation of the task's type.
        info: the task.
        strict: whether newest details that cannot be read are an error; if not, they are None.

    Raises:
        HistoryError: the author's ``same_as`` has raised something; or see *strict*.
        UnavailableError: a key service or a store does not answer at the moment.
    """
    this = records.this
    earlier = earlier_attempts(records.all, this, implementation.same_as, complete=records.complete)
    previous = earlier.records
    return TaskHistory(
        attempt=len(previous) + 1 if previous is not None and earlier.is_all else None,
        previous=None if previous is None else _attempts(previous, implementation.envelope),
        previous_details=_newest_details(previous or (), implementation.envelope, info, strict),
        scheduled_at=this.scheduled_at,
        started_at=this.started_at,
        control=this.control,
        heartbeat=this.heartbeat_timeout,
        schedule_to_close=this.schedule_to_close,
        schedule_to_start=this.schedule_to_start,
        start_to_close=this.start_to_close,
        complete=records.complete,
    )


def _attempts(records: Sequence[ActivityRecord], envelope: Any) -> tuple[Attempt, ...]:
    return tuple(
        Attempt(
            activity_id=each.activity_id,
            outcome=each.outcome or TaskOutcome.CLOSED,
            reason=each.reason,
            timeout_type=each.timeout_type,
            details=_details_or_none(each, envelope),
            identity=each.identity,
            started_at=each.started_at,
            ended_at=each.closed_at,
        )
        for each in records
    )


def _newest_details(
    records: Sequence[ActivityRecord], envelope: Any, info: ActivityInfo, strict: bool
) -> Any:
    """Return the details to go on from: older ones never replace newer ones."""
    for each in records:
        try:
            text = _details_text(each, envelope)
        except TransportError as error:
            said = f"the details of activity {each.activity_id} cannot be read: {error}"
            if strict:
                raise UnreadableDetailsError(said) from error
            logger.warning(
                "%s runs without previous details: %s",
                info,
                said,
                extra=log_keys("history_missing", info),
            )
            return None
        if text is not None:
            return decode_details(text)
    return None


def _details_or_none(record: ActivityRecord, envelope: Any) -> Any:
    try:
        return decode_details(_details_text(record, envelope))
    except TransportError:
        return None


def _details_text(record: ActivityRecord, envelope: Any) -> str | None:
    """Return the details of the last heartbeat of an attempt, out of their envelope; or None."""
    failed = record.outcome is TaskOutcome.FAILED
    text = record.details if failed else record.heartbeat
    opened = _opened(text, envelope)
    if not failed:
        return opened
    hides_reasons = envelope is not None and envelope.hide_reasons
    last = last_heartbeat_in(opened, hides_reasons=hides_reasons)
    # A supervisor has only the sealed ones, and writes them into a plain text.
    return _opened(last, envelope) if opened == text else last


def _opened(text: str | None, envelope: Any) -> str | None:
    if text is None or _ENVELOPE_KEY not in text:
        return text
    from ...envelope import Envelope  # a worker without codecs and a store imports it only here

    # Details may be older than the codecs of today's class, or newer than the class that has none.
    return str((envelope or Envelope()).opened_details(text))
