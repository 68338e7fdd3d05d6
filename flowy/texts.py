"""Makes texts fit for SWF, which limits them and rejects lone surrogates, and for terminals."""

from __future__ import annotations


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
