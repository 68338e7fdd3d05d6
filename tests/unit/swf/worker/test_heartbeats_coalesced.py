"""Many heartbeats of one task: in a tight loop, and several at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from flowy.exception import (
    SWFError,
)
from flowy.invocation import TaskStatus
from flowy.swf.worker.heartbeats import BURST
from tests.patience import PATIENCE_SECONDS
from tests.unit.clocks import SelfTurningClock
from tests.unit.swf.worker.heartbeat_case import CLOSED, REFUSED, Case, Wire

# Too many


def test_a_burst_of_ten_goes_out_and_the_rest_coalesces() -> None:
    """In a tight loop ten are sent; later ones change nothing and make no call."""
    wire = Wire()
    case = Case(wire)
    known = {case.beat(str(number)) for number in range(1_000)}
    assert wire.sent == [str(number) for number in range(BURST)]
    assert known == {TaskStatus.ACTIVE}


@pytest.mark.parametrize(("timeout", "interval"), [(None, 1.0), (60, 1.0), (10, 1.0), (2, 0.2)])
def test_after_a_burst_one_goes_out_each_interval(timeout: float | None, interval: float) -> None:
    """The interval is a second, or a tenth of the heartbeat timeout if that is less."""
    wire = Wire()
    case = Case(wire, timeout=timeout)
    for _ in range(BURST + 5):
        case.beat()
    case.clock.time += interval * 0.9
    case.beat()
    assert len(wire.sent) == BURST
    case.clock.time += interval * 0.2
    case.beat()
    case.beat()
    assert len(wire.sent) == BURST + 1


def test_one_that_must_go_out_now_goes_out() -> None:
    """Whoever suspends a task must know how it stands, however many went out before."""
    wire = Wire()
    case = Case(wire)
    for _ in range(BURST):
        case.beat()
    case.heartbeats.beat("now", now=True)
    assert wire.sent[BURST:] == ["now"]


def test_the_newest_details_go_out_with_the_next_heartbeat() -> None:
    """Those of heartbeats that coalesced are not lost."""
    wire = Wire()
    case = Case(wire)
    for number in range(BURST + 5):
        case.beat(str(number))
    case.clock.time += 1.5
    case.beat()
    assert wire.sent[-1] == str(BURST + 4)
    assert case.heartbeats.details == str(BURST + 4)


def test_each_heartbeat_brings_the_newest_details() -> None:
    """Of a task that times out SWF keeps the last one's; one without details would lose them."""
    wire = Wire()
    case = Case(wire)
    case.beat("half")
    case.beat()
    case.send()
    assert wire.sent == ["half", "half", "half"]


def test_progress_makes_no_call() -> None:
    """progress() keeps the details for the next heartbeat, and ends the silence."""
    wire = Wire()
    case = Case(wire)
    case.clock.time += 30
    assert case.heartbeats.silent_seconds == 30
    case.heartbeats.progress("a third")
    assert (wire.sent, case.heartbeats.silent_seconds) == ([], 0)
    case.send()
    assert wire.sent == ["a third"]


# Several at once


class TwoAtOnce:
    """Holds the heartbeat *first* until another has been answered."""

    def __init__(self, first: Callable[[], bool], second: Callable[[], bool]) -> None:
        self._answers = {"first": first, "second": second}
        self._first_sent = threading.Event()
        self._second_ended = threading.Event()

    def __call__(self, details: str | None) -> bool:
        if details == "first":
            self._first_sent.set()
            assert self._second_ended.wait(PATIENCE_SECONDS)
        return self._answers[details or ""]()

    def send_both(self, case: Case) -> TaskStatus:
        """Let the first one end last, and return what is known in between."""
        first = threading.Thread(target=case.beat, args=("first",))
        first.start()
        assert self._first_sent.wait(PATIENCE_SECONDS)
        known = case.beat("second")
        self._second_ended.set()
        first.join()
        return known


def test_an_older_heartbeat_takes_no_request_to_cancel_back() -> None:
    """Of two at once the older may be answered last, and knows nothing of the request."""
    both = TwoAtOnce(lambda: False, lambda: True)
    case = Case(both)
    assert both.send_both(case) is TaskStatus.CANCEL_REQUESTED
    assert case.status.current is TaskStatus.CANCEL_REQUESTED


def test_closed_is_not_overtaken_by_lost() -> None:
    """A heartbeat that fails while another learned that the task is closed changes nothing."""
    clock = SelfTurningClock()
    both = TwoAtOnce(lambda: _late(clock), lambda: _raises(CLOSED))
    case = Case(both, clock=clock)
    assert both.send_both(case) is TaskStatus.CLOSED
    assert case.status.current is TaskStatus.CLOSED


def _late(clock: SelfTurningClock) -> bool:
    clock.time += 1_000
    raise REFUSED


def _raises(error: SWFError) -> bool:
    raise error
