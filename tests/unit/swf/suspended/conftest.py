"""A store whose clock the test sets, and a keeper for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowy.swf.suspended import Keeper
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.suspended import Desk
from tests.unit.swf.suspended.beats import AheadClock

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient


@pytest.fixture
def clock() -> AheadClock:
    """The clock of the store."""
    return AheadClock()


@pytest.fixture
def store(tmp_path: Path, clock: AheadClock) -> SQLiteTokenStore:
    """An empty store."""
    return SQLiteTokenStore(tmp_path / "tokens.db", clock=clock)


@pytest.fixture
def desk(client: SWFClient, domain: str) -> Desk:
    """A domain of the test's own."""
    return Desk(client, domain)


@pytest.fixture
def keeper(desk: Desk, store: SQLiteTokenStore) -> Keeper:
    """A keeper with the default settings."""
    return Keeper(desk.domain, store, desk.client)
