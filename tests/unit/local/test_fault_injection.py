"""Faults on request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from flowy.local import LocalSWF
from flowy.local.fault_injection import Faults
from tests.overview import wait_for_polls
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
    with LocalSWF(poll_seconds=3, lose_to_gone_pollers=lose, page_port=0) as swf:
        work = Work(swf)
        execution = work.start()
        decision = work.poll_decision()
        wire = Wire(swf)
        wire.send("PollForActivityTask", '{"domain": "local", "taskList": {"name": "tasks"}}')
        wait_for_polls(swf, 1)
        wire.connection.close()
        work.client.respond_decision_task_completed(
            taskToken=decision["taskToken"], decisions=[work.schedule_decision("a")]
        )
        task = work.poll_activity()
        assert bool(task["taskToken"]) is not lose
        assert work.event_types(execution)[-1] == "ActivityTaskStarted"


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
