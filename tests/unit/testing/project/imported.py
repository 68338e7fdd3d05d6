"""What the test module imports counts as its own: activities seldom live in tests."""

from __future__ import annotations

from typing import Any

from tests.unit.testing.project.shop import Echo


def test_it(flowy_call_activity: Any) -> None:
    assert flowy_call_activity(Echo, 1) == 1
