"""What is said of polls that fail: one line as it begins, one a minute, one as it ends."""

from __future__ import annotations

import logging

import pytest

from flowy.exception import CredentialsError, LimitExceededError, SWFError, TransientError
from flowy.swf.worker.poll_outage import PollOutage
from tests.unit.clocks import TurnedClock

THROTTLED = TransientError(
    "Cannot poll_for_activity_task: SWF answered ThrottlingException: Rate exceeded",
    fault="ThrottlingException",
)
EXPIRED = CredentialsError("Cannot poll: expired. Region r, endpoint e.", fault="Expired")

PLACE = " Region eu-west-1, endpoint https://swf.eu-west-1.amazonaws.com."


class Case:
    """An outage, its clock, and the lines that were logged."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        self.clock = TurnedClock()
        self.outage = PollOutage("orders", PLACE, clock=self.clock)
        self._caplog = caplog

    def fail(self, error: SWFError = THROTTLED, *, count: int = 1) -> None:
        for _ in range(count):
            self.outage.failed(error, 0.5)

    def answer(self, *, sent_ago: float = 0.0) -> None:
        self.outage.answered(self.clock.now() - sent_ago)

    @property
    def lines(self) -> list[str]:
        return self._caplog.messages

    def keys(self, name: str) -> list[object]:
        return [getattr(record, name, None) for record in self._caplog.records]


@pytest.fixture
def case(caplog: pytest.LogCaptureFixture) -> Case:
    return Case(caplog)


def test_an_outage_of_many_pollers(case: Case) -> None:
    """Fourteen pollers fail for two minutes: four lines, with what SWF said and where."""
    for _ in range(125):
        case.fail(count=14)
        case.clock.turn(1)
    case.answer()
    began, first, second, over = case.lines
    assert began == (
        "Poll failed (ThrottlingException): Cannot poll_for_activity_task: SWF answered "
        f"ThrottlingException: Rate exceeded.{PLACE} Polling again in 0.5 s."
    )
    assert first.startswith("Polls of task list orders have failed for 60 s, 841 so far.")
    assert PLACE in first
    assert second.startswith("Polls of task list orders have failed for 120 s, 1,681 so far.")
    assert over == "Polling orders works again after 125 s; 1,750 polls had failed."
    assert case.keys("flowy_event") == ["poll_failed"] * 3 + ["poll_recovered"]
    assert case.keys("flowy_seconds") == [0, 60, 120, 125]
    assert case.keys("flowy_fault") == ["ThrottlingException"] * 3 + [None]


def test_one_poll_that_fails(case: Case) -> None:
    """Both lines are there at once."""
    case.fail()
    case.clock.turn(1)
    case.answer()
    case.answer()
    assert case.lines[1:] == ["Polling orders works again after 1 s; 1 poll had failed."]


def test_a_throttle_that_lets_some_polls_through(case: Case) -> None:
    """Polls that fail and succeed by turns make no line each."""
    for _ in range(100):
        case.fail()
        case.clock.turn(1)
        case.answer()
    assert len(case.lines) == 4
    assert case.lines[2].startswith("Polls of task list orders have failed for 60 s, 61 so far.")


def test_the_next_outage_is_told_at_once(case: Case) -> None:
    """Even if the last one was half a minute ago."""
    case.fail()
    case.answer()
    case.clock.turn(30)
    case.fail()
    assert [line[:4] for line in case.lines] == ["Poll", "Poll", "Poll"]
    assert case.lines[2] == case.lines[0]


def test_an_old_poll_ends_no_outage(case: Case) -> None:
    """SWF answers one that it has held since before the outage; new ones fail still."""
    case.fail()
    case.clock.turn(20)
    case.answer(sent_ago=50)
    assert len(case.lines) == 1
    case.answer(sent_ago=5)
    assert len(case.lines) == 2


def test_a_refusal_within_an_outage(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    """Credentials that expire meanwhile are an error, told at once; the place is named once."""
    case.fail()
    case.fail(EXPIRED)
    case.fail()
    assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.ERROR]
    assert case.lines[1].endswith("(Expired): Cannot poll: expired. Region r, endpoint e." + PLACE)


def test_refusals_and_throttles_by_turns(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    """They are one outage: after the first of each kind there is one line a minute."""
    for _ in range(125):
        case.fail()
        case.fail(EXPIRED)
        case.clock.turn(1)
    assert [record.levelno for record in caplog.records] == [
        logging.WARNING,
        logging.ERROR,
        logging.WARNING,
        logging.WARNING,
    ]


def test_too_many_pollers(case: Case) -> None:
    """The line says what to do."""
    case.fail(LimitExceededError("Cannot poll: limit", fault="LimitExceededFault"))
    assert "More than 1,000 polls are open on the task list: run fewer workers." in case.lines[0]
