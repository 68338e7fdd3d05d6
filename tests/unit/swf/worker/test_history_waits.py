"""How the wait for a history ends: in time, and when the task ends meanwhile."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from flowy import activity, reasons
from flowy.concurrency.event_loop import CALL_THREADS
from flowy.concurrency.stop import StopLevel
from flowy.invocation import TaskOutcome, TaskStatus
from flowy.local import LocalSWF
from flowy.observer import Observer, StatusChanged
from flowy.swf.client import SWFClient
from flowy.swf.history import activity_records
from flowy.swf.scanner import declared_by
from flowy.swf.worker import ActivityWorker, StopReport
from flowy.swf.worker.task_run import TaskRun
from flowy.task import Activity, AsyncActivity
from tests.patience import PATIENCE_SECONDS, until
from tests.unit.shop import DOMAIN, scheduled
from tests.unit.stand_ins import fault
from tests.unit.swf.worker.attempts_case import DECLARED, AttemptsCase, open_case


class Asks(Activity):
    """Keeps that it ran."""

    ran: ClassVar[list[str]] = []

    def run(self) -> None:
        """Keep it."""
        self.ran.append(type(self).__name__)


class Wanted(Asks):
    """Asks for its history."""


class Needed(Asks):
    """Cannot do without."""


activity(**DECLARED, history="wanted")(Wanted)
activity(**DECLARED, history="needed")(Needed)


@pytest.fixture
def case(local_swf: LocalSWF) -> Iterator[AttemptsCase]:
    """An execution on a local SWF of its own."""
    Asks.ran.clear()
    with open_case() as case:
        yield case


def throttled(case: AttemptsCase, served: type[Activity]) -> TaskRun:
    """Schedule and take a task whose history cannot be had."""
    case.schedule()
    run = case.task_run(served)
    case.swf.faults.throttle("GetWorkflowExecutionHistory", count=10_000)
    return run


def request_cancel(case: AttemptsCase) -> None:
    """Let the decider request the cancellation of the task."""
    case.shop.boto3.signal_workflow_execution(
        domain=DOMAIN, workflowId="order-1", signalName="decide"
    )
    about = {"requestCancelActivityTaskDecisionAttributes": {"activityId": "1"}}
    case.shop.decide("order-1", {"decisionType": "RequestCancelActivityTask", **about})


def learn(case: AttemptsCase, run: TaskRun, status: TaskStatus) -> None:
    """Let a heartbeat bring a status."""
    if status is TaskStatus.CLOSED:
        run.status.closed()
    elif status is TaskStatus.LOST:
        run.status.lost()
    elif run.status.current is TaskStatus.ACTIVE:
        request_cancel(case)
        run.heartbeats.send()


@pytest.mark.parametrize(
    ("limits", "longest"),
    [
        ({"schedule_to_close": 60}, 30),
        ({"start_to_close": 60}, 30),
        ({"schedule_to_close": 40, "start_to_close": 40}, 20),
        ({"schedule_to_close": 3600, "start_to_close": 80}, 40),
    ],
)
def test_needed_fails_before_it_times_out(
    case: AttemptsCase, limits: dict[str, int], longest: float
) -> None:
    """By whichever declared timeout comes first, half of its time is left for the answer."""

    @activity(**{**DECLARED, **limits}, history="needed")
    class Limited(Asks):
        """Cannot do without."""

    run = throttled(case, Limited)
    began = case.clock.now()
    run.run()
    assert run.outcome is TaskOutcome.FAILED
    assert longest - 10 <= case.clock.now() - began <= longest
    assert str(run.responder.reason).startswith(reasons.HISTORY_UNAVAILABLE)


@pytest.mark.parametrize(("seconds", "deadline"), [(None, 30), (600, 30), (60, 15), (8, 2)])
def test_a_call_that_hangs_leaves_time(
    case: AttemptsCase, seconds: int | None, deadline: float
) -> None:
    """Two pages may hang, one after the other."""

    @activity(**{**DECLARED, "start_to_close": seconds, "heartbeat": 5}, history="wanted")
    class Limited(Asks):
        """Asks for its history."""

    asked: list[float] = []

    class Client(SWFClient):
        """Keeps how long each of its pages may take."""

        def newest_events(self, *which: Any, **options: Any) -> Iterator[dict[str, Any]]:
            asked.append(options["deadline_seconds"])
            return super().newest_events(*which, **options)

    case.schedule()
    run = case.task_run(Limited, client=Client(case.layer1, case.layer1))
    run.run()
    assert asked == pytest.approx([deadline], abs=1)
    assert run.outcome is TaskOutcome.COMPLETED


ENDS = {
    TaskStatus.CLOSED: TaskOutcome.CLOSED,
    TaskStatus.CANCEL_REQUESTED: TaskOutcome.CANCELED,
    TaskStatus.LOST: TaskOutcome.FAILED,
}


@pytest.mark.parametrize("status", ENDS)
@pytest.mark.parametrize("served", [Wanted, Needed])
@pytest.mark.parametrize("how", ["in vain", "at last", "at once"])
def test_a_task_that_must_end_does_not_run(
    case: AttemptsCase, status: TaskStatus, served: type[Activity], how: str
) -> None:
    """A heartbeat learns it while the history is read: the task ends as its run would."""
    case.schedule()
    run = case.task_run(served)
    case.layer1.on_history = lambda number: learn(case, run, status)
    if how != "at once":
        case.swf.faults.throttle("GetWorkflowExecutionHistory", count=1 if how == "at last" else 99)
    run.run()
    assert (run.outcome, Asks.ran) == (ENDS[status], [])
    if status is TaskStatus.LOST:
        assert str(run.responder.reason).startswith(reasons.HEARTBEAT_LOST)
    assert len(case.clock.waits) <= 1


# Coroutines, in a worker


class Later(AsyncActivity):
    """Keeps that it ran."""

    async def run(self) -> None:
        """Keep it."""
        Asks.ran.append("later")


class WantedLater(Later):
    """Asks for its history."""


class NeededLater(Later):
    """Cannot do without."""


activity(**DECLARED, history="wanted", auto_heartbeat=0.02)(WantedLater)
activity(**DECLARED, history="needed", auto_heartbeat=0.02)(NeededLater)


class News(Observer):
    """Lets a test wait until a heartbeat has brought news."""

    def __init__(self) -> None:
        self.came = threading.Event()

    def status_changed(self, event: StatusChanged) -> None:
        """Let it go on."""
        self.came.set()


class Serving:
    """A worker that runs coroutines of a case, in a thread of its own."""

    def __init__(self, case: AttemptsCase, served: type[Activity], **options: Any) -> None:
        client = SWFClient(case.layer1, case.layer1)
        found = declared_by([served])
        self.worker = ActivityWorker(
            client, DOMAIN, "work", found, signals=False, **{"loop": 1, "concurrency": 2, **options}
        )
        self.reports: list[StopReport] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def report(self) -> StopReport:
        """Wait for its end."""
        self._thread.join(PATIENCE_SECONDS)
        return self.reports[0]

    def _run(self) -> None:
        self.reports.append(self.worker.run())


def throttle(number: int) -> None:
    """Answer a call for a history."""
    raise fault("ThrottlingException", operation="GetWorkflowExecutionHistory")


@pytest.mark.parametrize("served", [WantedLater, NeededLater])
@pytest.mark.parametrize("how", ["waits", "reads"])
def test_a_coroutine_is_canceled_while_it_waits(
    case: AttemptsCase, served: type[Activity], how: str
) -> None:
    """The decider requests it, a heartbeat brings it, and SWF has the answer."""
    news = News()

    def cancel(number: int) -> None:
        if number == 1:
            request_cancel(case)
        if number == 2 or how == "reads":
            assert news.came.wait(PATIENCE_SECONDS)
        if how == "waits":
            throttle(number)

    case.layer1.on_history = cancel
    case.schedule()
    report = Serving(case, served, observers=[news]).report()
    assert (report.canceled, Asks.ran) == (1, [])
    (record,) = activity_records(case.events)
    assert record.outcome is TaskOutcome.CANCELED


@pytest.mark.parametrize("served", [WantedLater, NeededLater])
def test_a_coroutine_is_stopped_while_it_waits(case: AttemptsCase, served: type[Activity]) -> None:
    """It does not run; by the stop's policy SWF has a failure."""
    asked = threading.Event()

    def throttled(number: int) -> None:
        asked.set()
        throttle(number)

    case.layer1.on_history = throttled
    case.schedule()
    serving = Serving(case, served, on_stop="fail")
    assert asked.wait(PATIENCE_SECONDS)
    serving.worker.stop(StopLevel.CANCEL)
    assert len(serving.report().failed_by_stop) == 1
    assert Asks.ran == []
    (record,) = activity_records(case.events)
    assert record.reason.startswith(reasons.WORKER_STOPPED)


def test_histories_that_hang_keep_nobody_from_heartbeats(case: AttemptsCase) -> None:
    """More coroutines read than there are threads; another one beats, and is answered for."""
    beats = threading.Event()

    @activity(**DECLARED)
    class Reads(AsyncActivity):
        async def run(self, reads: bool) -> None:
            if reads:
                await self.history()
            elif await self.heartbeat():
                until(lambda: case.layer1.reads >= CALL_THREADS)
                beats.set()

    def hang(number: int) -> None:
        assert beats.wait(PATIENCE_SECONDS)

    case.layer1.on_history = hang
    each = [(str(number), number < CALL_THREADS + 2) for number in range(CALL_THREADS + 3)]
    tasks = (scheduled(name, input=f"[[{json.dumps(reads)}], {{}}]") for name, reads in each)
    case.shop.decide("order-1", *tasks)
    options = {"loop": len(each), "concurrency": len(each), "history_rate": 100.0}
    assert Serving(case, Reads, **options).report().completed == len(each)
    assert beats.is_set()
