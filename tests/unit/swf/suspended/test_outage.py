"""The keeper while SWF, or the store, is out of reach."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import InvalidConfigError, NoCredentialsError

from flowy.exception import CredentialsError, RefusedError, TokenStoreError, TransientError
from flowy.local import LocalSWF
from flowy.swf.suspended import Keeper
from flowy.swf.suspended.beat_threads import BEATS_AT_ONCE
from flowy.swf.suspended.outage import FAILURES_IN_A_ROW
from flowy.swf.suspended.schedule import LEASE_SECONDS, RETRY_SECONDS
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.suspended import Desk, a_task
from tests.unit.stand_ins import fault
from tests.unit.swf.suspended.beats import AheadClock, Beats


def test_swf_away_delays_and_loses_nothing(tmp_path: Path, clock: AheadClock) -> None:
    """While SWF is away one beat is tried now and then; when it is back all are made."""
    store = SQLiteTokenStore(tmp_path / "tokens.db", clock=clock)
    with LocalSWF(poll_seconds=0) as swf:
        desk = Desk(swf.client(), swf.domain)
        beats = Beats(swf.client())
        keeper = Keeper(swf.domain, store, beats)
        tasks = 2 * FAILURES_IN_A_ROW + BEATS_AT_ONCE
        for number in range(tasks):
            store.keep(desk.waiting(f"flow-{number}")[1])
        swf.stop()
        clock.ahead += 301
        with pytest.raises(TransientError):
            keeper.look()
        assert beats.count < tasks, "it gives up for the moment"
        with pytest.raises(TransientError):
            keeper.look()
        swf.start()
        beats.count = 0
        clock.ahead += RETRY_SECONDS
        keeper.look()
        assert beats.count == tasks
        assert len(store.pending()) == tasks


def test_credentials_that_expire_are_waited_for(
    desk: Desk, store: SQLiteTokenStore, clock: AheadClock
) -> None:
    """A refusal of the caller closes nothing: the tasks stay due."""

    class Expired(Beats):
        def record_activity_task_heartbeat(self, **_parameters: Any) -> Any:
            raise fault("ExpiredTokenException")

    for number in range(FAILURES_IN_A_ROW):
        store.keep(desk.waiting(f"flow-{number}")[1])
    clock.ahead += 301
    with pytest.raises(CredentialsError):
        Keeper(desk.domain, store, Expired(desk.client)).look()
    assert len(store.pending()) == FAILURES_IN_A_ROW
    clock.ahead += RETRY_SECONDS
    assert store.claim_due(desk.domain, 60) is not None


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (InvalidConfigError(error_msg="mars is no region"), "mars is no region"),
        (NoCredentialsError(), "no AWS credentials were found"),
    ],
)
def test_a_wrong_setting_is_one_line(
    error: Exception,
    said: str,
    desk: Desk,
    store: SQLiteTokenStore,
    clock: AheadClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """However many tasks wait; SWF has not seen their tokens, so that none is given up."""

    class Wrong(Beats):
        def record_activity_task_heartbeat(self, **_parameters: Any) -> Any:
            raise error

    late = time.time() - 1
    for number in range(2 * FAILURES_IN_A_ROW):
        store.keep(a_task(f"secret-{number}", domain=desk.domain, deadline=late))
    clock.ahead += 301
    keeper = Keeper(desk.domain, store, Wrong(desk.client))
    for _ in range(2):
        with pytest.raises((RefusedError, CredentialsError)):
            keeper.look()
        clock.ahead += RETRY_SECONDS
    assert len(store.pending()) == 2 * FAILURES_IN_A_ROW
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith("No heartbeat can be sent: Cannot record_activity_task_")
    assert said in record.getMessage()


def test_says_when_swf_is_back(
    desk: Desk, store: SQLiteTokenStore, clock: AheadClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A long outage is a few lines at its start, and one at its end."""
    caplog.set_level(logging.INFO)

    class Away(Beats):
        away = True

        def record_activity_task_heartbeat(self, **parameters: Any) -> Any:
            if self.away:
                raise ConnectionRefusedError
            return super().record_activity_task_heartbeat(**parameters)

    task = store.keep(desk.waiting()[1])
    caplog.clear()
    client = Away(desk.client)
    keeper = Keeper(desk.domain, store, client)
    for look in range(3 * FAILURES_IN_A_ROW):
        if look < FAILURES_IN_A_ROW - 1:
            keeper.look()
        else:
            with pytest.raises(TransientError):
                keeper.look()
        clock.ahead += RETRY_SECONDS
    assert len(caplog.records) == FAILURES_IN_A_ROW + 1
    client.away = False
    keeper.look()
    assert caplog.messages[-1] == "SWF takes heartbeats again."
    assert task.token not in caplog.text


def test_a_store_that_cannot_be_written_stops_no_beat(
    desk: Desk,
    store: SQLiteTokenStore,
    tmp_path: Path,
    clock: AheadClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """If the store is full, the heartbeats are sent all the same, again after each lease."""

    class Full(SQLiteTokenStore):
        def beat_in(self, *_: object, **__: object) -> None:
            raise TokenStoreError("Cannot use the token store: the disk is full.")

    task = store.keep(desk.waiting(heartbeat=90)[1])
    beats = Beats(desk.client)
    keeper = Keeper(desk.domain, Full(tmp_path / "tokens.db", clock=clock), beats)
    keeper.look()
    assert beats.count == 1
    assert f"the disk is full. The answer to the heartbeat of task {task.id} was" in caplog.text
    clock.ahead += LEASE_SECONDS
    keeper.look()
    assert beats.count == 2


def test_a_dead_keepers_claim_is_short_where_the_heartbeat_is(
    desk: Desk, store: SQLiteTokenStore, clock: AheadClock
) -> None:
    """A keeper that dies in a call leaves time for the next one's beat."""
    store.keep(desk.waiting(heartbeat=240)[1])

    class Deadly(Beats):
        def record_activity_task_heartbeat(self, **_parameters: Any) -> Any:
            raise SystemExit  # and nothing is put into the store any more

    Keeper(desk.domain, store, Deadly(desk.client)).look()
    beats = Beats(desk.client)
    clock.ahead += 79
    Keeper(desk.domain, store, beats).look()
    assert beats.count == 0
    clock.ahead += 2
    Keeper(desk.domain, store, beats).look()
    assert beats.count == 1
