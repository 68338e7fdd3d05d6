"""An SWF of each test's own, and a worker on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flowy.local import LocalSWF
from flowy.testing import LocalWorker
from tests.unit.swf.calling.callers import Echo, Otherwise


@pytest.fixture
def swf() -> Iterator[LocalSWF]:
    """A local SWF of the test's own, whose clock and faults it may use."""
    with LocalSWF(poll_seconds=1) as running:
        yield running


@pytest.fixture
def worker(swf: LocalSWF) -> Iterator[LocalWorker]:
    """Serves the activities above."""
    with LocalWorker(swf, "local", [Echo, Otherwise]) as worker:
        yield worker
