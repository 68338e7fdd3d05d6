"""flowy_activities names other activities, flowy_worker_options sets the worker up."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def flowy_activities() -> str:
    return "tests.unit.testing.project.shop"


@pytest.fixture
def flowy_worker_options() -> dict[str, Any]:
    return {"concurrency": 1}


def test_it(flowy_call_activity: Any) -> None:
    assert flowy_call_activity("echo", 1, 2) == 2
