"""A signal interrupts a call that may be interrupted, and nothing else."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

import pytest

from flowy.concurrency.interruption import Interruption


@pytest.fixture
def interruption() -> Iterator[Interruption]:
    """One that comes at each SIGUSR2."""
    interruption = Interruption()
    before = signal.signal(signal.SIGUSR2, lambda *_: interruption.come())
    yield interruption
    signal.signal(signal.SIGUSR2, before)


def come() -> str:
    """Let the signal come."""
    signal.raise_signal(signal.SIGUSR2)
    return "went on"


def test_a_call_is_interrupted(interruption: Interruption) -> None:
    with pytest.raises(KeyboardInterrupt):
        interruption.call(come)


def test_nothing_is_interrupted_outside_of_a_call(interruption: Interruption) -> None:
    """What sends an answer or reports is never broken off."""
    assert interruption.call(lambda: 1) == 1
    assert come() == "went on"


def test_the_next_call_is_interrupted_at_once(interruption: Interruption) -> None:
    """So a signal between two calls is not lost."""
    come()
    with pytest.raises(KeyboardInterrupt):
        interruption.call(lambda: pytest.fail("was called"))


def test_what_handles_an_interruption_is_not_interrupted(interruption: Interruption) -> None:
    """An activity that cleans up goes on, however many signals come."""

    def clean_up() -> str:
        try:
            return come()
        except KeyboardInterrupt:
            return come()

    assert interruption.call(clean_up) == "went on"


def test_a_call_that_swallowed_one_is_interrupted_again(interruption: Interruption) -> None:
    def deaf() -> None:
        with contextlib.suppress(KeyboardInterrupt):
            come()
        come()

    with pytest.raises(KeyboardInterrupt):
        interruption.call(deaf)


def test_a_dropped_one_comes_when_the_call_fails(interruption: Interruption) -> None:
    """Python drops what is raised in a finalizer; the stop then cuts the poll's connection."""

    def cut() -> None:
        with contextlib.suppress(KeyboardInterrupt):
            come()
        raise ConnectionError("cut")

    with pytest.raises(KeyboardInterrupt) as caught:
        interruption.call(cut)
    assert isinstance(caught.value.__cause__, ConnectionError)


def test_calls_elsewhere_are_left_alone(interruption: Interruption) -> None:
    """Pollers in threads of their own only call."""
    come()
    assert Interruption(possible=False).call(lambda: 2) == 2
