"""Text that is safe to print: an activity or a store may hold what controls a terminal."""

from __future__ import annotations


def printable(text: str, kept: str = "") -> str:
    """Return *text* with escapes for all that is not printable, except the characters *kept*."""
    return "".join(
        each if each.isprintable() or each in kept else ascii(each)[1:-1] for each in text
    )
