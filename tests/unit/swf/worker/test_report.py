"""The report: counts, names, and whether anything was left."""

from __future__ import annotations

import dataclasses
import json
import threading
from datetime import datetime

import pytest

from flowy.invocation import TaskOutcome
from flowy.swf.worker.report import KEPT_ENTRIES, LostPoll, StopReport, Tally

LOST = LostPoll("2026-01-01T00:00:00.000+00:00", "host:7", "ReadTimeoutError")

#: The outcomes that only the history tells.
NOT_OF_A_WORKER = {
    TaskOutcome.TIMED_OUT,
    TaskOutcome.EXECUTION_CLOSED,
    TaskOutcome.NOT_SCHEDULED,
}


@pytest.mark.parametrize(
    ("outcome", "report"),
    [
        (TaskOutcome.COMPLETED, StopReport(completed=1)),
        (TaskOutcome.FAILED, StopReport(failed=1)),
        (TaskOutcome.CANCELED, StopReport(canceled=1)),
        (TaskOutcome.SUSPENDED, StopReport(suspended=1)),
        (TaskOutcome.HANDED_OVER, StopReport(handed_over=1)),
        (TaskOutcome.CLOSED, StopReport(closed=1)),
        (TaskOutcome.LEFT_UNKNOWN, StopReport(unknown_left=1)),
        (TaskOutcome.FAILED_BY_STOP, StopReport(failed_by_stop=("a task",))),
        (TaskOutcome.ABANDONED, StopReport(abandoned=("a task",))),
        (TaskOutcome.UNANSWERED, StopReport(unanswered=("a task",))),
    ],
)
def test_each_outcome_has_its_place(outcome: TaskOutcome, report: StopReport) -> None:
    """It is counted, or named if somebody may have to look after it."""
    tally = Tally()
    tally.note(outcome, "a task")
    assert tally.report() == report


def test_every_outcome_of_a_worker_is_in_the_report() -> None:
    """A new outcome must not vanish from it."""
    tally = Tally()
    for outcome in set(TaskOutcome) - NOT_OF_A_WORKER:
        tally.note(outcome, outcome.name)
    report = tally.report()
    values = [getattr(report, field.name) for field in dataclasses.fields(report)]
    assert sum(value if isinstance(value, int) else len(value) for value in values) == (
        len(TaskOutcome) - len(NOT_OF_A_WORKER)
    )


@pytest.mark.parametrize(
    ("report", "clean"),
    [
        (StopReport(), True),
        (StopReport(1, 2, 3, 4, 5, 6), True),
        (StopReport(failed_by_stop=("a",)), False),
        (StopReport(abandoned=("a",)), False),
        (StopReport(unanswered=("a",)), False),
        (StopReport(polls_lost=(LOST,)), False),
    ],
)
def test_clean_is_what_left_nothing(report: StopReport, clean: bool) -> None:
    """No task was failed by the stop, abandoned, unanswered, or lost with a poll."""
    assert report.clean is clean


def test_reports_add_up() -> None:
    """The reports of several processes make one."""
    one = StopReport(completed=1, abandoned=("a",), polls_lost=(LOST,))
    two = StopReport(completed=2, failed=3, abandoned=("b", "c"))
    assert one + two == StopReport(
        completed=3, failed=3, abandoned=("a", "b", "c"), polls_lost=(LOST,)
    )


def test_its_text_says_what_there_is() -> None:
    """It always counts the completed tasks, the others if there are any, and names what is left."""
    assert str(StopReport()) == "0 completed"
    assert str(
        StopReport(
            completed=5,
            failed=2,
            suspended=1,
            closed=1,
            failed_by_stop=("a", "b"),
            abandoned=("c",),
            unanswered=("d",),
            polls_lost=(LOST,),
        )
    ) == (
        "5 completed, 2 failed, 1 suspended, 1 closed before their answer; "
        "2 failed by the stop: a, b; 1 abandoned by the stop: c; 1 answer given up: d; "
        "1 poll that may have cost a task: 2026-01-01T00:00:00.000+00:00 by host:7 "
        "(ReadTimeoutError)"
    )


def test_its_text_groups_what_is_equal() -> None:
    """Polls of one poller, given up for one reason, are one entry with their number and times."""
    polls = [LostPoll(f"2026-01-01T00:00:0{n}+00:00", "host:7", "not waited for") for n in range(3)]
    same = LostPoll("2026-01-01T00:00:09+00:00", "host:8", "not waited for")
    other = LostPoll("2026-01-01T00:00:09+00:00", "host:7", "ReadTimeoutError")
    report = StopReport(polls_lost=(polls[0], same, *polls[1:], same, other), abandoned=("a",) * 14)
    assert str(report) == (
        "0 completed; 14 abandoned by the stop: a (14 times); "
        "6 polls that may have cost a task: "
        "3 polls of host:7, not waited for, from 2026-01-01T00:00:00+00:00 to "
        "2026-01-01T00:00:02+00:00, "
        "2 polls of host:8, not waited for, at 2026-01-01T00:00:09+00:00, "
        "2026-01-01T00:00:09+00:00 by host:7 (ReadTimeoutError)"
    )


def test_lists_that_grow_while_it_runs_keep_the_newest() -> None:
    """A worker that runs for months must not fill its memory with them."""
    tally = Tally()
    for number in range(KEPT_ENTRIES + 5):
        tally.poll_lost("me", str(number))
        tally.note(TaskOutcome.UNANSWERED, str(number))
    report = tally.report()
    assert len(report.polls_lost) == len(report.unanswered) == KEPT_ENTRIES
    assert report.polls_lost[-1].fault == report.unanswered[-1] == str(KEPT_ENTRIES + 4)
    assert report.more_polls_lost == report.more_unanswered == 5
    assert "; 1,005 answers given up, the newest 1,000: 5, 6, " in str(report)
    assert "; 1,005 polls that may have cost a task, the newest 1,000: " in str(report)


def test_a_lost_poll_says_when_who_and_why() -> None:
    """The time is in UTC, by which it is found in SWF's histories."""
    tally = Tally()
    tally.poll_lost("me", "ReadTimeoutError")
    (lost,) = tally.report().polls_lost
    assert datetime.fromisoformat(lost.at).tzinfo is not None
    assert (lost.identity, lost.fault) == ("me", "ReadTimeoutError")


def test_a_report_is_json() -> None:
    """A child sends it to its supervisor, and programs may keep it."""
    report = StopReport(completed=1, polls_lost=(LOST,))
    assert json.loads(json.dumps(dataclasses.asdict(report)))["polls_lost"][0]["identity"]


def test_many_threads_may_write() -> None:
    """No count is lost."""
    tally = Tally()

    def write() -> None:
        for _ in range(1_000):
            tally.note(TaskOutcome.COMPLETED, "a task")

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tally.report().completed == 8_000
