"""What is known of a task: what heartbeats bring, and what the activity is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flowy.invocation import StatusRecord, TaskStatus

ACTIVE, CANCEL_REQUESTED, STOPPING, LOST, CLOSED = TaskStatus

#: How a record learns each of these statuses.
LEARNING: dict[TaskStatus, Callable[[StatusRecord], object]] = {
    CANCEL_REQUESTED: lambda record: record.accepted(cancel_requested=True),
    LOST: lambda record: record.lost(),
    CLOSED: lambda record: record.closed(),
}


class Stop:
    """Whether the worker's grace is over."""

    def __init__(self) -> None:
        self.is_over = False

    def __call__(self) -> bool:
        return self.is_over


def test_a_task_is_active_at_first() -> None:
    """Nothing is known, and the activity has been told nothing."""
    record = StatusRecord()
    assert (record.current, record.learned, record.told) == (ACTIVE, ACTIVE, ACTIVE)
    assert record.take_interruption() is None


# What heartbeats bring


@pytest.mark.parametrize("status", LEARNING)
def test_what_a_heartbeat_brings_is_known_without_another(status: TaskStatus) -> None:
    """It is current from then on, but the activity is told only when it asks."""
    record = StatusRecord()
    LEARNING[status](record)
    assert (record.current, record.learned, record.told) == (status, status, ACTIVE)


@pytest.mark.parametrize("learn", [LEARNING[LOST], lambda r: r.accepted(cancel_requested=False)])
def test_a_request_to_cancel_is_never_taken_back(learn: Callable[[StatusRecord], object]) -> None:
    """Neither silence nor an older heartbeat, whose answer comes late, changes it."""
    record = StatusRecord()
    record.accepted(cancel_requested=True)
    learn(record)
    assert record.current is CANCEL_REQUESTED


def test_a_task_whose_cancellation_was_requested_may_be_closed() -> None:
    """SWF closes it whether or not the activity has given up."""
    record = StatusRecord()
    record.accepted(cancel_requested=True)
    record.closed()
    assert record.current is CLOSED


@pytest.mark.parametrize(
    "learn",
    [
        LEARNING[LOST],
        LEARNING[CANCEL_REQUESTED],
        lambda record: record.accepted(cancel_requested=False),
    ],
)
def test_closed_is_final(learn: Callable[[StatusRecord], object]) -> None:
    """Of two heartbeats at once the older one may end last, and knows less."""
    record = StatusRecord()
    record.closed()
    learn(record)
    assert record.current is CLOSED


def test_a_lost_task_is_active_again_after_an_accepted_heartbeat() -> None:
    """The declared timeout is a guess: SWF accepts heartbeats of open tasks only."""
    record = StatusRecord()
    record.lost()
    record.accepted(cancel_requested=False)
    assert record.current is ACTIVE


def test_lost_is_news_once() -> None:
    """``lost`` returns whether it is new, and again after the task was found."""
    record = StatusRecord()
    assert [record.lost(), record.lost()] == [True, False]
    record.accepted(cancel_requested=False)
    assert record.lost()


@pytest.mark.parametrize("status", [CANCEL_REQUESTED, CLOSED])
def test_lost_is_no_news_after_what_swf_has_said(status: TaskStatus) -> None:
    """What SWF does not take back outweighs silence."""
    record = StatusRecord()
    LEARNING[status](record)
    assert record.lost() is False


def test_each_new_status_is_passed_on_once() -> None:
    """``changed`` is called with what is new, not with each heartbeat."""
    seen: list[TaskStatus] = []
    record = StatusRecord(changed=seen.append)
    record.accepted(cancel_requested=False)
    record.lost()
    record.lost()
    record.accepted(cancel_requested=False)
    record.accepted(cancel_requested=True)
    record.accepted(cancel_requested=True)
    record.closed()
    record.closed()
    assert seen == [LOST, ACTIVE, CANCEL_REQUESTED, CLOSED]


# A stop


def test_a_task_is_stopping_once_the_grace_is_over() -> None:
    """The worker's stop makes it so, without a heartbeat: nothing is learned."""
    stop = Stop()
    record = StatusRecord(stop)
    stop.is_over = True
    assert (record.current, record.learned) == (STOPPING, ACTIVE)


@pytest.mark.parametrize("status", LEARNING)
def test_what_swf_says_comes_before_the_stop(status: TaskStatus) -> None:
    """It decides the answer: canceled, failed or none, whatever the stop's policy is."""
    stop = Stop()
    record = StatusRecord(stop)
    LEARNING[status](record)
    stop.is_over = True
    assert record.current is status


# What the activity is told


def test_telling_returns_what_is_known_now() -> None:
    """The activity keeps it: after any status but ACTIVE, None does not complete the task."""
    record = StatusRecord()
    assert (record.tell(), record.told) == (ACTIVE, ACTIVE)
    record.closed()
    assert record.told is ACTIVE
    assert (record.tell(), record.told) == (CLOSED, CLOSED)


def test_telling_takes_back_what_was_told() -> None:
    """A heartbeat that answers True tells an activity to go on, whatever it was told before."""
    record = StatusRecord()
    record.lost()
    record.tell()
    record.accepted(cancel_requested=False)
    assert (record.tell(), record.told) == (ACTIVE, ACTIVE)


def test_an_interruption_tells_its_cause() -> None:
    """A CancelledError tells as a heartbeat does."""
    record = StatusRecord()
    record.accepted(cancel_requested=True)
    assert record.tell_interruption() is CANCEL_REQUESTED
    assert record.told is CANCEL_REQUESTED


def test_an_interruption_without_a_cause_leaves_what_was_told() -> None:
    """A CancelledError of the activity's own tells nothing."""
    record = StatusRecord()
    assert record.tell_interruption() is ACTIVE
    record.lost()
    record.tell()
    record.accepted(cancel_requested=False)
    assert record.tell_interruption() is LOST


# What a coroutine is canceled for


@pytest.mark.parametrize("status", LEARNING)
def test_an_interruption_is_taken_once_for_each_status(status: TaskStatus) -> None:
    """Cleaning up may take several heartbeats, and each of them brings the same."""
    record = StatusRecord()
    LEARNING[status](record)
    assert record.take_interruption() is status
    assert record.take_interruption() is None


def test_another_status_is_another_interruption() -> None:
    """A coroutine that goes on after a request to cancel is canceled when its task is closed."""
    record = StatusRecord()
    record.accepted(cancel_requested=True)
    record.take_interruption()
    record.closed()
    assert record.take_interruption() is CLOSED


def test_a_coroutine_that_was_told_is_not_interrupted() -> None:
    """It knows by its own heartbeat, and is cleaning up."""
    record = StatusRecord()
    record.accepted(cancel_requested=True)
    record.tell()
    assert record.take_interruption() is None


def test_a_stop_is_no_interruption_of_a_heartbeat() -> None:
    """The stop cancels coroutines itself."""
    stop = Stop()
    record = StatusRecord(stop)
    stop.is_over = True
    assert record.take_interruption() is None
