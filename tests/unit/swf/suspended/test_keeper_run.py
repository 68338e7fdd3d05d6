"""The keeper as it runs: until it is stopped, what it says, and what it drops."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from flowy.exception import TokenStoreError
from flowy.invocation.outcome import TaskOutcome
from flowy.swf.suspended import Keeper
from flowy.tokens import SuspendedTask
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.patience import PATIENCE_SECONDS
from tests.suspended import Desk, a_task
from tests.unit.swf.suspended.beats import AheadClock, Beats


def test_runs_until_it_is_stopped(
    desk: Desk,
    store: SQLiteTokenStore,
    tmp_path: Path,
    clock: AheadClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """run() looks again and again, through an SWF and a store out of reach, until stop()."""
    caplog.set_level(logging.INFO)
    beaten = threading.Event()

    class Trouble(Beats):
        def record_activity_task_heartbeat(self, **parameters: Any) -> Any:
            if self.count == 0:
                self.count += 1
                raise ConnectionResetError
            super().record_activity_task_heartbeat(**parameters)
            beaten.set()
            return {"cancelRequested": False}

    class Locked(SQLiteTokenStore):
        tries = 0

        def pending(self, domain: str | None = None) -> list[SuspendedTask]:
            raise TokenStoreError("Cannot use the token store: it is busy.")

        def claim_due(
            self, domain: str, lease_seconds: float, **more: float
        ) -> SuspendedTask | None:
            self.tries += 1
            if self.tries == 1:
                raise TokenStoreError("Cannot use the token store: it is locked.")
            return super().claim_due(domain, lease_seconds, **more)

    for number in range(2):
        store.keep(desk.waiting(f"flow-{number}")[1])
    clock.ahead += 301
    locked = Locked(tmp_path / "tokens.db", clock=clock)
    keeper = Keeper(desk.domain, locked, Trouble(desk.client))
    running = threading.Thread(target=keeper.run)
    running.start()
    assert beaten.wait(PATIENCE_SECONDS)
    keeper.stop()
    running.join(PATIENCE_SECONDS)
    assert not running.is_alive()
    assert f"Keeper started for domain {desk.domain}. Cannot use" in caplog.text
    assert "it is locked. Trying again in" in caplog.text
    assert "not sent (ConnectionResetError). Trying again in" in caplog.text
    assert caplog.messages[-1] == "Keeper stopped."


def _start_and_stop(keeper: Keeper) -> None:
    keeper.stop()
    keeper.run()


def test_says_how_many_wait(
    desk: Desk, store: SQLiteTokenStore, caplog: pytest.LogCaptureFixture
) -> None:
    """The first line says how many tasks wait; none, but those of another domain, is a WARNING."""
    caplog.set_level(logging.INFO)
    keeper = Keeper("shpo", store, desk.client)
    _start_and_stop(keeper)
    assert f"started for domain shpo; suspended tasks in {store}: 0." in caplog.text
    store.keep(a_task("1", domain="shop"))
    store.keep(a_task("2", domain="bank"))
    assert not [each for each in caplog.records if each.levelno > logging.INFO]
    _start_and_stop(Keeper("shpo", store, desk.client))
    (said,) = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert "no suspended task of domain shpo, but 1 of bank, 1 of shop" in said.getMessage()
    caplog.clear()
    _start_and_stop(Keeper("shop", store, desk.client))
    assert [each.levelno for each in caplog.records] == [logging.INFO, logging.INFO]
    assert caplog.messages[0].endswith(": 1.")


def test_drops_what_is_old(desk: Desk, store: SQLiteTokenStore, clock: AheadClock) -> None:
    """Tasks that were closed longer ago than drop_after are dropped."""
    old = store.keep(a_task())
    store.close(old.id, TaskOutcome.COMPLETED)
    clock.ahead += 100
    Keeper(desk.domain, store, desk.client, drop_after=200).look()
    assert store.get(old.id) is not None
    Keeper(desk.domain, store, desk.client, drop_after=50).look()
    assert store.get(old.id) is None


def test_says_what_cannot_be_used(desk: Desk, store: SQLiteTokenStore) -> None:
    """Arguments are checked at once."""
    with pytest.raises(ValueError, match="on_cancel='ignore': give 'answer' or 'mark'"):
        Keeper(desk.domain, store, desk.client, on_cancel="ignore")
    with pytest.raises(ValueError, match="every=0"):
        Keeper(desk.domain, store, desk.client, every=0)
    with pytest.raises(ValueError, match="drop_after=-1"):
        Keeper(desk.domain, store, desk.client, drop_after=-1)
    with pytest.raises(ValueError, match="domain"):
        Keeper("", store, desk.client)
