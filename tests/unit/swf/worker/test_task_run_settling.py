"""How a task run is settled: one claim and one answer, whoever wants to end it."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable

import pytest

from flowy import reasons
from flowy.concurrency.stop import StopLevel
from flowy.invocation import (
    Completed,
    Failed,
    TaskOutcome,
)
from flowy.observer import Observer, Observers, TaskEnded
from flowy.swf.worker.task_run import TaskRun
from flowy.task import Activity
from tests.patience import PATIENCE_SECONDS
from tests.unit.swf.calls import refused
from tests.unit.swf.worker.runs import Case, Held


class Blocks(Activity):
    """Runs until it is released."""

    begun: threading.Semaphore
    released: threading.Event

    def run(self) -> str:
        self.begun.release()
        assert self.released.wait(PATIENCE_SECONDS)
        return "done"


class Blocked:
    """A run that hangs in a thread, of a worker whose grace is over."""

    def __init__(self, case: Case, on_stop: str) -> None:
        self.released = threading.Event()
        begun = threading.Semaphore(0)
        work = type("Work", (Blocks,), {"begun": begun, "released": self.released})
        self.run = case.task_run(work, on_stop=on_stop)
        self._thread = threading.Thread(target=self.run.run, daemon=True)
        self._thread.start()
        assert begun.acquire(timeout=PATIENCE_SECONDS)
        case.flag.raise_to(StopLevel.CANCEL)

    def release(self) -> None:
        """Let it end."""
        self.released.set()
        self._thread.join(PATIENCE_SECONDS)


def test_a_run_that_ends_while_the_stop_answers_records_nothing(case: Case) -> None:
    """The stop has the claim, so the stop's answer is the outcome, recorded once."""
    blocked = Blocked(case, "fail")
    with Held(case).during(blocked.run.end_by_stop):
        blocked.release()
        assert blocked.run.outcome is None
        assert case.settled == []
        assert case.calls.tried == ["fail"]
    assert blocked.run.outcome is TaskOutcome.FAILED_BY_STOP
    assert case.settled == ["FAILED_BY_STOP"]
    assert case.answer[1].startswith(reasons.WORKER_STOPPED)


def test_a_run_that_ends_after_the_stop_left_it_records_nothing(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    """An abandoned task is its decider's: what its activity says later is not sent."""
    blocked = Blocked(case, "abandon")
    blocked.run.end_by_stop()
    with caplog.at_level(logging.INFO):
        blocked.release()
    assert case.settled == ["ABANDONED"]
    assert case.calls.tried == []
    assert "a later answer is dropped" in caplog.text
    report = case.tally.report()
    assert (report.completed, len(report.abandoned)) == (0, 1)


def test_a_stop_leaves_an_answer_that_is_under_way(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    """A task whose answer is just being given is not abandoned, and the log does not mention it."""
    run = case.task_run()
    with Held(case).during(lambda: run.finish(Completed("1"))), caplog.at_level(logging.INFO):
        run.end_by_stop()
        assert caplog.records == []
        assert run.outcome is None
        assert case.settled == []
    assert case.settled == ["COMPLETED"]


def test_a_delivery_that_ends_after_it_was_given_up_records_nothing(case: Case) -> None:
    """It is unanswered, once: nobody waits to learn whether SWF takes the answer after all."""
    run = case.task_run()
    with Held(case).during(lambda: run.finish(Completed("1"))):
        run.give_up()
        assert run.outcome is TaskOutcome.UNANSWERED
    assert case.answer == ("complete", "1")
    assert run.outcome is TaskOutcome.UNANSWERED
    assert case.settled == ["UNANSWERED"]
    report = case.tally.report()
    assert (report.completed, len(report.unanswered)) == (0, 1)


def test_a_task_that_is_given_up_frees_its_slot_though_an_observer_hangs(case: Case) -> None:
    """The worker must be able to end; the outcome stays what it was."""
    hangs, released = threading.Event(), threading.Event()
    freed: list[TaskRun] = []

    class Hangs(Observer):
        def task_ended(self, event: TaskEnded) -> None:
            hangs.set()
            released.wait(PATIENCE_SECONDS)

    run = case.task_run(settled=freed.append, observers=Observers([Hangs()]))
    ending = threading.Thread(target=lambda: run.finish(Completed("1")), daemon=True)
    ending.start()
    assert hangs.wait(PATIENCE_SECONDS)
    assert freed == []
    run.give_up()
    assert freed == [run]
    assert run.outcome is TaskOutcome.COMPLETED
    released.set()
    ending.join(PATIENCE_SECONDS)


def test_what_is_given_up_is_not_answered_later(case: Case) -> None:
    """To give up takes the claim, too."""
    run = case.task_run()
    run.give_up()
    assert not run.finish(Completed("1"))
    run.end_by_stop()
    run.give_up()
    assert case.calls.tried == []
    assert case.settled == ["UNANSWERED"]


def test_an_interrupted_answer_is_followed_by_none(case: Case) -> None:
    """SWF may have taken the answer that a third signal cut short: no failure is sent after it."""
    case.calls.trouble = [KeyboardInterrupt()]
    run = case.task_run()
    with pytest.raises(KeyboardInterrupt):
        run.finish(Completed("1"))
    assert not run.finish(Failed("KeyboardInterrupt"))
    assert case.calls.tried == ["complete"]
    assert case.settled == ["UNANSWERED"]


@pytest.mark.parametrize("on_stop", ["abandon", "fail"])
def test_of_all_who_might_answer_exactly_one_does(case: Case, on_stop: str) -> None:
    """The activity's answers, the stop and a stop out of patience race: one answer, one record."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for number in range(300):
        case.calls.trouble = [refused()] if chance.random() < 0.3 else []
        answered = len(case.calls.made)
        run = case.task_run(on_stop=on_stop, token=f"token-{number}")
        parties: list[Callable[[], object]] = [
            lambda run=run: run.finish(Completed("1")),  # type: ignore[misc]
            lambda run=run: run.finish(Failed("why")),  # type: ignore[misc]
            run.end_by_stop,
            *([run.give_up] if chance.random() < 0.3 else []),
        ]
        chance.shuffle(parties)
        _race(parties)
        records = [entry for entry in case.journal.entries if entry[1] == f"token-{number}"]
        assert run.outcome is not None
        assert [entry[0] for entry in records] == ["opened", "settled"]
        assert records[1][2] == run.outcome.name
        answers = len(case.calls.made) - answered
        if run.outcome is TaskOutcome.UNANSWERED:  # it was given up, perhaps with an answer out
            assert answers <= 1
        else:
            assert answers == (run.outcome is not TaskOutcome.ABANDONED)


def _race(parties: list[Callable[[], object]]) -> None:
    barrier = threading.Barrier(len(parties))

    def start(party: Callable[[], object]) -> None:
        barrier.wait()
        party()

    threads = [threading.Thread(target=start, args=(party,)) for party in parties]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
