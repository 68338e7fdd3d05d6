"""Counted nouns."""

from __future__ import annotations

from flowy.nouns import counted


def test_counted_nouns() -> None:
    """One has its own form, everything else the other; thousands are grouped."""
    assert [counted(count, "type") for count in (0, 1, 2)] == ["0 types", "1 type", "2 types"]
    assert counted(1, "activity runs", "activities run") == "1 activity runs"
    assert counted(1_000, "activity runs", "activities run") == "1,000 activities run"
