"""How an exception becomes the reason and the details of a failed task.

An exception may carry an empty message, a megabyte, half a surrogate pair, or a ``__str__`` that
raises. The failure must be reported all the same: an answer that cannot be sent leaves the task
open until it times out.
"""

from __future__ import annotations

import re
import traceback
from collections import deque
from collections.abc import Container, Iterator
from types import CodeType, TracebackType

#: One piece of a traceback (a frame, or an exception's message) is cut to this many characters,
#: so that a long message cannot push the frames out of the details.
MAX_PIECE_CHARS = 4_096

#: Exceptions of one chain of causes and contexts that are shown, at most.
MAX_CHAIN = 20

#: Texts of values that name no fault.
_CONSTANTS = frozenset({"None", "True", "False", "nan", "inf", "-inf"})


def reason_of(error: BaseException) -> str:
    """Return the text of *error*, after the name of its class if the text says nothing alone.

    ``KeyError: 'order'`` and ``ValueError: 3``, but ``no such order``; the name alone if there is
    no text, or if it cannot be read.
    """
    name = type(error).__name__
    try:
        text = sendable(str(error))
        if not text.strip():
            return name
        return f"{name}: {text}" if _says_nothing_alone(error, text) else text
    except BaseException as second:  # the author's __str__ may raise anything at all
        return f"{name} (its message cannot be read: {type(second).__name__})"


def details_of(error: BaseException, *, run_by: Container[CodeType] = ()) -> str:
    """Return the traceback of *error*, of its chain the latest 20 exceptions.

    The frames of a MemoryError are cleared: they hold what has used up the memory, and the answer
    needs some. A chain of more than 20 exceptions is cut, and so are the frames of those that
    middleware caught, in the exceptions themselves.

    Args:
        error: an exception that was raised.
        run_by: the code that calls the author's code; its frames and those before are left out.
    """
    try:
        start = _author_frames(error.__traceback__, run_by)
        for each in _cut_chain(error):
            frames = _author_frames(each.__traceback__, run_by)
            if isinstance(each, MemoryError):
                # The frames before may be suspended coroutines, which clearing would end.
                traceback.clear_frames(frames)
            if each is not error and frames is not each.__traceback__:
                BaseException.with_traceback(each, frames)  # the class may have its own __setattr__
        pieces = traceback.format_exception(type(error), error, start)
        return sendable("".join(cut_end(piece, MAX_PIECE_CHARS) for piece in pieces))
    except BaseException as second:  # formatting runs the author's __str__, __repr__, __cause__
        return f"{type(error).__name__} (no traceback: {type(second).__name__})"


def free_memory(error: BaseException, *, run_by: Container[CodeType] = ()) -> None:
    """Clear the frames of each MemoryError among *error* and those in whose handling it came.

    They hold what has used up the memory, and an answer needs some: so this comes first, and takes
    none. The frames before the author's may be suspended coroutines, which clearing would end.
    """
    found: BaseException | None = error
    for _ in range(MAX_CHAIN):
        if found is None:
            break
        if issubclass(type(found), MemoryError):
            traceback.clear_frames(_author_frames(found.__traceback__, run_by))
        found = found.__context__


def ends_thread(error: BaseException | None) -> bool:
    """Return whether *error* is meant to end more than the run: KeyboardInterrupt, SystemExit.

    By its type alone: ``isinstance`` asks the author's ``__class__``, which may raise anything.
    """
    return issubclass(type(error), KeyboardInterrupt | SystemExit)


def sendable(text: str) -> str:
    """Return *text* with lone surrogates, which have no UTF-8 form, written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def cut_end(text: str, limit: int) -> str:
    """Return *text*, cut at its end to *limit* characters with a mark if it was longer."""
    return text if len(text) <= limit else text[: limit - 4] + " ..."


def cut_start(text: str, limit: int) -> str:
    """Return *text*, cut at its start to *limit* characters with a mark if it was longer."""
    return text if len(text) <= limit else "... " + text[len(text) - limit + 4 :]


def _says_nothing_alone(error: BaseException, text: str) -> bool:
    """Return whether *text* is a key that is missing, a number, or otherwise without a word."""
    if type(error).__str__ is KeyError.__str__:  # the ``repr`` of the key
        return True
    # 1e5, nan and 0x10 are numbers with letters.
    return text.strip() in _CONSTANTS or not re.sub(r"\b\d\w*|\W", "", text)


def _cut_chain(error: BaseException) -> Iterator[BaseException]:
    """Yield *error* and its causes and contexts, 20 at most; cut off what lies beyond them."""
    waiting, seen = deque([error]), {id(error)}
    while waiting:
        each = waiting.popleft()
        for inner in getattr(each, "exceptions", ()):  # of a group; each has a chain of its own
            if id(inner) not in seen:
                seen.add(id(inner))
                waiting.append(inner)
        for next_ in (each.__cause__, each.__context__):
            if next_ is None or id(next_) in seen:
                continue
            if len(seen) < MAX_CHAIN:
                seen.add(id(next_))
                waiting.append(next_)
            elif next_ is each.__cause__:
                each.__cause__ = None
            else:
                each.__context__ = None
        yield each


def _author_frames(
    frames: TracebackType | None, run_by: Container[CodeType]
) -> TracebackType | None:
    """Return the frames below the last one of *run_by*; all of them if there are none below."""
    start = at = frames
    while at is not None:
        if at.tb_frame.f_code in run_by:
            start = at.tb_next
        at = at.tb_next
    return start or frames
