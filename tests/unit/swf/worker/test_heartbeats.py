"""The heartbeats of one task: what one brings, for how long it is tried, what silence means."""

from __future__ import annotations

import logging

import pytest

from flowy.concurrency.stop import StopLevel
from flowy.exception import (
    SWFError,
)
from flowy.invocation import TaskStatus
from flowy.swf.worker.heartbeats import TRIED_SECONDS
from tests.unit.clocks import SelfTurningClock
from tests.unit.swf.worker.heartbeat_case import (
    CLOSED,
    NO_PERMISSION,
    REFUSED,
    TASK,
    UNREACHABLE,
    Case,
    Wire,
)

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
