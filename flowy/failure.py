"""How an exception becomes the reason and the details of a failed task.

An exception may carry an empty message, a megabyte, half a surrogate pair, or a ``__str__`` that
raises. The failure must be reported all the same: an answer that cannot be sent leaves the task
open until it times out.
"""

from __future__ import annotations

import traceback
from types import TracebackType

#: One piece of a traceback (a frame, or an exception's message) is cut to this many characters,
#: so that a long message cannot push the frames out of the details.
MAX_PIECE_CHARS = 4_096


def reason_of(error: BaseException) -> str:
    """Return the text of *error*, or the name of its class where that is empty or unreadable."""
    name = type(error).__name__
    try:
        return sendable(str(error)) or name
    except BaseException as second:  # the author's __str__ may raise anything at all
        return f"{name} (its message cannot be read: {type(second).__name__})"


def details_of(error: BaseException, *, skip_file: str | None = None) -> str:
    """Return the traceback of *error*.

    Args:
        error: an exception that was raised.
        skip_file: leading frames of this file are left out.
    """
    try:
        start = _skip(error.__traceback__, skip_file)
        pieces = traceback.format_exception(type(error), error, start)
    except Exception as second:  # formatting runs the author's __str__, __repr__ and __cause__
        return f"{type(error).__name__} (no traceback: {type(second).__name__})"
    return sendable("".join(cut_end(piece, MAX_PIECE_CHARS) for piece in pieces))


def sendable(text: str) -> str:
    """Return *text* with lone surrogates, which have no UTF-8 form, written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def cut_end(text: str, limit: int) -> str:
    """Return *text*, cut at its end to *limit* characters with a mark where it was longer."""
    return text if len(text) <= limit else text[: limit - 4] + " ..."


def cut_start(text: str, limit: int) -> str:
    """Return *text*, cut at its start to *limit* characters with a mark where it was longer."""
    return text if len(text) <= limit else "... " + text[len(text) - limit + 4 :]


def _skip(frames: TracebackType | None, file: str | None) -> TracebackType | None:
    start = frames
    while start is not None and start.tb_frame.f_code.co_filename == file:
        start = start.tb_next
    return start or frames
