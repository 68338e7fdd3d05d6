"""Registering and describing types and domains."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

NAME: Any = {"name": "a", "version": "1"}


def test_a_type_keeps_its_defaults(swf_client: SWFClient, domain: str) -> None:
    """DescribeActivityType gives back the defaults as they were registered."""
    defaults: dict[str, Any] = {
        "defaultTaskList": {"name": "tasks"},
        "defaultTaskHeartbeatTimeout": "NONE",
        "defaultTaskScheduleToCloseTimeout": "420",
        "defaultTaskScheduleToStartTimeout": "120",
        "defaultTaskStartToCloseTimeout": "300",
    }
    swf_client.register_activity_type(domain=domain, **NAME, **defaults)
    described = swf_client.describe_activity_type(domain=domain, activityType=NAME)
    assert described["configuration"] == defaults
    assert described["typeInfo"]["status"] == "REGISTERED"


def test_a_type_registers_once(swf_client: SWFClient, domain: str) -> None:
    """A second registration is TypeAlreadyExistsFault, identical or not."""
    swf_client.register_activity_type(domain=domain, **NAME)
    with pytest.raises(swf_client.exceptions.TypeAlreadyExistsFault):
        swf_client.register_activity_type(domain=domain, **NAME)


def test_a_deprecated_type_is_there_and_comes_back(swf_client: SWFClient, domain: str) -> None:
    """A deprecated type can't be registered again, only undeprecated."""
    swf_client.register_activity_type(domain=domain, **NAME)
    swf_client.deprecate_activity_type(domain=domain, activityType=NAME)
    with pytest.raises(swf_client.exceptions.TypeAlreadyExistsFault):
        swf_client.register_activity_type(domain=domain, **NAME)
    swf_client.undeprecate_activity_type(domain=domain, activityType=NAME)
    described = swf_client.describe_activity_type(domain=domain, activityType=NAME)
    assert described["typeInfo"]["status"] == "REGISTERED"


def test_an_unknown_type_is_an_unknown_resource(swf_client: SWFClient, domain: str) -> None:
    """To describe what is not there is UnknownResourceFault."""
    with pytest.raises(swf_client.exceptions.UnknownResourceFault):
        swf_client.describe_activity_type(domain=domain, activityType=NAME)


def test_an_unknown_domain_is_an_unknown_resource(swf_client: SWFClient) -> None:
    """Every action in a domain that is not there is UnknownResourceFault, polls at once."""
    calls: list[Callable[[], object]] = [
        lambda: swf_client.register_activity_type(domain="nowhere", **NAME),
        lambda: swf_client.poll_for_activity_task(domain="nowhere", taskList={"name": "t"}),
        lambda: swf_client.poll_for_decision_task(domain="nowhere", taskList={"name": "t"}),
    ]
    for call in calls:
        with pytest.raises(swf_client.exceptions.UnknownResourceFault, match="nowhere"):
            call()


def test_a_domain_registers_once(swf_client: SWFClient, domain: str) -> None:
    """A second registration of a domain is DomainAlreadyExistsFault."""
    with pytest.raises(ClientError) as caught:
        swf_client.register_domain(name=domain, workflowExecutionRetentionPeriodInDays="1")
    assert caught.value.response["Error"]["Code"] == "DomainAlreadyExistsFault"
