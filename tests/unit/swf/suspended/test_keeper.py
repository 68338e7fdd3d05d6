"""The keeper sends each heartbeat once and in time, whatever hangs or breaks beside it."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from flowy.swf.suspended import Keeper
from flowy.swf.suspended.outage import FAILURES_IN_A_ROW
from flowy.swf.suspended.schedule import RETRY_SECONDS
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.patience import PATIENCE_SECONDS
from tests.suspended import Desk, a_task
from tests.unit.swf.suspended.beats import AheadClock, Beats, kept


@pytest.mark.parametrize(
    ("heartbeat", "every", "interval"), [(90, 300, 30), (90, 5, 5), (None, 300, 300)]
)
def test_beats_often_enough(
    desk: Desk,
    store: SQLiteTokenStore,
    clock: AheadClock,
    heartbeat: int | None,
    every: int,
    interval: int,
) -> None:
    """At once, then at a third of the heartbeat timeout or each *every*, whichever is sooner."""
    beats = Beats(desk.client)
    keeper = Keeper(desk.domain, store, beats, every=every)
    _, task = desk.waiting(heartbeat=heartbeat)
    store.keep(task)
    counts = []
    for seconds in (0.0, interval - 1.0, 1.0, interval - 1.0, 1.0):
        clock.ahead += seconds
        keeper.look()
        counts.append(beats.count)
    assert counts == [1, 1, 2, 2, 3]
    assert kept(store, task).is_open


def test_a_clock_that_is_set_back_stops_no_beats(
    desk: Desk, store: SQLiteTokenStore, clock: AheadClock
) -> None:
    """Beats that would be due in an hour, since the clock was set back by one, are made at once."""
    beats = Beats(desk.client)
    keeper = Keeper(desk.domain, store, beats, every=900)
    store.keep(desk.waiting()[1])
    keeper.look()
    clock.ahead -= 3_600
    keeper.look()
    assert beats.count == 2
    keeper.look()
    clock.ahead += 899
    keeper.look()
    assert beats.count == 2
    clock.ahead += 1
    keeper.look()
    assert beats.count == 3


def test_beats_for_its_own_domain_alone(
    desk: Desk, store: SQLiteTokenStore, clock: AheadClock
) -> None:
    """What belongs to another domain is left to that domain's keeper."""
    beats = Beats(desk.client)
    store.keep(a_task(domain="another"))
    clock.ahead += 1_000
    Keeper(desk.domain, store, beats).look()
    assert beats.count == 0


