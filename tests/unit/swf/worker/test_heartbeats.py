"""The heartbeats of one task: when one goes out, for how long it is tried, what silence means."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest

from flowy.concurrency.stop import StopLevel
from flowy.exception import (
    CredentialsError,
    RefusedError,
    SWFError,
    TransientError,
    UnknownResourceError,
)
from flowy.invocation import StatusRecord, TaskStatus
from flowy.swf.worker.heartbeats import BURST, TRIED_SECONDS, Heartbeats
from tests.patience import PATIENCE_SECONDS
from tests.suspended import an_info
from tests.unit.clocks import SelfTurningClock

#: The task that is answered for.
TASK = an_info(name="echo")

UNREACHABLE = TransientError("no answer", fault="ReadTimeoutError")
CLOSED = UnknownResourceError("closed", fault="UnknownResourceFault")
REFUSED = RefusedError("refused", fault="ValidationException")
NO_PERMISSION = CredentialsError("refused", fault="AccessDeniedException")


class Wire:
    """What sends a heartbeat: each takes the next outcome; the last one is repeated.

    Attributes:
        sent: the details of each heartbeat.
        on_send: called within each, before its outcome.
    """

    def __init__(self, *outcomes: bool | SWFError) -> None:
        self.sent: list[str | None] = []
        self.on_send: Callable[[], object] = lambda: None
        self.says(*(outcomes or (False,)))

    def says(self, *outcomes: bool | SWFError) -> None:
        """Set what the next heartbeats come to."""
        self._outcomes = list(outcomes)

    def __call__(self, details: str | None) -> bool:
        self.sent.append(details)
        self.on_send()
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if isinstance(outcome, SWFError):
            raise outcome
        return outcome


class Case:
    """The heartbeats of one task, by a clock that only waiting moves."""

    def __init__(
        self,
        send: Callable[[str | None], bool],
        *,
        timeout: float | None = None,
        lost_after: float | None = 60.0,
        clock: SelfTurningClock | None = None,
    ) -> None:
        self.clock = clock = clock or SelfTurningClock()
        self.status = StatusRecord()
        self.tries: list[str | None] = []
        self.heartbeats = Heartbeats(
            TASK,
            send,
            self.status,
            timeout_seconds=timeout,
            lost_after_seconds=lost_after,
            pause=lambda seconds: clock.flag.wait(seconds, StopLevel.CANCEL),
            ended=self.tries.append,
            clock=clock,
        )

    def beat(self, details: str | None = None) -> TaskStatus:
        """Send a heartbeat for the author, and return what is known then."""
        self.heartbeats.beat(details)
        return self.status.current

    def send(self) -> TaskStatus:
        """Send a heartbeat however fast they come, and return what is known then."""
        self.heartbeats.send()
        return self.status.current


# What one heartbeat brings


def test_an_accepted_heartbeat() -> None:
    """It leaves the task active, or brings the request to cancel it."""
    case = Case(Wire(False, True))
    assert case.beat() is TaskStatus.ACTIVE
    assert case.beat() is TaskStatus.CANCEL_REQUESTED


def test_a_closed_task_gets_no_more_heartbeats() -> None:
    """SWF says so once and for all."""
    wire = Wire(CLOSED, False)
    case = Case(wire)
    assert case.beat() is TaskStatus.CLOSED
    assert case.beat() is TaskStatus.CLOSED
    assert len(wire.sent) == 1


def test_a_settled_task_gets_no_more_heartbeats() -> None:
    """After stop() nothing is sent: a task that was abandoned must be able to time out."""
    wire = Wire()
    case = Case(wire)
    case.heartbeats.stop()
    case.beat("on and on")
    case.send()
    assert wire.sent == []


# Tried again


def test_a_heartbeat_that_does_not_get_through_is_tried_again() -> None:
    """After pauses, within one call; each try is told, with its fault."""
    wire = Wire(UNREACHABLE, UNREACHABLE, False)
    case = Case(wire)
    assert case.beat() is TaskStatus.ACTIVE
    assert len(wire.sent) == 3
    assert [0.1 <= pause <= 0.4 for pause in case.clock.waits] == [True, True]
    assert case.tries == ["ReadTimeoutError", "ReadTimeoutError", None]


def test_a_heartbeat_is_tried_for_five_seconds(caplog: pytest.LogCaptureFixture) -> None:
    """Then the activity goes on, and a warning says why."""
    wire = Wire(UNREACHABLE)
    case = Case(wire)
    began_at = case.clock.now()
    assert case.beat() is TaskStatus.ACTIVE
    assert TRIED_SECONDS - 1.0 <= case.clock.now() - began_at <= TRIED_SECONDS
    assert 6 <= len(wire.sent) <= 15
    (warning,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    message = warning.getMessage()
    assert message == f"Heartbeat of {TASK} not sent (ReadTimeoutError); the activity goes on."
    assert warning.__dict__["flowy_workflow_id"] == TASK.workflow_id
    assert warning.__dict__["flowy_event"] == "heartbeat_failed"
    assert warning.__dict__["flowy_fault"] == "ReadTimeoutError"


def test_the_end_of_the_grace_ends_the_tries() -> None:
    """A worker that must stop does not try a heartbeat again; a stop that has just begun waits."""
    wire = Wire(UNREACHABLE)
    case = Case(wire, clock=SelfTurningClock({1: StopLevel.DRAIN, 3: StopLevel.CANCEL}))
    assert case.beat() is TaskStatus.ACTIVE
    assert len(wire.sent) == 3


def test_a_heartbeat_that_is_tried_again_brings_the_newest_details() -> None:
    """Not those that were newest when it was first tried, which would overtake them."""
    wire = Wire(UNREACHABLE, False)
    case = Case(wire)
    case.heartbeats.progress("row 1")
    wire.on_send = lambda: case.heartbeats.progress("row 2")
    case.send()
    assert wire.sent == ["row 1", "row 2"]


@pytest.mark.parametrize("error", [REFUSED, NO_PERMISSION])
def test_a_refusal_is_logged_once(error: SWFError, caplog: pytest.LogCaptureFixture) -> None:
    """A heartbeat refused for good is not repeated within its call, and is one ERROR in all."""
    wire = Wire(error, error, error, False, error)
    case = Case(wire)
    assert [case.beat() for _ in range(3)] == [TaskStatus.ACTIVE] * 3
    assert len(wire.sent) == 3
    assert case.clock.waits == []
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert f"refused ({error.fault})" in record.getMessage()
    case.beat()
    case.beat()
    assert len(caplog.records) == 2


# Silence


def test_silence_means_lost_only_after_the_timeout(caplog: pytest.LogCaptureFixture) -> None:
    """Until the declared timeout has passed without an accepted heartbeat the task is active."""
    wire = Wire(REFUSED)
    case = Case(wire)
    case.clock.time += 50.0
    assert case.beat() is TaskStatus.ACTIVE
    case.clock.time += 9.9
    assert case.beat() is TaskStatus.ACTIVE
    case.clock.time += 0.1
    assert case.beat() is TaskStatus.LOST
    wire.says(UNREACHABLE)
    assert case.beat() is TaskStatus.LOST
    told = [record for record in caplog.records if "is told to give up" in record.message]
    assert [record.levelno for record in told] == [logging.ERROR]


def test_silence_counts_from_the_latest_accepted_heartbeat() -> None:
    """As SWF's own timeout does."""
    case = Case(Wire(False, REFUSED))
    case.clock.time += 50.0
    case.beat()
    case.clock.time += 59.0
    assert case.beat() is TaskStatus.ACTIVE
    case.clock.time += 1.0
    assert case.beat() is TaskStatus.LOST


def test_a_lost_task_that_swf_knows_is_active_again() -> None:
    """The declared timeout is a guess: a heartbeat that SWF accepts says that the task is open."""
    case = Case(Wire(REFUSED, False), lost_after=1.0)
    case.clock.time += 1.0
    assert case.beat() is TaskStatus.LOST
    assert case.beat() is TaskStatus.ACTIVE


def test_without_a_declared_timeout_a_task_is_never_lost() -> None:
    """However long SWF is silent."""
    case = Case(Wire(UNREACHABLE), lost_after=None)
    case.clock.time += 1e9
    assert case.beat() is TaskStatus.ACTIVE


def test_silence_after_a_request_to_cancel_changes_nothing() -> None:
    """The request was made."""
    case = Case(Wire(True, UNREACHABLE), lost_after=1.0)
    case.beat()
    case.clock.time += 1_000.0
    assert case.beat() is TaskStatus.CANCEL_REQUESTED


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
