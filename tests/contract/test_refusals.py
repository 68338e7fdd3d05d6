"""What SWF refuses, in its own words, and goes on as if it had not been asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from tests.contract.flows import Flow, Own, Starter


def code_of(caught: pytest.ExceptionInfo[ClientError]) -> str:
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return caught.value.response["Error"]["Code"]


@pytest.mark.moto_gap("no limits")
@pytest.mark.parametrize("text", ["abc", "-1", "1.5", "", "none", "123456789", " 1", "\u0661"])
def test_a_timeout_is_digits_or_none(
    swf_client: SWFClient, domain: str, own: Own, text: str
) -> None:
    """A timeout is a text of at most 8 digits, or NONE; nothing else is registered."""
    wanted: Any = {"name": own("a"), "version": "1"}
    with pytest.raises(ClientError) as caught:
        swf_client.register_activity_type(
            domain=domain, **wanted, defaultTaskStartToCloseTimeout=text
        )
    assert code_of(caught) == "ValidationException"
    assert "defaultTaskStartToCloseTimeout" in str(caught.value)
    with pytest.raises(swf_client.exceptions.UnknownResourceFault):
        swf_client.describe_activity_type(domain=domain, activityType=wanted)


@pytest.mark.moto_gap("no limits")
def test_an_execution_always_ends(swf_client: SWFClient, domain: str, own: Own) -> None:
    """An execution cannot have NONE as a timeout."""
    wanted: Any = {"name": own("a"), "version": "1"}
    with pytest.raises(ClientError) as caught:
        swf_client.register_workflow_type(
            domain=domain, **wanted, defaultExecutionStartToCloseTimeout="NONE"
        )
    assert code_of(caught) == "ValidationException"


@pytest.mark.moto_gap("no limits")
@pytest.mark.parametrize(
    ("answer", "field", "limit"),
    [
        ("respond_activity_task_completed", "result", 32_768),
        ("respond_activity_task_failed", "details", 32_768),
        ("respond_activity_task_failed", "reason", 256),
        ("record_activity_task_heartbeat", "details", 2_048),
    ],
)
def test_an_answer_has_a_limit(
    flow: Flow,
    task: dict[str, Any],
    swf_client: SWFClient,
    answer: str,
    field: str,
    limit: int,
) -> None:
    """One character over the limit is refused and the task stays open; the limit is taken."""
    call = getattr(swf_client, answer)
    with pytest.raises(ClientError) as caught:
        call(taskToken=task["taskToken"], **{field: "\u00e4" * (limit + 1)})
    assert code_of(caught) == "ValidationException"
    assert f"'{field}'" in str(caught.value)
    assert "\u00e4" not in str(caught.value)
    call(taskToken=task["taskToken"], **{field: "\u00e4" * limit})


@pytest.mark.moto_gap("no limits")
def test_what_is_missing_is_named_all_at_once(swf_client: Any) -> None:
    """Every missing member stands in the one ValidationException."""
    with pytest.raises(ClientError) as caught:
        swf_client.poll_for_activity_task()
    assert code_of(caught) == "ValidationException"
    for name in ("domain", "taskList"):
        assert f"Value null at '{name}' failed to satisfy constraint" in str(caught.value)


@pytest.mark.parametrize(
    "parameters",
    [
        {"domain": 7, "taskList": {"name": "t"}},
        {"domain": "d", "taskList": {"name": ["t"]}},
        {"domain": "d", "taskList": {"name": "t"}, "identity": True},
    ],
)
def test_a_wrong_type_is_refused(swf_client: SWFClient, parameters: dict[str, Any]) -> None:
    """A value of a wrong JSON type is SerializationException."""
    with pytest.raises(ClientError) as caught:
        swf_client.poll_for_activity_task(**parameters)
    assert code_of(caught) == "SerializationException"


@pytest.mark.moto_gap("no limits")
def test_a_choice_is_one_of_its_values(swf_client: Any, domain: str) -> None:
    """What SWF lists the values of is one of them."""
    with pytest.raises(ClientError) as caught:
        swf_client.list_activity_types(domain=domain, registrationStatus="LOST")
    assert code_of(caught) == "ValidationException"
    assert "REGISTERED" in str(caught.value)


@pytest.mark.moto_gap("no limits")
@pytest.mark.parametrize("size", [-1, 1_001])
def test_a_page_has_a_size(swf_client: SWFClient, size: int) -> None:
    """A page size is 0 to 1,000."""
    with pytest.raises(ClientError) as caught:
        swf_client.list_domains(registrationStatus="REGISTERED", maximumPageSize=size)
    assert code_of(caught) == "ValidationException"


@pytest.mark.moto_gap("no limits")
def test_an_execution_has_five_tags(start: Starter) -> None:
    """A sixth tag is refused and nothing is started; five are taken."""
    with pytest.raises(ClientError) as caught:
        start(tagList=list("123456"))
    assert code_of(caught) == "ValidationException"
    assert "'tagList'" in str(caught.value)
    assert "Member must have length less than or equal to 5" in str(caught.value)
    assert start(tagList=list("12345")).last("WorkflowExecutionStarted")["tagList"] == [*"12345"]
