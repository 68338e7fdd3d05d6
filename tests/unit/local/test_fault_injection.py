"""Faults on request, throttles and quotas."""

from __future__ import annotations

import json
import select
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from flowy.local import LocalSWF
from flowy.local.clock import Clock
from flowy.local.fault_injection import Faults
from flowy.local.quotas import AWS_BUCKETS, WORKFLOW_BUCKETS, Quotas
from flowy.local.throttle import Throttle
from tests.unit.local.conftest import Wire, Work


@pytest.fixture
def faulty() -> Iterator[LocalSWF]:
    """A local SWF that answers an empty poll at once."""
    with LocalSWF(poll_seconds=0) as swf:
        yield swf


def code_of(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return caught.value.response["Error"]["Code"]


def list_domains(swf: LocalSWF) -> list[str]:
    answer = swf.client().list_domains(registrationStatus="REGISTERED")
    return [info["name"] for info in answer["domainInfos"]]


def test_an_answer_is_dropped_after_the_act(faulty: LocalSWF) -> None:
    """The connection closes although SWF has acted, so the repeated call is refused."""
    work = Work(faulty)
    execution = work.start()
    work.schedule("a")
    token = work.poll_activity()["taskToken"]
    fault = faulty.faults.drop_answer("RespondActivityTaskCompleted")
    with pytest.raises(ConnectionClosedError):
        work.client.respond_activity_task_completed(taskToken=token, result="7")
    assert fault.happened == 1
    assert "ActivityTaskCompleted" in work.event_types(execution)
    with pytest.raises(work.client.exceptions.UnknownResourceFault):
        work.client.respond_activity_task_completed(taskToken=token, result="7")


def test_a_connection_breaks_before_the_act(faulty: LocalSWF) -> None:
    """The connection closes before SWF acts, so the repeated call succeeds."""
    work = Work(faulty)
    work.start()
    work.schedule("a")
    token = work.poll_activity()["taskToken"]
    faulty.faults.break_connection("RespondActivityTaskCompleted")
    with pytest.raises(ConnectionClosedError):
        work.client.respond_activity_task_completed(taskToken=token)
    work.client.respond_activity_task_completed(taskToken=token)


def test_a_task_is_lost(faulty: LocalSWF) -> None:
    """A lost task is started, but no poller has it; empty polls are not hit."""
    fault = faulty.faults.lose_task("PollForActivityTask")
    work = Work(faulty)
    assert not work.poll_activity()["taskToken"]
    assert fault.happened == 0
    execution = work.start()
    work.schedule("a", "b")
    with pytest.raises(ConnectionClosedError):
        work.poll_activity()
    assert fault.happened == 1
    assert work.event_types(execution)[-1] == "ActivityTaskStarted"
    assert work.poll_activity()["activityId"] == "b"


def test_a_throttle_and_a_500_do_nothing(faulty: LocalSWF) -> None:
    """A throttled and a failed call are answered as by SWF, and nothing is done."""
    client = faulty.client()
    faulty.faults.throttle("RegisterDomain")
    with pytest.raises(ClientError) as caught:
        client.register_domain(name="d", workflowExecutionRetentionPeriodInDays="1")
    assert code_of(caught) == "ThrottlingException"
    faulty.faults.fail("RegisterDomain")
    with pytest.raises(ClientError) as caught:
        client.register_domain(name="d", workflowExecutionRetentionPeriodInDays="1")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert list_domains(faulty) == ["local"]


def test_botocore_retries_the_faults(faulty: LocalSWF) -> None:
    """A client with several attempts succeeds, because the faults look like SWF's."""
    client = faulty.client(retries={"mode": "standard", "total_max_attempts": 4})
    faults = [
        faulty.faults.throttle("ListDomains"),
        faulty.faults.fail("ListDomains"),
        faulty.faults.drop_answer("ListDomains"),
    ]
    assert client.list_domains(registrationStatus="REGISTERED")["domainInfos"]
    assert [fault.happened for fault in faults] == [1, 1, 1]


def test_faults_hit_what_was_asked_for(faulty: LocalSWF) -> None:
    """A fault hits the named actions only, as often as requested, until clear()."""
    work = Work(faulty)
    fault = faulty.faults.fail("ListDomains", "DescribeDomain", count=2)
    work.poll_activity()
    for _ in range(2):
        with pytest.raises(ClientError):
            list_domains(faulty)
    assert list_domains(faulty) == ["local"]
    assert fault.happened == 2
    assert "2 happened, 0 to come" in repr(fault)
    faulty.faults.throttle(count=100)
    faulty.faults.clear()
    assert list_domains(faulty) == ["local"]


def test_a_rate_is_repeatable() -> None:
    """A rate hits a share of the calls, the same ones for the same seed, at most count."""

    def hits(**how: Any) -> list[bool]:
        faults = Faults()
        faults.fail(**how)
        return [not faults.before("ListDomains")[0] for _ in range(1000)]

    first = hits(rate=0.1, seed=1)
    assert first == hits(rate=0.1, seed=1)
    assert first != hits(rate=0.1, seed=2)
    assert 60 < sum(first) < 140
    assert sum(hits(rate=0.1, count=5)) == 5
    assert sum(hits(rate=1)) == 1000
    assert sum(hits()) == 1


@pytest.mark.parametrize(
    ("kind", "actions", "how"),
    [
        ("fail", ["Dance"], {}),
        ("lose_task", ["ListDomains"], {}),
        ("throttle", [], {"rate": 0}),
        ("throttle", [], {"rate": 1.5}),
        ("drop_answer", [], {"count": -1}),
    ],
)
def test_an_impossible_fault_is_refused(kind: str, actions: list[str], how: dict[str, Any]) -> None:
    """A fault that would hit nothing is refused when it is asked for."""
    with pytest.raises(ValueError, match=r"Dance|ListDomains|rate|count"):
        getattr(Faults(), kind)(*actions, **how)


@pytest.mark.parametrize("lose", [False, True])
def test_a_gone_poller_gets_a_task_on_request(lose: bool) -> None:
    """lose_to_gone_pollers=True behaves like SWF: the task is lost until a timeout."""
    with LocalSWF(poll_seconds=3, lose_to_gone_pollers=lose) as swf:
        work = Work(swf)
        execution = work.start()
        decision = work.poll_decision()
        wire = Wire(swf)
        wire.send("PollForActivityTask", '{"domain": "local", "taskList": {"name": "tasks"}}')
        # When this call is answered, the poll above has been received.
        work.client.count_pending_activity_tasks(domain="local", taskList=work.task_list)
        wire.connection.close()
        work.client.respond_decision_task_completed(
            taskToken=decision["taskToken"], decisions=[work.schedule_decision("a")]
        )
        task = work.poll_activity()
        assert bool(task["taskToken"]) is not lose
        assert work.event_types(execution)[-1] == "ActivityTaskStarted"


def test_a_bucket_empties_and_refills() -> None:
    """A bucket of (3, 0.5) admits 3 calls at once, then one each 2 s by SWF's clock."""
    with LocalSWF(throttle={"ListDomains": (3, 0.5)}) as swf:
        swf.clock.hold()
        for _ in range(3):
            list_domains(swf)
        with pytest.raises(ClientError) as caught:
            list_domains(swf)
        assert code_of(caught) == "ThrottlingException"
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
        swf.clock.turn(2)
        list_domains(swf)
        with pytest.raises(ClientError):
            list_domains(swf)
        # Other actions have no bucket here.
        swf.client().describe_domain(name="local")


def test_the_buckets_of_aws() -> None:
    """throttle=True takes AWS's sizes: 100 ListDomains at once, 6 a second after."""
    clock = Clock()
    clock.hold()
    throttle = Throttle(True, clock)
    assert sum(throttle.admits("ListDomains") for _ in range(200)) == 100
    clock.turn(10)
    assert sum(throttle.admits("ListDomains") for _ in range(200)) == 60
    clock.turn(10_000)
    assert sum(throttle.admits("ListDomains") for _ in range(200)) == 100
    assert all(Throttle(False, clock).admits("ListDomains") for _ in range(10_000))
    assert AWS_BUCKETS["RecordActivityTaskHeartbeat"] == (2000, 160)


@pytest.mark.parametrize(
    "buckets", [{"Dance": (1, 1)}, {"ListDomains": (0, 1)}, {"ListDomains": (1, -1)}]
)
def test_an_impossible_bucket_is_refused(buckets: dict[str, tuple[float, float]]) -> None:
    """An unknown action or an empty bucket is refused at once."""
    with pytest.raises(ValueError, match="Cannot throttle"):
        LocalSWF(throttle=buckets)


def decide_three_and_two(work: Work) -> None:
    """Schedule three activities, and start two timers."""
    timers = [
        {
            "decisionType": "StartTimer",
            "startTimerDecisionAttributes": {"timerId": each, "startToFireTimeout": "60"},
        }
        for each in "ab"
    ]
    work.decide(*(work.schedule_decision(each) for each in "abc"), *timers)


def test_decisions_have_buckets() -> None:
    """A throttled decision fails with its cause; the others of its list are carried out."""
    with LocalSWF(
        poll_seconds=0, throttle={"ScheduleActivityTask": (2, 1), "StartTimer": (1, 1)}
    ) as swf:
        swf.clock.hold()
        work = Work(swf)
        execution = work.start()
        decide_three_and_two(work)
        failed = {event["eventType"]: event for event in work.events(execution)}
        scheduled = failed["ScheduleActivityTaskFailed"]
        attributes = scheduled["scheduleActivityTaskFailedEventAttributes"]
        assert (attributes["activityId"], attributes["cause"]) == (
            "c",
            "ACTIVITY_CREATION_RATE_EXCEEDED",
        )
        timer = failed["StartTimerFailed"]["startTimerFailedEventAttributes"]
        assert (timer["timerId"], timer["cause"]) == ("b", "TIMER_CREATION_RATE_EXCEEDED")
        swf.clock.turn(1)
        work.schedule("c")
        assert work.event_types(execution)[-1] == "ActivityTaskScheduled"


@pytest.mark.parametrize("action", sorted(WORKFLOW_BUCKETS))
def test_an_execution_has_buckets_of_its_own(action: str) -> None:
    """Too many calls about one execution are throttled; calls about another are not."""
    size, per_second = WORKFLOW_BUCKETS[action]
    with LocalSWF(poll_seconds=0, throttle=True) as swf:
        swf.clock.hold()
        work = Work(swf)
        work.start("first")
        work.start("second")
        bodies = []
        for _ in range(2):
            decision = work.poll_decision()
            work.client.respond_decision_task_completed(
                taskToken=decision["taskToken"], decisions=[work.schedule_decision("a")]
            )
            task = work.poll_activity()
            run = decision["workflowExecution"]
            bodies.append(
                {
                    "GetWorkflowExecutionHistory": {"domain": "local", "execution": run},
                    "RecordActivityTaskHeartbeat": {"taskToken": task["taskToken"]},
                    "RequestCancelWorkflowExecution": {"domain": "local", **run},
                    "SignalWorkflowExecution": {"domain": "local", "signalName": "s", **run},
                }[action]
            )

        def call(body: Any) -> str:
            assert swf._service is not None
            return swf._service.answer(action, json.dumps(body).encode(), lambda: False)[1]

        assert not any("Throttling" in call(bodies[0]) for _ in range(int(size)))
        assert "ThrottlingException" in call(bodies[0])
        assert "ThrottlingException" not in call(bodies[1])
        swf.clock.turn(2 / per_second)
        assert "ThrottlingException" not in call(bodies[0])


def test_a_task_list_has_a_bucket_of_its_own() -> None:
    """One task list admits 2,000 tasks a second; another list has its own bucket."""
    clock = Clock()
    clock.hold()
    throttle = Throttle(True, clock)
    assert sum(throttle.admits_on_task_list("domain", "list") for _ in range(3000)) == 2000
    assert throttle.admits_on_task_list("domain", "other")
    clock.turn(0.5)
    assert sum(throttle.admits_on_task_list("domain", "list") for _ in range(3000)) == 1000


def test_there_is_no_lambda(faulty: LocalSWF) -> None:
    """A Lambda task fails with SWF's own cause, and the decider is told."""
    work = Work(faulty)
    execution = work.start()
    task = {"id": "1", "name": "function"}
    work.decide(
        {
            "decisionType": "ScheduleLambdaFunction",
            "scheduleLambdaFunctionDecisionAttributes": task,
        }
    )
    failed = work.events(execution)[-2]["scheduleLambdaFunctionFailedEventAttributes"]
    assert failed["cause"] == "LAMBDA_SERVICE_NOT_AVAILABLE_IN_REGION"
    assert (failed["id"], failed["name"]) == ("1", "function")
    assert work.poll_decision()["taskToken"]


def test_full_buckets_are_dropped() -> None:
    """The full buckets of thousands of task lists are dropped; a drained bucket is kept."""
    clock = Clock()
    clock.hold()
    throttle = Throttle(True, clock)
    while throttle.admits("DeprecateDomain"):
        pass
    for number in range(10_240):
        assert throttle.admits_on_task_list("domain", str(number))
        clock.turn(1 / 1024)
    assert len(throttle._levels) < 2000
    assert sum(throttle.admits("DeprecateDomain") for _ in range(100)) == 60


def test_every_action_has_a_bucket() -> None:
    """The table of quotas names every action that botocore knows."""
    from botocore.loaders import Loader

    operations = Loader().load_service_model("swf", "service-2")["operations"]
    assert set(operations) <= set(AWS_BUCKETS)


def test_quotas() -> None:
    """Open activity tasks, open timers and the length of a history are limited."""
    quotas = Quotas(open_activity_tasks=2, open_timers=1, events=40)
    with LocalSWF(poll_seconds=0, quotas=quotas) as swf:
        work = Work(swf)
        execution = work.start()
        decide_three_and_two(work)
        events = work.events(execution)
        failed = {event["eventType"]: event for event in events}
        scheduled = failed["ScheduleActivityTaskFailed"]
        attributes = scheduled["scheduleActivityTaskFailedEventAttributes"]
        assert attributes["cause"] == "OPEN_ACTIVITIES_LIMIT_EXCEEDED"
        timer = failed["StartTimerFailed"]["startTimerFailedEventAttributes"]
        assert timer["cause"] == "OPEN_TIMERS_LIMIT_EXCEEDED"
        for _ in range(40):
            if work.event_types(execution)[-1] == "WorkflowExecutionTerminated":
                break
            work.client.signal_workflow_execution(
                domain="local", workflowId="flow", signalName="s", input="i"
            )
        last = work.events(execution)[-1]["workflowExecutionTerminatedEventAttributes"]
        assert last["cause"] == "EVENT_LIMIT_EXCEEDED"


def test_a_task_list_has_a_limit_of_pollers() -> None:
    """One poller too many gets LimitExceededFault; other task lists accept pollers."""
    with LocalSWF(poll_seconds=20, quotas=Quotas(pollers=2)) as swf:
        work = Work(swf)
        wires = [Wire(swf) for _ in range(3)]
        body = '{"domain": "local", "taskList": {"name": "full"}}'
        for wire in wires:
            wire.send("PollForActivityTask", body)
        refused = _first_answer(wires)
        assert refused[0] == 400
        assert "LimitExceededFault" in refused[1]["__type"]
        assert "full" in refused[1]["message"]
        work.start()
        assert work.poll_decision()["taskToken"]
        for wire in wires:
            wire.connection.close()


def _first_answer(wires: list[Wire]) -> tuple[int, dict[str, Any], dict[str, str]]:
    ready, _, _ = select.select([wire.connection.sock for wire in wires], [], [], 10)
    return next(wire.receive() for wire in wires if wire.connection.sock in ready)
