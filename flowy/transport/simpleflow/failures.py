"""What a worker of simpleflow tells SWF of a failure.

The reason is the exception as Python's last line of a traceback has it, and the details are a JSON
object of four members, whose traceback is a list of lines.
"""

from __future__ import annotations

from typing import Any

from ...reasons import constant_of
from ...texts import cut_end, sendable
from .values import encode

#: SWF's limit for details, in characters.
MAX_DETAILS_CHARS = 32_768

#: Modules whose exceptions simpleflow names without them.
_OWN_MODULES = frozenset({"__main__", "builtins"})


def failure_texts(
    error: BaseException | None, reason: str, details: str | None
) -> tuple[str, dict[str, Any] | None]:
    """Return the reason, in any length, and what the details are the JSON text of.

    A reason of Flowy's own stays as it is, so that deciders know it by its constant. A failure
    without an exception has no details.

    Args:
        error: the exception behind the failure, or None.
        reason: what Flowy would send.
        details: what Flowy would send: the traceback.
    """
    if error is None:
        return reason, None if details is None else _members("", "", reason, details)
    kind, message = type(error), _message(error)
    name, module = kind.__name__, kind.__module__
    full = name if module in _OWN_MODULES else f"{module}.{name}"
    if constant_of(reason):
        message = reason
    else:
        reason = f"{name}: {message}" if message else name
    return reason, _members(name, full, message, details)


def shortened(members: dict[str, Any], limit: int = MAX_DETAILS_CHARS) -> str:
    """Return the JSON text of details, cut to a limit; the end of the traceback is kept."""
    message = str(members["message"])
    while True:
        bare = {**members, "message": message, "traceback": []}
        room = limit - len(encode(bare))
        if room >= limit // 2:
            break
        message = cut_end(message, len(message) // 2)
    lines: list[str] = []
    for line in reversed(members["traceback"]):
        room -= len(encode(line)) + 1  # with its comma
        if room < 0:
            break
        lines.insert(0, line)
    return encode({**bare, "traceback": lines})


def _members(name: str, full: str, message: str, details: str | None) -> dict[str, Any]:
    lines = (details or "").splitlines(keepends=True)
    return {"error": name, "error_type": full, "message": message, "traceback": lines}


def _message(error: BaseException) -> str:
    try:
        return sendable(str(error))
    except Exception:
        return f"<unprintable {type(error).__name__} object>"
