"""Counted nouns in texts for people: "1 type", "2 types"."""

from __future__ import annotations


def counted(count: int, one: str, several: str | None = None) -> str:
    """Return *count* with the word or phrase that fits it.

    Args:
        count: 0 or more.
        one: what follows a 1, such as ``"type"`` or ``"poll is out"``.
        several: what follows any other number; None for *one* with an s.
    """
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"
