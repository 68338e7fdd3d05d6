"""One task's way back: exactly one answer, tried for as long as it may help."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from flowy import reasons
from flowy.exception import TooLongError
from flowy.heartbeat import Verdict
from flowy.shutdown import StopFlag, StopLevel
from flowy.swf.delivery import Outcome, StopPolicy, TaskScheduler
from tests.unit.swf.calls import (
    PATIENCE_SECONDS,
    Book,
    Calls,
    expired,
    refused,
    throttled,
    unknown,
)


class Clock(StopFlag):
    """A stop flag on which nobody waits: the time it takes passes by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0
        self.waits: list[float | None] = []

    def wait(self, seconds: float | None, level: StopLevel = StopLevel.FINISH) -> bool:
        self.waits.append(seconds)
        self.now += seconds or 0.0
        return self.is_set(level)


class Case:
    """A running task and all around it."""

    def __init__(
        self,
        *,
        grace: float | None = None,
        on_stop: str = "abandon",
        flag: StopFlag | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.calls = Calls()
        self.book = Book()
        self.flag = flag or StopFlag()
        self.scheduler = TaskScheduler(
            self.calls,
            "token",
            subject="a task",
            heartbeat_seconds=60,
            start_to_close_seconds=300,
            policy=StopPolicy(self.flag, grace, on_stop),
            ledger=self.book,
            clock=clock,
        )

    @property
    def outcome(self) -> Outcome:
        return self.scheduler.outcome


@pytest.fixture
def case() -> Case:
    return Case()


def test_an_accepted_answer_is_struck_out_and_known(case: Case) -> None:
    """After SWF took it the task is struck out of the ledger, and its outcome is told."""
    assert case.scheduler.complete("token", '"done"') is True
    assert case.calls.made == [("complete", '"done"')]
    assert case.book.entries == [("strike", "token", "COMPLETED")]
    assert (case.outcome, case.scheduler.settled) == (Outcome.COMPLETED, True)


@pytest.mark.parametrize(
    ("leave", "outcome"),
    [
        (lambda case: case.scheduler.suspend("token"), Outcome.SUSPENDED),
        (lambda case: case.scheduler.leave_unknown(), Outcome.UNKNOWN_LEFT),
        (lambda case: case.scheduler.give_up("token"), Outcome.ABANDONED),
        (lambda case: case.scheduler.dismiss(), Outcome.ABANDONED),
    ],
)
def test_what_is_left_is_struck_out_without_a_call(
    case: Case, leave: Any, outcome: Outcome
) -> None:
    """A task that is left to somebody else must not be failed if this process dies."""
    leave(case)
    assert case.calls.tried == []
    assert case.book.entries == [("strike", "token", outcome.name)]
    assert case.outcome is outcome


def test_a_throttled_answer_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """Throttles, outages and credentials that expired are waited out."""
    clock = Clock()
    case = Case(flag=clock, clock=lambda: clock.now)
    case.calls.trouble = [throttled(), expired()]
    assert case.scheduler.complete("token", "1") is True
    assert case.calls.tried == ["complete"] * 3
    assert len(clock.waits) == 2
    assert caplog.text.count("trying again in") == 2


def test_a_closed_task_is_no_error(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    """UnknownResourceFault at the first try: the task was closed before; a warning, no more."""
    case.calls.trouble = [unknown()]
    assert case.scheduler.fail("token", "why") is False
    assert case.outcome is Outcome.CLOSED
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert case.book.entries == [("strike", "token", "CLOSED")]


def test_a_repeated_answer_that_finds_it_closed_may_have_arrived(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    """After a try whose fate is unknown, UnknownResourceFault is most likely its own doing."""
    case.calls.trouble = [throttled(), unknown()]
    with caplog.at_level(logging.INFO):
        assert case.scheduler.complete("token", "1") is False
    assert case.outcome is Outcome.CLOSED
    assert "an earlier try of its answer arrived" in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_refused_result_becomes_a_failure(case: Case) -> None:
    """What SWF will never take is followed by an answer that it does."""
    case.calls.trouble = [refused()]
    case.scheduler.complete("token", "1")
    ((verb, reason, _),) = case.calls.made
    assert (verb, reason) == ("fail", f"{reasons.RESULT_REFUSED}SWF answered ValidationException.")
    assert case.outcome is Outcome.FAILED


def test_a_refused_failure_gets_a_plain_reason(case: Case) -> None:
    """The text of a failure itself may be what SWF refuses."""
    case.calls.trouble = [refused()]
    case.scheduler.fail("token", "reason", "details")
    ((_, reason, details),) = case.calls.made
    assert reason.startswith(reasons.REASON_REFUSED)
    assert details == ""


def test_an_answer_refused_whatever_it_says_is_given_up(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    """Refused result, reason and plain reason: an ERROR, and a place in the report."""
    case.calls.trouble = [refused(), refused(), refused()]
    assert case.scheduler.complete("token", "1") is False
    assert case.outcome is Outcome.UNANSWERED
    assert "given up" in caplog.text
    assert case.scheduler.settled


def test_a_refused_cancellation_becomes_a_failure(case: Case) -> None:
    """SWF takes canceled only where it was requested, and may think otherwise than we do."""
    case.calls.trouble = [refused()]
    case.scheduler.cancel("token", "half done")
    ((verb, reason, details),) = case.calls.made
    assert verb == "fail"
    assert reason.startswith(reasons.CANCEL_NOT_REQUESTED)
    assert details == "half done"


def test_a_result_too_long_leaves_the_task_open_for_another_answer(case: Case) -> None:
    """Who claimed the answer and could not give it gives the claim back."""
    case.calls.trouble = [TooLongError("too long", length=2, limit=1)]
    with pytest.raises(TooLongError):
        case.scheduler.complete("token", "12")
    assert not case.scheduler.settled
    assert case.scheduler.fail("token", "too long") is True


def test_the_last_details_stand_in_the_failure(case: Case) -> None:
    """What was reported last ends the details, where they are never cut."""
    case.scheduler.heartbeat("token", "row 7")
    case.scheduler.progress("token", "row 8")
    case.scheduler.fail("token", "why", "Traceback")
    assert case.calls.made == [("fail", "why", "Traceback\nLast heartbeat: row 8")]


def test_without_details_the_last_heartbeat_stands_alone(case: Case) -> None:
    """A failure without a traceback has the last details all the same."""
    case.scheduler.progress("token", "row 8")
    case.scheduler.fail("token", "why")
    assert case.calls.made == [("fail", "why", "Last heartbeat: row 8")]


def test_long_details_of_the_last_heartbeat_leave_room_for_the_traceback(case: Case) -> None:
    """They are cut as the heartbeat's own were, and so is what has no UTF-8 form."""
    case.scheduler.progress("token", "\udcff" + "x" * 40_000)
    case.scheduler.fail("token", "why", "Traceback")
    ((_, _, details),) = case.calls.made
    assert details.startswith("Traceback\nLast heartbeat: \\udcffxxx")
    assert len(details) == len("Traceback\nLast heartbeat: ") + 2_048


def test_a_failure_by_the_stop_has_the_fixed_reason_and_the_last_details() -> None:
    """on_stop="fail": a reason by which a decider knows it, and how far it had come."""
    case = Case(on_stop="fail")
    case.scheduler.progress("token", "row 8")
    case.scheduler.dismiss()
    ((_, reason, details),) = case.calls.made
    assert reason.startswith(reasons.WORKER_STOPPED)
    assert details == "Last heartbeat: row 8"
    assert case.outcome is Outcome.FAILED_BY_STOP


def test_a_heartbeat_answers_stopping_once_the_grace_is_over(case: Case) -> None:
    """During the grace beats go on; from HURRY on the verdict is to stop, and beats still go."""
    assert case.scheduler.heartbeat("token") is Verdict.GO_ON
    case.flag.raise_to(StopLevel.FINISH)
    assert case.scheduler.heartbeat("token") is Verdict.GO_ON
    case.flag.raise_to(StopLevel.HURRY)
    assert case.scheduler.heartbeat("token") is Verdict.STOPPING
    assert len(case.calls.beats) == 3


@pytest.mark.parametrize("settle", ["complete", "abandon", "suspend"])
def test_nothing_is_beaten_for_once_it_is_settled(case: Case, settle: str) -> None:
    """A task that was left must time out, though its activity hangs and beats on."""
    if settle == "complete":
        case.scheduler.complete("token", "1")
    elif settle == "suspend":
        case.scheduler.suspend("token")
    else:
        case.flag.raise_to(StopLevel.HURRY)
        case.scheduler.dismiss()
    case.scheduler.heartbeat("token", "still here")
    case.scheduler.heartbeats.send()
    assert case.calls.beats == []


def test_let_go_answers_for_a_run_that_did_not(case: Case) -> None:
    """A run that ended without an answer is failed; it never stays open silently."""
    case.scheduler.let_go()
    ((_, reason, _),) = case.calls.made
    assert reason.startswith(reasons.NO_ANSWER)


def test_let_go_of_a_closed_task_makes_no_call(case: Case) -> None:
    """SWF would refuse it."""
    case.calls.beat = lambda: (_ for _ in ()).throw(unknown())
    case.scheduler.heartbeat("token")
    case.scheduler.let_go()
    assert case.calls.tried == []
    assert case.outcome is Outcome.CLOSED


def test_a_dismissal_waits_for_an_answer_that_is_under_way(case: Case) -> None:
    """Nothing is abandoned whose answer is just being given."""
    going, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        going.set()
        assert go_on.wait(PATIENCE_SECONDS)

    case.calls.on_answer = hold
    answering = threading.Thread(target=case.scheduler.complete, args=("token", "1"))
    answering.start()
    assert going.wait(PATIENCE_SECONDS)
    case.scheduler.dismiss()
    assert not case.scheduler.settled
    assert case.book.entries == []
    go_on.set()
    answering.join()
    assert case.outcome is Outcome.COMPLETED


def test_an_answer_after_the_dismissal_is_dropped(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    """An abandoned task is its decider's: what its activity says later is not sent."""
    case.scheduler.dismiss()
    with caplog.at_level(logging.INFO):
        assert case.scheduler.complete("token", "1") is False
    assert case.calls.tried == []
    assert case.outcome is Outcome.ABANDONED
    assert "a later answer is dropped" in caplog.text


@pytest.mark.parametrize("on_stop", ["abandon", "fail"])
def test_of_all_who_might_answer_exactly_one_does(on_stop: str) -> None:
    """Dismissal, the activity's answer, and the worker's let_go race: one answer, one strike."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for _ in range(500):
        case = Case(on_stop=on_stop)
        case.flag.raise_to(StopLevel.HURRY)
        if chance.random() < 0.3:
            case.calls.trouble = [refused()]
        parties = [
            lambda case=case: case.scheduler.complete("token", "1"),
            lambda case=case: case.scheduler.dismiss(),
            lambda case=case: case.scheduler.let_go(),
            lambda case=case: case.scheduler.fail("token", "why"),
        ]
        chance.shuffle(parties)
        barrier = threading.Barrier(len(parties))

        def race(answer: Any, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            answer()

        threads = [threading.Thread(target=race, args=(party,)) for party in parties]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        strikes = [entry for entry in case.book.entries if entry[0] == "strike"]
        assert len(strikes) == 1
        assert strikes[0][2] == case.outcome.name
        assert len(case.calls.made) == (case.outcome is not Outcome.ABANDONED)


@pytest.mark.parametrize(
    ("level", "grace", "tries_for"),
    [
        (StopLevel.NONE, None, 300),
        (StopLevel.FINISH, None, 60),
        (StopLevel.FINISH, 20.0, 20),
        (StopLevel.HURRY, None, 5),
        (StopLevel.AT_ONCE, None, 0),
    ],
)
def test_how_long_an_answer_is_tried(
    level: StopLevel, grace: float | None, tries_for: float
) -> None:
    """Its start-to-close, at least 5 minutes; after a stop the grace or 60 s, then 5 s, then 0."""
    clock = Clock()
    case = Case(grace=grace, flag=clock, clock=lambda: clock.now)
    case.flag.raise_to(level)
    case.calls.trouble = [throttled() for _ in range(1_000)]
    assert case.scheduler.complete("token", "1") is False
    assert case.outcome is Outcome.UNANSWERED
    assert clock.now - 1_000 == pytest.approx(tries_for, abs=0.001)


def test_a_second_signal_hurries_an_answer_that_waits() -> None:
    """Who waits between two tries is woken by the next level, and gives up by its measure."""
    case = Case()
    case.calls.trouble = [throttled() for _ in range(1_000)]
    answering = threading.Thread(target=case.scheduler.complete, args=("token", "1"))
    answering.start()
    case.calls.wait_until(lambda: len(case.calls.tried) >= 3)
    case.flag.raise_to(StopLevel.AT_ONCE)
    answering.join(PATIENCE_SECONDS)
    assert case.outcome is Outcome.UNANSWERED


def test_an_interrupted_answer_is_followed_by_none(case: Case) -> None:
    """SWF may have taken the answer that a third signal cut short: no failure is sent after it."""
    sent = []

    def complete(token: str, result: str) -> None:
        sent.append(result)
        raise KeyboardInterrupt

    case.calls.complete = complete  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        case.scheduler.complete("token", "1")
    assert not case.scheduler.fail("token", "KeyboardInterrupt")
    assert (sent, case.outcome) == (["1"], Outcome.UNANSWERED)
