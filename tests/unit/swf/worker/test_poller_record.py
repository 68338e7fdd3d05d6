"""What a poller says of itself, and what that means for the health of its worker."""

from __future__ import annotations

import threading

import pytest

from flowy.swf.worker.poller_record import (
    HELD_SECONDS,
    STUCK_SECONDS,
    PollerRecord,
    PollerState,
)
from tests.unit.clocks import TurnedClock


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.mark.parametrize("state", [PollerState.AWAITING_SLOT, PollerState.RUNNING])
def test_full_slots_are_no_trouble(clock: TurnedClock, state: PollerState) -> None:
    """An activity may run for days, and a poller wait for its slot as long."""
    record = PollerRecord(clock)
    record.does(state)
    clock.turn(1_000_000)
    assert record.trouble is None
    assert (record.state, record.seconds) == (state, 1_000_000)


@pytest.mark.parametrize("state", [PollerState.POLLING, PollerState.PREPARING])
def test_a_poll_takes_less_than_90_seconds(clock: TurnedClock, state: PollerState) -> None:
    """A poll is cut then; one that takes longer hangs, as does all that a poller does between."""
    assert STUCK_SECONDS == 90
    record = PollerRecord(clock)
    record.does(state)
    clock.turn(STUCK_SECONDS - 0.1)
    assert record.trouble is None
    clock.turn(0.1)
    assert record.trouble == f"{state.value}, for 90 s"


def test_an_outage_is_no_trouble(clock: TurnedClock) -> None:
    """However often polls fail, the worker is live: no restart would help. It is not ready."""
    record = PollerRecord(clock)
    for _ in range(100):
        record.does(PollerState.POLLING)
        record.poll_failed()
        clock.turn(60.0)
        assert record.trouble is None
        assert not record.is_served


def test_a_parked_poller_is_trouble_at_once(clock: TurnedClock) -> None:
    """It has failed for a reason of its own, which may come again."""
    record = PollerRecord(clock)
    record.does(PollerState.PARKED)
    clock.turn(4.0)
    assert record.trouble == "has failed, and waits to start again, for 4 s"


def test_a_poller_whose_thread_has_ended_is_dead(clock: TurnedClock) -> None:
    """Unless it had nothing more to do."""
    records: list[PollerRecord] = []

    def poll(last: PollerState) -> None:
        records.append(PollerRecord(clock))
        records[-1].does(last)

    for state in (PollerState.POLLING, PollerState.ENDED):
        thread = threading.Thread(target=poll, args=(state,))
        thread.start()
        thread.join()
    assert [record.trouble for record in records] == ["is dead", None]


def test_swf_serves_a_poller_whose_poll_it_holds(clock: TurnedClock) -> None:
    """A refusal comes at once, an answer after up to a minute."""
    record = PollerRecord(clock)
    record.does(PollerState.POLLING)
    clock.turn(HELD_SECONDS - 0.1)
    assert not record.is_served
    clock.turn(0.1)
    assert record.is_served
    record.poll_failed()
    assert not record.is_served


def test_a_poll_that_waits_for_a_connection_is_not_held(clock: TurnedClock) -> None:
    """A network that drops packets lets it wait as long; a poll that was answered counts on."""
    connecting = {threading.get_ident()}
    record = PollerRecord(clock, is_connecting=lambda thread: thread in connecting)
    record.does(PollerState.POLLING)
    clock.turn(HELD_SECONDS)
    assert not record.is_served
    connecting.clear()
    assert record.is_served
    connecting.add(threading.get_ident())
    record.poll_answered()
    assert record.is_served


def test_swf_serves_a_poller_whose_last_poll_it_answered(clock: TurnedClock) -> None:
    """Whatever the poller does with the answer, and while its next poll is young."""
    record = PollerRecord(clock)
    record.poll_answered()
    assert record.is_served
    for state in (PollerState.RUNNING, PollerState.AWAITING_SLOT, PollerState.POLLING):
        record.does(state)
        assert record.is_served
