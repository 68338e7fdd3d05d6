"""What may be a name, and what may be a duration."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.flows import SHARED_DOMAIN, have_domain

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from tests.contract.flows import Flow, Starter

#: What no name may be: the characters and the one word that SWF keeps for itself.
BAD = ["a:b", "a/b", "a|b", "a\u0000b", "a\nb", "a\u007fb", "a\u009fb", "arn"]

Call = Callable[["SWFClient", str, str], object]

ACTIVITY_NAME: Call = lambda client, domain, name: client.register_activity_type(  # noqa: E731
    domain=domain, name=name, version="1"
)
ACTIVITY_VERSION: Call = lambda client, domain, name: client.register_activity_type(  # noqa: E731
    domain=domain, name="a", version=name
)
WORKFLOW_NAME: Call = lambda client, domain, name: client.register_workflow_type(  # noqa: E731
    domain=domain, name=name, version="1"
)
ACTIVITY_POLL: Call = lambda client, domain, name: client.poll_for_activity_task(  # noqa: E731
    domain=domain, taskList={"name": name}
)
DECISION_POLL: Call = lambda client, domain, name: client.poll_for_decision_task(  # noqa: E731
    domain=domain, taskList={"name": name}
)
NEW_DOMAIN: Call = lambda client, domain, name: client.register_domain(  # noqa: E731
    name=name, workflowExecutionRetentionPeriodInDays="1"
)
NAMED: dict[str, Call] = {
    "activity name": ACTIVITY_NAME,
    "activity version": ACTIVITY_VERSION,
    "workflow name": WORKFLOW_NAME,
    "activity task list": ACTIVITY_POLL,
    "decision task list": DECISION_POLL,
    "domain": NEW_DOMAIN,
}


@pytest.mark.moto_gap("no rules for names")
@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("call", NAMED)
def test_a_name_has_rules(swf_client: SWFClient, domain: str, call: str, name: str) -> None:
    """No colon, slash, bar or control character, and not the word arn."""
    with pytest.raises(ClientError) as caught:
        NAMED[call](swf_client, domain, name)
    assert caught.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.moto_gap("no rules for names")
@pytest.mark.parametrize("name", [" a", "a ", "\u2003a"])
@pytest.mark.parametrize("call", ["activity task list", "domain"])
def test_some_names_have_no_space_around(
    swf_client: SWFClient, domain: str, call: str, name: str
) -> None:
    """A domain's and a task list's name neither start nor end with white space."""
    with pytest.raises(ClientError) as caught:
        NAMED[call](swf_client, domain, name)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert "whitespace" in str(caught.value)


@pytest.mark.moto_gap("no rules for names")
@pytest.mark.parametrize("name", BAD)
def test_what_a_workflow_names_has_the_same_rules(start: Starter, name: str) -> None:
    """Ids of executions, activities and timers, and the task lists of decisions, too."""
    with pytest.raises(ClientError) as caught:
        start(name)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    flow = start()
    token = flow.poll_decision()["taskToken"]
    timer = {"timerId": name, "startToFireTimeout": "1"}
    decisions: list[dict[str, Any]] = [
        flow.schedule_decision(name),
        flow.schedule_decision("good", taskList={"name": name}),
        {"decisionType": "StartTimer", "startTimerDecisionAttributes": timer},
    ]
    for decision in decisions:
        wrong: list[Any] = [decision]
        with pytest.raises(ClientError) as caught:
            flow.client.respond_decision_task_completed(taskToken=token, decisions=wrong)
        assert caught.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize("name", ["a b", "\u00e4\u00f6", "a.b-c_d", "arn2", "(x) #1 @y", "a\\b"])
def test_all_else_is_a_name(start: Starter, swf_client: SWFClient, name: str) -> None:
    """Anything else is taken, and comes back as it was given."""
    name = start.own(name)
    swf_client.register_activity_type(domain=start.domain, name=name, version=name)
    kept = swf_client.describe_activity_type(
        domain=start.domain, activityType={"name": name, "version": name}
    )
    assert kept["typeInfo"]["activityType"] == {"name": name, "version": name}
    flow = start(name, taskList={"name": name})
    found: Any = swf_client.poll_for_decision_task(domain=start.domain, taskList={"name": name})
    assert found["workflowExecution"] == flow.execution


@pytest.mark.moto_gap("no rules for durations", only=r"\[(91|-1)-")
@pytest.mark.parametrize(
    ("days", "taken"), [("0", True), ("NONE", True), ("90", True), ("91", False), ("-1", False)]
)
def test_executions_are_kept_for_days(
    swf_client: SWFClient, domain: str, days: str, taken: bool
) -> None:
    """A retention period is 0 to 90 days, or NONE."""
    name = f"{SHARED_DOMAIN}-{days}-days"
    if not taken:
        with pytest.raises(ClientError) as caught:
            swf_client.register_domain(name=name, workflowExecutionRetentionPeriodInDays=days)
        assert caught.value.response["Error"]["Code"] == "ValidationException"
        return
    have_domain(swf_client, name, days)
    kept = swf_client.describe_domain(name=name)["configuration"]
    swf_client.deprecate_domain(name=name)
    assert kept["workflowExecutionRetentionPeriodInDays"] == days


@pytest.mark.moto_gap("takes any text")
def test_a_priority_is_a_number(flow: Flow) -> None:
    """A task priority is a whole number of 32 bits."""
    token = flow.poll_decision()["taskToken"]
    for priority in ("high", "1.5", str(2**31)):
        wrong: list[Any] = [flow.schedule_decision("1", taskPriority=priority)]
        with pytest.raises(ClientError) as caught:
            flow.client.respond_decision_task_completed(taskToken=token, decisions=wrong)
        assert caught.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.moto_gap("knows no priorities")
def test_the_highest_priority_goes_first(flow: Flow) -> None:
    """Of the tasks that wait, the one with the highest priority is given out first."""
    flow.decide(
        *(
            flow.schedule_decision(priority, taskPriority=priority)
            for priority in ("0", "-1", "7", "1")
        )
    )
    assert [flow.poll_activity()["activityId"] for _ in range(4)] == ["7", "1", "0", "-1"]
