"""A provider whose spans a test reads, as a fixture."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.otel.collected import Collected


@pytest.fixture
def spans() -> Iterator[Collected]:
    collected = Collected()
    yield collected
    collected.provider.shutdown()
