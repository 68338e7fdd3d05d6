"""What the tests of a worker's parts share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.swf.worker.runs import Case


@pytest.fixture
def case() -> Iterator[Case]:
    """A worker's context in which a test runs single tasks."""
    made = Case()
    yield made
    made.close()
