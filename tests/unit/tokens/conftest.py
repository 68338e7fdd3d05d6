"""A store of each test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowy.tokens.sqlite import SQLiteTokenStore


@pytest.fixture
def store_file(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "tokens.db"


@pytest.fixture
def store(store_file: Path) -> SQLiteTokenStore:
    """An empty store."""
    return SQLiteTokenStore(store_file)
