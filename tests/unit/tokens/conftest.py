"""A store of each test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowy.tokens.sqlite import SQLiteTokenStore
from tests.suspended import WallClock


@pytest.fixture
def store_file(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "tokens.db"


@pytest.fixture
def store(store_file: Path) -> SQLiteTokenStore:
    """An empty store."""
    return SQLiteTokenStore(store_file)


@pytest.fixture
def clock() -> WallClock:
    """The wall clock, which the test sets."""
    return WallClock()


@pytest.fixture
def timed(store_file: Path, clock: WallClock) -> SQLiteTokenStore:
    """An empty store that goes by that clock."""
    return SQLiteTokenStore(store_file, clock=clock)
