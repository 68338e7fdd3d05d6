"""A domain with executions, for what people look at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flowy.local import LocalSWF
from tests.unit.shop import Shop, open_shop


@pytest.fixture
def shop(local_swf: LocalSWF) -> Iterator[Shop]:
    """The domain; its clock stands until the test turns it."""
    with open_shop() as shop:
        yield shop
