"""Makes texts fit for SWF, which limits them and rejects lone surrogates, and for terminals."""

from __future__ import annotations

import traceback


def sendable(text: str) -> str:
    """Return *text* with lone surrogates, which have no UTF-8 form, written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def printable(text: str, kept: str = "") -> str:
    """Return *text* with escapes for all that is not printable, except the characters *kept*."""
    return "".join(
        each if each.isprintable() or each in kept else ascii(each)[1:-1] for each in text
    )


def cut_end(text: str, limit: int) -> str:
    """Return *text*, cut at its end to *limit* characters with a mark if it was longer."""
    return text if len(text) <= limit else text[: limit - 4] + " ..."


def cut_start(text: str, limit: int) -> str:
    """Return *text*, cut at its start to *limit* characters with a mark if it was longer."""
    return text if len(text) <= limit else "... " + text[len(text) - limit + 4 :]


def own_failure(error: BaseException) -> str:
    """Return the class of an exception of an author's own code, and its place; not its text.

    The text may have a value in it.
    """
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"fails with {type(error).__name__}{place}"
