"""Faults on request, the throttle, and the quotas."""

from __future__ import annotations

import json
import select
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from flowy.local import LocalSWF
from flowy.local.clock import Clock
from flowy.local.faults import Faults
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
    """The client sees a closed connection, SWF has acted: the repeated call is refused."""
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
    """The client sees the same, but nothing was done: the repeated call does it."""
    work = Work(faulty)
    work.start()
    work.schedule("a")
    token = work.poll_activity()["taskToken"]
    faulty.faults.break_connection("RespondActivityTaskCompleted")
    with pytest.raises(ConnectionClosedError):
        work.client.respond_activity_task_completed(taskToken=token)
    work.client.respond_activity_task_completed(taskToken=token)


def test_a_task_is_lost_on_its_way(faulty: LocalSWF) -> None:
    """The task is started and nobody has it; empty polls are let alone."""
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
    """Each is answered in SWF's form, and the call was not made."""
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


def test_botocore_repeats_what_it_should(faulty: LocalSWF) -> None:
    """A client with several attempts gets through: the faults look as SWF's do."""
    client = faulty.client(retries={"mode": "standard", "total_max_attempts": 4})
    faults = [
        faulty.faults.throttle("ListDomains"),
        faulty.faults.fail("ListDomains"),
        faulty.faults.drop_answer("ListDomains"),
    ]
    assert client.list_domains(registrationStatus="REGISTERED")["domainInfos"]
    assert [fault.happened for fault in faults] == [1, 1, 1]


def test_faults_hit_what_was_asked_for(faulty: LocalSWF) -> None:
    """Only the actions that were named, so often as was asked, until they are cleared."""
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
    """A share of the calls is hit, the same ones for the same seed, at most count of them."""

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
def test_a_fault_that_never_could_be(kind: str, actions: list[str], how: dict[str, Any]) -> None:
    """A fault that would hit nothing is refused when it is asked for."""
    with pytest.raises(ValueError, match=r"Dance|ListDomains|rate|count"):
        getattr(Faults(), kind)(*actions, **how)


@pytest.mark.parametrize("lose", [False, True])
def test_who_has_gone_gets_a_task_when_asked_for(lose: bool) -> None:
    """lose_to_gone_pollers=True is SWF's own behaviour: the task hangs until a timeout."""
    with LocalSWF(poll_seconds=3, lose_to_gone_pollers=lose) as swf:
        work = Work(swf)
        execution = work.start()
        decision = work.poll_decision()
        wire = Wire(swf)
        wire.send("PollForActivityTask", '{"domain": "local", "taskList": {"name": "tasks"}}')
        # Once this is answered the poll above has long been read.
        work.client.count_pending_activity_tasks(domain="local", taskList=work.task_list)
        wire.connection.close()
        work.client.respond_decision_task_completed(
            taskToken=decision["taskToken"], decisions=[work.schedule_decision("a")]
        )
        task = work.poll_activity()
        assert bool(task["taskToken"]) is not lose
        assert work.event_types(execution)[-1] == "ActivityTaskStarted"


def test_a_bucket_runs_dry_and_fills_again() -> None:
    """So many calls at once, then so many a second, by SWF's clock."""
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
        # Other actions have their own buckets, here none.
        swf.client().describe_domain(name="local")


def test_awss_buckets() -> None:
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
def test_a_bucket_that_is_none(buckets: dict[str, tuple[float, float]]) -> None:
    """An unknown action or an empty bucket is refused at once."""
    with pytest.raises(ValueError, match="Cannot throttle"):
        LocalSWF(throttle=buckets)


def test_decisions_have_buckets() -> None:
    """A decision too many fails with its cause; the others of its list are carried out."""
    with LocalSWF(
        poll_seconds=0, throttle={"ScheduleActivityTask": (2, 1), "StartTimer": (1, 1)}
    ) as swf:
        swf.clock.hold()
        work = Work(swf)
        execution = work.start()
        timers = [
            {
                "decisionType": "StartTimer",
                "startTimerDecisionAttributes": {"timerId": each, "startToFireTimeout": "60"},
            }
            for each in "ab"
        ]
        work.decide(*(work.schedule_decision(each) for each in "abc"), *timers)
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
    """So many calls about one execution, then ThrottlingException; others are open."""
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


def test_a_task_list_takes_so_many_tasks_a_second() -> None:
    """2,000 on one list; another has its own bucket."""
    clock = Clock()
    clock.hold()
    throttle = Throttle(True, clock)
    assert sum(throttle.admits_on("domain", "list") for _ in range(3000)) == 2000
    assert throttle.admits_on("domain", "other")
    clock.turn(0.5)
    assert sum(throttle.admits_on("domain", "list") for _ in range(3000)) == 1000


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


def test_buckets_that_are_full_again_are_thrown_away() -> None:
    """Executions and task lists come and go by the thousand; one that is drained is kept."""
    clock = Clock()
    clock.hold()
    throttle = Throttle(True, clock)
    while throttle.admits("DeprecateDomain"):
        pass
    for number in range(10_240):
        assert throttle.admits_on("domain", str(number))
        clock.turn(1 / 1024)
    assert len(throttle._levels) < 2000
    assert sum(throttle.admits("DeprecateDomain") for _ in range(100)) == 60


def test_every_action_has_a_bucket() -> None:
    """The table of quotas names every action that botocore knows."""
    from botocore.loaders import Loader

    operations = Loader().load_service_model("swf", "service-2")["operations"]
    assert set(operations) <= set(AWS_BUCKETS)


def test_quotas() -> None:
    """Open activity tasks, open timers, and the length of a history have an end."""
    quotas = Quotas(open_activity_tasks=2, open_timers=1, events=40)
    with LocalSWF(poll_seconds=0, quotas=quotas) as swf:
        work = Work(swf)
        execution = work.start()
        timers = [
            {
                "decisionType": "StartTimer",
                "startTimerDecisionAttributes": {"timerId": each, "startToFireTimeout": "1"},
            }
            for each in "ab"
        ]
        work.decide(*(work.schedule_decision(each) for each in "abc"), *timers)
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


def test_a_task_list_has_so_many_pollers() -> None:
    """One poller more than may wait gets LimitExceededFault; other lists are open."""
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
