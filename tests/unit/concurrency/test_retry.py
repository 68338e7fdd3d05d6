"""Pauses and deadlines."""

from __future__ import annotations

from flowy.concurrency.retry import Backoff, Deadline
from tests.unit.clocks import TurnedClock


def test_pauses_double_up_to_a_cap() -> None:
    """Each pause lies between a half and the whole of its step, and no step exceeds the cap."""
    steps = [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    for _ in range(100):
        backoff = Backoff(first_seconds=1.0, cap_seconds=10.0)
        for step in steps:
            assert step / 2 <= backoff.next_seconds() <= step
        assert backoff.tries == len(steps)


def test_pauses_are_jittered() -> None:
    """Two workers that fail together do not come back together."""
    pauses = {Backoff(first_seconds=1.0, cap_seconds=10.0).next_seconds() for _ in range(20)}
    assert len(pauses) > 1


def test_many_tries_do_not_overflow() -> None:
    """After days of trouble the pause is still the cap."""
    backoff = Backoff(first_seconds=0.5, cap_seconds=30.0)
    backoff.tries = 100_000
    assert 15.0 <= backoff.next_seconds() <= 30.0


def test_reset_begins_again() -> None:
    """After a reset the first pause comes first."""
    backoff = Backoff(first_seconds=1.0, cap_seconds=100.0)
    for _ in range(5):
        backoff.next_seconds()
    backoff.reset()
    assert backoff.tries == 0
    assert backoff.next_seconds() <= 1.0


def test_deadline() -> None:
    """It passes when its time has come, and has 0 seconds left from then on."""
    clock = TurnedClock()
    deadline = Deadline(10.0, clock=clock)
    assert deadline.remaining_seconds() == 10.0
    assert not deadline.passed
    clock.turn(10.0)
    assert deadline.passed
    clock.turn(5.0)
    assert deadline.remaining_seconds() == 0.0


def test_never() -> None:
    """None means never, until the deadline is shortened."""
    clock = TurnedClock()
    deadline = Deadline(None, clock=clock)
    clock.turn(1e9)
    assert not deadline.passed
    assert deadline.remaining_seconds() is None
    deadline.shorten(3.0)
    assert deadline.remaining_seconds() == 3.0


def test_shorten_never_lengthens() -> None:
    """A deadline that passes earlier stays."""
    clock = TurnedClock()
    deadline = Deadline(10.0, clock=clock)
    deadline.shorten(60.0)
    assert deadline.remaining_seconds() == 10.0
    deadline.shorten(5.0)
    assert deadline.remaining_seconds() == 5.0


def test_the_clock_is_monotonic() -> None:
    """Without a clock of its own a deadline goes by the process's."""
    assert Deadline(0.0).passed
    assert not Deadline(60.0).passed
