"""The details of the last heartbeat, at the end of a failure's details and found there again.

SWF keeps the details of the latest heartbeat for a task that times out, and drops them for one that
fails. So a worker writes them into the failure.
"""

from __future__ import annotations

from ...invocation import Failed, cut_end, sendable
from ..limits import MAX_HEARTBEAT_DETAILS_CHARS

_MARK = "Last heartbeat: "

#: What ``flowy.envelope`` adds after them if a class hides its reasons.
_REASON = "\nReason: "


def with_last_heartbeat(answer: Failed, last: str | None) -> Failed:
    """Return a failure whose details end with those of the last heartbeat, which no cut removes.

    Details that the activity wrote itself stay as they are: more text would break their format.

    Args:
        answer: the failure.
        last: the details of the last heartbeat, in any length; or None.
    """
    if answer.own_format:
        return answer
    if last is None:
        if f"\n{_MARK}" not in f"\n{answer.details or ''}":
            return answer
        last = ""  # the text of an exception, which may come from an input, must not stand for one
    last = cut_end(sendable(last), MAX_HEARTBEAT_DETAILS_CHARS)
    details = f"{answer.details or ''}\n{_MARK}{last}".lstrip("\n")
    return Failed(answer.reason, details, answer.error)


def last_heartbeat_in(details: str | None, *, hides_reasons: bool = False) -> str | None:
    """Return the details of the last heartbeat from those of a failure; None if it has none."""
    _, mark, last = f"\n{details or ''}".rpartition(f"\n{_MARK}")
    if not mark:
        return None
    if hides_reasons and _REASON in last:
        last = last.rpartition(_REASON)[0]
    return last or None