def test_two_keepers_share_the_beats(
    desk: Desk, store: SQLiteTokenStore, clock: AheadClock
) -> None:
    """Side by side each beat is sent by one of them."""
    beats = Beats(desk.client)
    for number in range(6):
        store.keep(desk.waiting(f"flow-{number}")[1])
    clock.ahead += 301
    threads = [threading.Thread(target=Keeper(desk.domain, store, beats).look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert beats.count == 6


def test_a_killed_keepers_claim_ends(
    desk: Desk, store: SQLiteTokenStore, clock: AheadClock
) -> None:
    """The heartbeat that a keeper had claimed when it was killed is sent by the next keeper."""
    beats = Beats(desk.client)
    store.keep(desk.waiting()[1])
    clock.ahead += 301
    assert store.claim_due(desk.domain, 60) is not None  # and here it is killed
    Keeper(desk.domain, store, beats).look()
    assert beats.count == 0
    clock.ahead += 60
    Keeper(desk.domain, store, beats).look()
    assert beats.count == 1


@pytest.mark.parametrize(("heartbeat", "lost"), [(30, 10.0), (6, 2.0), (1, 1.0), (900, 180.0)])
def test_a_keeper_killed_in_mid_beat_costs_one_interval(
    desk: Desk, store: SQLiteTokenStore, clock: AheadClock, heartbeat: int, lost: float
) -> None:
    """The next keeper sends a heartbeat that was under way after a third of its timeout."""
    store.keep(desk.waiting(heartbeat=heartbeat)[1])
    sent, go_on = threading.Event(), threading.Event()

    class Hanging(Beats):
        def record_activity_task_heartbeat(self, **parameters: Any) -> Any:
            sent.set()
            assert go_on.wait(PATIENCE_SECONDS)
            raise ConnectionResetError  # the process is gone, and nobody hears it

    killed = threading.Thread(target=Keeper(desk.domain, store, Hanging(desk.client)).look)
    killed.start()
    try:
        assert sent.wait(PATIENCE_SECONDS)
        beats = Beats(desk.client)
        clock.ahead += lost - 0.9
        Keeper(desk.domain, store, beats).look()
        assert beats.count == 0
        clock.ahead += 0.9
        Keeper(desk.domain, store, beats).look()
        assert beats.count == 1
    finally:
        go_on.set()
        killed.join(PATIENCE_SECONDS)


def test_a_slow_beat_is_not_made_twice(
    desk: Desk, store: SQLiteTokenStore, clock: AheadClock, tmp_path: Path
) -> None:
    """A keeper whose call takes longer than its lease renews the lease, and sends no second one."""
    task = store.keep(desk.waiting(heartbeat=30)[1])
    sent, go_on, looked = threading.Event(), threading.Event(), threading.Event()

    class Hanging(Beats):
        def record_activity_task_heartbeat(self, **parameters: Any) -> Any:
            answer = super().record_activity_task_heartbeat(**parameters)
            sent.set()
            assert go_on.wait(PATIENCE_SECONDS)
            return answer

    class Watched(SQLiteTokenStore):
        def beat_in(self, task_id: str, seconds: float, **more: Any) -> None:
            super().beat_in(task_id, seconds, **more)
            if sent.is_set():
                looked.set()

    clients = Hanging(desk.client)
    watched = Watched(tmp_path / "tokens.db", clock=clock)
    keeper = Keeper(desk.domain, watched, clients, signals=False)
    running = threading.Thread(target=keeper.run)
    running.start()
    try:
        assert sent.wait(PATIENCE_SECONDS)
        clock.ahead += 10
        assert looked.wait(PATIENCE_SECONDS)
        assert clients.count == 1
        assert store.claim_due(desk.domain, 60) is None
    finally:
        go_on.set()
        keeper.stop()
        running.join(PATIENCE_SECONDS)
    assert kept(store, task).is_open


def test_one_bad_task_keeps_no_other_from_its_beat(
    desk: Desk, store: SQLiteTokenStore, clock: AheadClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A beat that never gets through is tried again soon; all others are made in the same look."""
    bad = store.keep(desk.waiting("bad")[1])

    class OneBad(Beats):
        def record_activity_task_heartbeat(self, **parameters: Any) -> Any:
            answer = super().record_activity_task_heartbeat(**parameters)
            if parameters["taskToken"] == bad.token:
                raise ConnectionResetError
            return answer

    others = 2 * FAILURES_IN_A_ROW
    for number in range(others):
        store.keep(desk.waiting(f"flow-{number}")[1])
    clock.ahead += 301
    beats = OneBad(desk.client)
    keeper = Keeper(desk.domain, store, beats)
    keeper.look()
    assert beats.count == 1 + others
    assert f"task {bad.id}, not sent (ConnectionResetError). Trying again in 5 s." in caplog.text
    clock.ahead += RETRY_SECONDS
    keeper.look()
    assert beats.count == 2 + others
    assert bad.token not in caplog.text


def test_an_unreadable_row_keeps_no_other_from_its_beat(
    desk: Desk,
    store: SQLiteTokenStore,
    clock: AheadClock,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Rows that cannot be read are named once; all others get their heartbeats, look after look."""
    bad = [store.keep(a_task(str(number), domain=desk.domain)) for number in range(2)]
    with closing(sqlite3.connect(tmp_path / "tokens.db")) as database:
        database.execute("UPDATE task SET note = '{'")
        database.commit()
    tasks = [store.keep(desk.waiting(f"flow-{number}")[1]) for number in range(2)]
    beats = Beats(desk.client)
    keeper = Keeper(desk.domain, store, beats)
    for looks in (1, 2):
        keeper.look()
        assert beats.count == looks * len(tasks)
        clock.ahead += 301
    for task in bad:
        assert caplog.text.count(f"Cannot read task {task.id} of the token store") == 1


def test_a_call_that_hangs_holds_up_nobody_else(
    desk: Desk, store: SQLiteTokenStore, clock: AheadClock
) -> None:
    """While one call hangs, all other tasks get their heartbeats, again and again."""
    stuck = store.keep(desk.waiting("stuck")[1])
    for number in range(3):
        store.keep(desk.waiting(f"flow-{number}")[1])
    go_on, hangs, twice = threading.Event(), threading.Event(), threading.Event()

    class Hanging(Beats):
        def record_activity_task_heartbeat(self, **parameters: Any) -> Any:
            if parameters["taskToken"] == stuck.token:
                hangs.set()
                assert go_on.wait(PATIENCE_SECONDS)
            answer = super().record_activity_task_heartbeat(**parameters)
            if self.count >= 6:
                twice.set()
            return answer

    clock.ahead += 301
    keeper = Keeper(desk.domain, store, Hanging(desk.client), every=0.01)
    running = threading.Thread(target=keeper.run)
    running.start()
    try:
        assert hangs.wait(PATIENCE_SECONDS)
        assert twice.wait(PATIENCE_SECONDS)
    finally:
        go_on.set()
        keeper.stop()
        running.join(PATIENCE_SECONDS)
    assert not running.is_alive()
