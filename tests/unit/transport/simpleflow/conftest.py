from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.transport.simpleflow.object_store import ObjectStore, object_store


@pytest.fixture
def store() -> Iterator[ObjectStore]:
    """An S3 of the test's own."""
    with object_store() as store:
        yield store
