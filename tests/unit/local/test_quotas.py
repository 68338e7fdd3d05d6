"""Quotas: buckets by which calls are throttled, and how much may be open."""

from __future__ import annotations

import json
import select
from typing import Any

import pytest
from botocore.exceptions import ClientError

from flowy.local import LocalSWF
from flowy.local.clock import Clock
from flowy.local.quotas import AWS_BUCKETS, WORKFLOW_BUCKETS, Quotas
from flowy.local.throttle import Throttle
from tests.unit.local.conftest import Wire, Work


def code_of(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return caught.value.response["Error"]["Code"]


def list_domains(swf: LocalSWF) -> list[str]:
    answer = swf.client().list_domains(registrationStatus="REGISTERED")
    return [info["name"] for info in answer["domainInfos"]]


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
