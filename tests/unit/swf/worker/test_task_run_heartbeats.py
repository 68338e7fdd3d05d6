"""The heartbeats of one task in a worker, and what its failure says of the last one."""

from __future__ import annotations

import os

import pytest

from flowy import reasons
from flowy.exception import OutsideActivityError
from flowy.invocation import (
    Answer,
    Completed,
    Failed,
    NoAnswer,
    Suspended,
    TaskStatus,
)
from flowy.observer import HeartbeatEnded, Observers, StatusChanged
from flowy.task import Activity
from tests.unit.swf.calls import refused
from tests.unit.swf.worker.runs import Case, Recorder

# The text of a failure


@pytest.mark.parametrize(
    ("details", "sent"),
    [("Traceback", "Traceback\nLast heartbeat: row 8"), (None, "Last heartbeat: row 8")],
)
def test_a_failure_ends_with_the_last_details(case: Case, details: str | None, sent: str) -> None:
    """What was reported last ends the details, so that it is never cut."""
    run = case.task_run()
    run.heartbeats.beat("row 7")
    run.heartbeats.progress("row 8")
    run.finish(Failed("why", details))
    assert case.calls.made == [("fail", "why", sent)]


def test_long_details_of_the_last_heartbeat_leave_room_for_the_traceback(case: Case) -> None:
    """They are cut as the heartbeat's own were, and so is what has no UTF-8 form."""
    run = case.task_run()
    run.heartbeats.progress("\udcff" + "x" * 40_000)
    run.finish(Failed("why", "Traceback"))
    details = case.answer[2]
    assert details.startswith("Traceback\nLast heartbeat: \\udcffxxx")
    assert len(details) == len("Traceback\nLast heartbeat: ") + 2_048


def test_details_in_a_format_of_the_activitys_own_are_sent_as_they_are(case: Case) -> None:
    """Its decider reads them, and could not if the last heartbeat stood below."""
    run = case.task_run()
    run.heartbeats.beat("row 8")
    run.finish(Failed("why", "{}", own_format=True))
    assert case.calls.made == [("fail", "why", "{}")]


def test_a_failure_by_the_stop_has_the_fixed_reason_and_the_last_details(case: Case) -> None:
    """on_stop="fail": a reason by which a decider knows it, and how far the work had come."""
    run = case.task_run(on_stop="fail")
    run.heartbeats.progress("row 8")
    run.end_by_stop()
    assert case.calls.made == [
        (
            "fail",
            f"{reasons.WORKER_STOPPED}the activity was still running after the grace.",
            "Last heartbeat: row 8",
        )
    ]
    assert case.settled == ["FAILED_BY_STOP"]


# Its heartbeats


@pytest.mark.parametrize(
    ("heartbeat", "start_to_close", "seconds"),
    [(60, 300, 60), (None, 300, 300), (60, None, 60), (None, None, None)],
)
def test_when_a_task_is_lost(
    case: Case, heartbeat: int | None, start_to_close: int | None, seconds: int | None
) -> None:
    """The declared heartbeat timeout, or start-to-close, after the poll: SWF's clock began there.

    A first heartbeat that comes late and is refused therefore tells so at once. If neither is
    declared, the task is never lost.
    """
    case.calls.beat = lambda: _raises(refused())
    run = case.task_run(heartbeat=heartbeat, start_to_close=start_to_close)
    case.clock.turn((seconds or 1e9) - 1)
    run.heartbeats.send()
    assert run.status.current is TaskStatus.ACTIVE
    case.clock.turn(1)
    run.heartbeats.send()
    assert run.status.current is (TaskStatus.LOST if seconds else TaskStatus.ACTIVE)


@pytest.mark.parametrize(
    "answer", [Completed("1"), Suspended(), NoAnswer(TaskStatus.STOPPING), None]
)
def test_no_heartbeat_goes_out_once_it_is_settled(case: Case, answer: Answer | None) -> None:
    """A task that was left must time out, though its activity hangs and goes on sending."""
    run = case.task_run()
    if answer is None:
        run.give_up()
    else:
        run.finish(answer)
    run.heartbeats.beat("still here")
    run.heartbeats.send()
    assert case.calls.beats == []


def test_observers_are_told_of_heartbeats_and_what_they_bring(case: Case) -> None:
    """Of each one, and of each new status."""
    recorder = Recorder()
    run = case.task_run(observers=Observers([recorder]))
    run.heartbeats.send()
    case.calls.beat = lambda: True
    run.heartbeats.send()
    case.calls.beat = lambda: _raises(refused())
    run.heartbeats.send()
    assert recorder.events == [
        HeartbeatEnded(run.info, accepted=True),
        HeartbeatEnded(run.info, accepted=True),
        StatusChanged(run.info, TaskStatus.CANCEL_REQUESTED),
        HeartbeatEnded(run.info, accepted=False, fault="ValidationException"),
    ]


def test_a_forked_child_sends_no_heartbeat(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard of the worker tells the child from the worker; the parent goes on."""

    class Work(Activity):
        def run(self) -> None:
            with monkeypatch.context() as child:
                child.setattr(os, "getpid", lambda: -1)
                with pytest.raises(OutsideActivityError, match="forked child of the worker"):
                    self.heartbeat("from the child")
            self.heartbeat("from the parent")

    case.task_run(Work).run()
    assert case.calls.beats == ["from the parent"]


def test_remaining_counts_from_the_poll(case: Case) -> None:
    """SWF's clock began there, not when the run did."""
    seen: list[float | None] = []

    class Work(Activity):
        def run(self) -> None:
            seen.append(self.remaining())

    run = case.task_run(Work)
    case.clock.turn(50)
    run.run()
    assert seen == [250]


def _raises(error: Exception) -> bool:
    raise error
