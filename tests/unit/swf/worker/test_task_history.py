"""What an activity knows of its history, in a worker on a local SWF."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from flowy import activity
from flowy.exception import HistoryError
from flowy.invocation import TaskOutcome
from flowy.local import LocalSWF
from flowy.swf.worker.task_run import TaskRun
from flowy.task import Activity
from tests.unit.shop import scheduled
from tests.unit.swf.worker.attempts_case import DECLARED, AttemptsCase, open_case
from tests.unit.swf.worker.history_activities import Knows, Needed, Plain, Wanted


@pytest.fixture
def case(local_swf: LocalSWF) -> Iterator[AttemptsCase]:
    """An execution on a local SWF of its own."""
    with open_case() as case:
        yield case


def test_an_activity_that_does_not_ask_costs_no_call(case: AttemptsCase) -> None:
    """Nothing is known then, and that is None; no history is read."""
    run = case.run(Plain)
    assert run.outcome is TaskOutcome.COMPLETED
    assert case.layer1.calls == ["respond_activity_task_completed"]
    seen = Plain.seen
    assert (seen["attempt"], seen["previous"], seen["deadline"]) == (None, None, None)
    assert (seen["info"].scheduled_at, seen["info"].control) == (None, None)
    assert case.told.waits == []


def test_a_first_attempt(case: AttemptsCase) -> None:
    """The history was read in one call, and has nothing before it."""
    case.run(Wanted)
    assert (Wanted.seen["attempt"], Wanted.seen["previous"]) == (1, ())
    assert Wanted.seen["previous_details"] is None
    assert case.layer1.reads == 1


def test_the_newest_details_of_earlier_attempts(case: AttemptsCase) -> None:
    """Killed twice: those of the last heartbeat that SWF kept, also if the newest sent none."""
    case.lose(details='{"copied": 3}')
    case.lose(details='{"copied": 7}')
    case.lose()
    case.run(Needed)
    seen = Needed.seen
    assert (seen["attempt"], seen["previous_details"]) == (4, {"copied": 7})
    assert [each.details for each in seen["previous"]] == [None, {"copied": 7}, {"copied": 3}]
    newest = seen["previous"][0]
    assert (newest.outcome, newest.timeout_type) == (TaskOutcome.TIMED_OUT, "HEARTBEAT")
    assert newest.identity == "worker-2"
    assert newest.ended_at - newest.started_at == pytest.approx(30, abs=2)


def test_a_failure_ends_with_the_details_of_its_last_heartbeat(case: AttemptsCase) -> None:
    """SWF drops them for a task that fails, so the worker has written them there."""

    @activity(**DECLARED)
    class Fails(Activity):
        def run(self) -> None:
            self.heartbeat({"copied": 5})
            raise ValueError("no")

    assert case.run(Fails).outcome is TaskOutcome.FAILED
    case.run(Wanted)
    assert (Wanted.seen["attempt"], Wanted.seen["previous_details"]) == (2, {"copied": 5})
    assert Wanted.seen["previous"][0].reason == "no"


def test_the_timeouts_in_force_rule(case: AttemptsCase) -> None:
    """Those of the task, not of the type: remaining, the deadline, heartbeats and the answer."""
    case.schedule(
        heartbeatTimeout="12", startToCloseTimeout="100", scheduleToCloseTimeout="70",
        scheduleToStartTimeout="60", control="for the decider",
    )  # fmt: skip
    case.swf.clock.turn(20)
    run = case.task_run(Wanted)
    run.run()
    info = Wanted.seen["info"]
    assert (info.heartbeat, info.start_to_close) == (12, 100)
    assert (info.schedule_to_close, info.schedule_to_start) == (70, 60)
    assert info.control == "for the decider"
    assert info.started_at - info.scheduled_at == pytest.approx(20, abs=1)
    assert Wanted.seen["deadline"] == pytest.approx(info.scheduled_at + 70, abs=0.01)
    assert Wanted.seen["remaining"] == pytest.approx(50, abs=1)
    (waited,) = case.told.waits
    assert waited.seconds == pytest.approx(20, abs=1)
    assert waited.info == info
    assert case.told.ends[0].info == info


def test_a_heartbeat_gives_up_by_the_timeout_in_force(case: AttemptsCase) -> None:
    """Declared are 30 seconds, in force 12."""

    @activity(**DECLARED, history="wanted")
    class Beats(Activity):
        went_on: ClassVar[list[bool]] = []

        def run(self) -> None:
            case.swf.faults.fail("RecordActivityTaskHeartbeat", count=1000)
            for _ in range(2):
                case.clock.time += 7
                self.went_on.append(self.heartbeat())

    case.schedule(heartbeatTimeout="12")
    case.task_run(Beats).run()
    assert Beats.went_on == [True, False]


def test_the_answer_is_tried_until_the_task_times_out(case: AttemptsCase) -> None:
    """SWF says that it has 60 s, so the answer is given up soon after them, not after 300."""
    case.schedule(startToCloseTimeout="60")
    run = case.task_run(Wanted)
    case.swf.faults.throttle("RespondActivityTaskCompleted", count=1000)
    began = case.clock.now()
    run.run()
    assert run.outcome is TaskOutcome.UNANSWERED
    assert 60 <= case.clock.now() - began <= 70


def test_tasks_of_one_execution_share_a_read(case: AttemptsCase) -> None:
    """Those that had started before it: what came before them is in it."""
    worker = case.worker(Wanted)
    case.shop.decide("order-1", *(scheduled(each, input="[[], {}]") for each in "abc"))
    runs = [TaskRun(worker, case.take()) for _ in "abc"]
    for run in runs:
        run.run()
        assert Wanted.seen["attempt"] == 1
    assert case.layer1.reads == 1


def test_asked_by_the_activity_itself(case: AttemptsCase) -> None:
    """One call, however often it asks; from then on the timeouts in force rule."""

    @activity(**DECLARED)
    class Asks(Activity):
        seen: ClassVar[list[Any]] = []

        def run(self) -> None:
            self.seen.append((self.attempt, self.remaining()))
            known = self.history()
            assert self.history() is known
            self.seen.append((self.attempt, self.remaining()))
            self.seen.append((known.attempt, known.previous_details))

    case.lose(details="half")
    case.schedule(startToCloseTimeout="50")
    case.task_run(Asks).run()
    before, after, known = Asks.seen
    assert before == (None, None)
    assert after[0] == 2
    assert after[1] == pytest.approx(50, abs=1)
    assert known == (2, "half")
    assert case.layer1.reads == 1


def test_asked_in_vain(case: AttemptsCase) -> None:
    """An error of its own, which says why."""

    @activity(**DECLARED)
    class Asks(Activity):
        def run(self) -> str:
            with pytest.raises(HistoryError, match="ThrottlingException"):
                self.history()
            return "done"

    case.schedule()
    run = case.task_run(Asks)
    case.swf.faults.throttle("GetWorkflowExecutionHistory", count=1000)
    run.run()
    assert run.outcome is TaskOutcome.COMPLETED


def test_a_rule_of_its_own(case: AttemptsCase) -> None:
    """What the decider leaves in `control` may say what is the same work."""

    @activity(
        **DECLARED, history="needed", same_as=lambda this, earlier: this.control == earlier.control
    )
    class Ruled(Knows):
        """Knows its attempts by `control`."""

    case.lose("a", "one", control="first")
    case.lose("b", "two", control="second")
    case.schedule("c", control="first")
    case.task_run(Ruled).run()
    assert (Ruled.seen["attempt"], Ruled.seen["previous_details"]) == (2, "one")


def test_details_are_flushed_before_a_failure(case: AttemptsCase) -> None:
    """The newest ones, which had not been sent: the failure may be lost."""

    @activity(**DECLARED, history="wanted")
    class Fails(Activity):
        def run(self) -> None:
            self.progress("newest")
            case.swf.faults.throttle("RespondActivityTaskFailed", count=10_000)
            raise ValueError("no")

    case.schedule(startToCloseTimeout="60")
    case.task_run(Fails).run()
    case.swf.clock.turn(61)
    case.run(Wanted)
    assert Wanted.seen["previous_details"] == "newest"
