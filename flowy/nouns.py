"""Puts nouns after numbers in texts for people: "1 type", "2 types"."""

from __future__ import annotations


def counted(count: int, one: str, several: str | None = None) -> str:
    """Return *count* with the singular or plural of a word or phrase.

    Args:
        count: 0 or more.
        one: the singular, such as ``"type"`` or ``"poll is out"``.
        several: the plural; None for *one* with an s.
    """
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"
