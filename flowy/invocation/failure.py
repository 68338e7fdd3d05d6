"""How an exception becomes the reason and the details of a failed task.

An exception's message may be empty, a megabyte long or half a surrogate pair, and its ``__str__``
may raise. The failure must still be reported: an answer that cannot be sent leaves the task
open until it times out.
"""

from __future__ import annotations

import re
import traceback
from collections import deque
from collections.abc import Container, Iterator
from types import CodeType, TracebackType

from ..texts import cut_end, sendable

#: One piece of a traceback (a frame, or an exception's message) is cut to this many characters,
#: so that a long message cannot push the frames out of the details.
MAX_PIECE_CHARS = 4_096

#: How many exceptions of one chain of causes and contexts are shown at most.
MAX_CHAIN = 20

#: Messages that are a bare value and do not explain the failure.
_CONSTANTS = frozenset({"None", "True", "False", "nan", "inf", "-inf"})

#: One quoted value: the text of ``ValueError(error)`` if *error* is a ``KeyError``.
_QUOTED = re.compile(r"""b?(['"])((?!\1).)*\1""", re.DOTALL)


def reason_of(error: BaseException) -> str:
    """Return the text of *error*, with the name of its class if the text alone explains nothing.

    Examples are ``KeyError: 'order'`` and ``ValueError: 3``, but ``no such order``. If the text is
    empty or cannot be read, the name stands alone.
    """
    name = type(error).__name__
    try:
        text = sendable(str(error))
        if not text.strip():
            return name
        return f"{name}: {text}" if _is_bare_value(error, text) else text
    except BaseException as second:  # the author's __str__ may raise anything at all
        return f"{name} (its message cannot be read: {type(second).__name__})"


def details_of(error: BaseException, *, run_by: Container[CodeType] = ()) -> str:
    """Return the traceback of *error* and of the latest 20 exceptions in its chain.

    This changes the exceptions: a chain of more than 20 is cut, exceptions that middleware caught
    lose the worker's frames, and the frames of a MemoryError are cleared, because they refer to
    whatever used up the memory and the answer needs some.

    Args:
        error: an exception that was raised.
        run_by: the code that calls the author's code; its frames and those outside it are left out.
    """
    try:
        start = _author_frames(error.__traceback__, run_by)
        for each in _cut_chain(error):
            frames = _author_frames(each.__traceback__, run_by)
            if isinstance(each, MemoryError):
                # Not the frames outside: they may be suspended coroutines, which clearing ends.
                traceback.clear_frames(frames)
            if each is not error and frames is not each.__traceback__:
                BaseException.with_traceback(each, frames)  # the class may have its own __setattr__
        pieces = traceback.format_exception(type(error), error, start)
        return sendable("".join(cut_end(piece, MAX_PIECE_CHARS) for piece in pieces))
    except BaseException as second:  # formatting runs the author's __str__, __repr__, __cause__
        return f"{type(error).__name__} (no traceback: {type(second).__name__})"


def free_memory(error: BaseException, *, run_by: Container[CodeType] = ()) -> None:
    """Clear the frames of each MemoryError among *error* and its chain of contexts.

    The frames refer to whatever used up the memory, and an answer needs some: so this comes first,
    and allocates none. Frames outside the author's code are left alone: they may be suspended
    coroutines, which clearing would end.
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

    Only its type is checked: ``isinstance`` also reads ``__class__``, which may raise anything.
    """
    return issubclass(type(error), KeyboardInterrupt | SystemExit)


def members_of(error: BaseException) -> tuple[BaseException, ...]:
    """Return the exceptions in an exception group; none if *error* is not a group.

    Groups are recognized by name, because Python 3.10 has none of its own. The attribute alone does
    not make a group: an author's exception may have one with anything in it.
    """
    is_group = any(kind.__name__ == "BaseExceptionGroup" for kind in type(error).__mro__)
    return tuple(error.exceptions) if is_group else ()  # type: ignore[attr-defined]


def _is_bare_value(error: BaseException, text: str) -> bool:
    """Return whether *text* is only a key, a number, a constant, a quote or punctuation."""
    if type(error).__str__ is KeyError.__str__:  # the ``repr`` of the key
        return True
    bare = text.strip()
    # 1e5, nan and 0x10 are numbers with letters.
    is_number = bare in _CONSTANTS or not re.sub(r"\b\d\w*|\W", "", bare)
    return is_number or _QUOTED.fullmatch(bare) is not None


def _cut_chain(error: BaseException) -> Iterator[BaseException]:
    """Yield *error* and its causes and contexts, 20 at most; cut the chain after them."""
    waiting, seen = deque([error]), {id(error)}
    while waiting:
        each = waiting.popleft()
        for inner in members_of(each):  # each has a chain of its own
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
