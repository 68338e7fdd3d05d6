"""Registering and describing types and domains."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from botocore.loaders import Loader

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from tests.contract.flows import Own, Starter

#: The oldest botocore that is allowed knows no deletion of types.
needs_deletion = pytest.mark.skipif(
    "DeleteActivityType" not in Loader().load_service_model("swf", "service-2")["operations"],
    reason="this botocore knows no deletion of types",
)


@pytest.fixture
def name(own: Own) -> Any:
    """A type that nobody has registered."""
    return {"name": own("a"), "version": "1"}


def test_a_type_keeps_its_defaults(swf_client: SWFClient, domain: str, name: Any) -> None:
    """DescribeActivityType gives back the defaults as they were registered."""
    defaults: dict[str, Any] = {
        "defaultTaskList": {"name": "tasks"},
        "defaultTaskHeartbeatTimeout": "NONE",
        "defaultTaskScheduleToCloseTimeout": "420",
        "defaultTaskScheduleToStartTimeout": "120",
        "defaultTaskStartToCloseTimeout": "300",
    }
    swf_client.register_activity_type(domain=domain, **name, **defaults)
    described = swf_client.describe_activity_type(domain=domain, activityType=name)
    assert described["configuration"] == defaults
    assert described["typeInfo"]["status"] == "REGISTERED"


def test_a_type_registers_once(swf_client: SWFClient, domain: str, name: Any) -> None:
    """A second registration is TypeAlreadyExistsFault, identical or not."""
    swf_client.register_activity_type(domain=domain, **name)
    with pytest.raises(swf_client.exceptions.TypeAlreadyExistsFault):
        swf_client.register_activity_type(domain=domain, **name)


def test_a_deprecated_type_is_there_and_comes_back(
    swf_client: SWFClient, domain: str, name: Any
) -> None:
    """A deprecated type can't be registered again, only undeprecated."""
    swf_client.register_activity_type(domain=domain, **name)
    swf_client.deprecate_activity_type(domain=domain, activityType=name)
    with pytest.raises(swf_client.exceptions.TypeAlreadyExistsFault):
        swf_client.register_activity_type(domain=domain, **name)
    swf_client.undeprecate_activity_type(domain=domain, activityType=name)
    described = swf_client.describe_activity_type(domain=domain, activityType=name)
    assert described["typeInfo"]["status"] == "REGISTERED"


def test_an_unknown_type_is_an_unknown_resource(
    swf_client: SWFClient, domain: str, name: Any
) -> None:
    """Describing what does not exist is UnknownResourceFault."""
    with pytest.raises(swf_client.exceptions.UnknownResourceFault):
        swf_client.describe_activity_type(domain=domain, activityType=name)


def test_an_unknown_domain_is_an_unknown_resource(swf_client: SWFClient, name: Any) -> None:
    """Every action in a domain that does not exist is UnknownResourceFault, without a wait."""
    calls: list[Callable[[], object]] = [
        lambda: swf_client.register_activity_type(domain="nowhere", **name),
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


@needs_deletion
@pytest.mark.moto_gap("types can't be deleted")
@pytest.mark.parametrize("kind", ["activity", "workflow"])
def test_a_deprecated_type_can_be_deleted(
    swf_client: SWFClient, domain: str, kind: str, name: Any
) -> None:
    """Only a deprecated type can be deleted; then it is unknown."""

    def call(action: str) -> Any:
        named: Any = {f"{kind}Type": name}
        return getattr(swf_client, f"{action}_{kind}_type")(domain=domain, **named)

    unknown = swf_client.exceptions.UnknownResourceFault
    with pytest.raises(unknown):
        call("delete")
    getattr(swf_client, f"register_{kind}_type")(domain=domain, **name)
    with pytest.raises(ClientError) as caught:
        call("delete")
    assert caught.value.response["Error"]["Code"] == "TypeNotDeprecatedFault"
    call("deprecate")
    call("delete")
    for action in ("describe", "delete", "undeprecate"):
        with pytest.raises(unknown):
            call(action)


@needs_deletion
@pytest.mark.moto_gap("types can't be deleted")
def test_what_has_begun_goes_on_without_its_types(
    start: Starter, swf_client: SWFClient, swf_kind: str
) -> None:
    """An execution and an activity whose types were deleted meanwhile run to their ends."""
    if swf_kind == "aws":
        pytest.skip("all tests share these types there")
    flow = start()
    flow.schedule("before")
    wanted: Any = {"name": "activity", "version": "1"}
    swf_client.deprecate_activity_type(domain=flow.domain, activityType=wanted)
    swf_client.delete_activity_type(domain=flow.domain, activityType=wanted)
    wanted = {"name": "workflow", "version": "1"}
    swf_client.deprecate_workflow_type(domain=flow.domain, workflowType=wanted)
    swf_client.delete_workflow_type(domain=flow.domain, workflowType=wanted)
    task = flow.poll_activity()
    assert task["activityType"]["name"] == "activity"
    swf_client.respond_activity_task_completed(taskToken=task["taskToken"])
    flow.schedule("after")
    assert flow.last("ScheduleActivityTaskFailed")["cause"] == "ACTIVITY_TYPE_DOES_NOT_EXIST"
    flow.decide({"decisionType": "CompleteWorkflowExecution"})
    assert flow.event_types()[-1] == "WorkflowExecutionCompleted"
    with pytest.raises(swf_client.exceptions.UnknownResourceFault):
        start("another")


@pytest.mark.moto_gap("a deprecated domain is one like others")
def test_nothing_new_comes_into_a_deprecated_domain(
    start: Starter, swf_client: SWFClient, swf_kind: str, name: Any
) -> None:
    """Its types are deprecated with it, and there are no new ones until it is undeprecated."""
    if swf_kind == "aws":
        pytest.skip("all tests share a domain there")
    swf_client.deprecate_domain(name=start.domain)
    try:
        with pytest.raises(swf_client.exceptions.TypeDeprecatedFault):
            start()
        for kind in ("activity", "workflow"):
            with pytest.raises(ClientError) as caught:
                getattr(swf_client, f"register_{kind}_type")(domain=start.domain, **name)
            assert caught.value.response["Error"]["Code"] == "DomainDeprecatedFault"
    finally:
        swf_client.undeprecate_domain(name=start.domain)
    swf_client.register_activity_type(domain=start.domain, **name)


def test_a_fault_names_the_type_as_swf_does(swf_client: SWFClient, domain: str, name: Any) -> None:
    """ActivityType and WorkflowType, with name and version."""
    for kind in ("activity", "workflow"):
        register = getattr(swf_client, f"register_{kind}_type")
        register(domain=domain, **name)
        with pytest.raises(ClientError) as caught:
            register(domain=domain, **name)
        message = caught.value.response["Error"]["Message"]
        assert message == f"{kind.capitalize()}Type=[name={name['name']}, version=1]"


@pytest.mark.moto_gap("tags of anything, without end")
def test_a_domain_has_fifty_tags(swf_client: SWFClient, domain: str) -> None:
    """A tag more is TooManyTagsFault and adds none; a value may be put in a value's place."""
    arn = swf_client.describe_domain(name=domain)["domainInfo"]["arn"]
    tags: list[Any] = [{"key": f"key {number}", "value": "v"} for number in range(50)]
    swf_client.tag_resource(resourceArn=arn, tags=tags)
    swf_client.tag_resource(resourceArn=arn, tags=[{"key": "key 7", "value": "seven"}])
    with pytest.raises(ClientError) as caught:
        swf_client.tag_resource(resourceArn=arn, tags=[{"key": "more"}])
    assert caught.value.response["Error"]["Code"] == "TooManyTagsFault"
    found = swf_client.list_tags_for_resource(resourceArn=arn)["tags"]
    assert len(found) == 50
    assert {"key": "key 7", "value": "seven"} in found
    swf_client.untag_resource(resourceArn=arn, tagKeys=["key 7"])
    assert len(swf_client.list_tags_for_resource(resourceArn=arn)["tags"]) == 49
    with pytest.raises(ClientError) as caught:
        swf_client.register_domain(
            name=f"{domain}-tagged",
            workflowExecutionRetentionPeriodInDays="1",
            tags=[*tags, {"key": "more"}],
        )
    assert caught.value.response["Error"]["Code"] == "TooManyTagsFault"


@pytest.mark.moto_gap("tags of anything, without end")
def test_tags_of_what_is_not_there(swf_client: SWFClient, domain: str) -> None:
    """Listing, adding or removing tags of an unknown resource is UnknownResourceFault."""
    arn = f"{swf_client.describe_domain(name=domain)['domainInfo']['arn']}-nowhere"
    calls: list[Callable[[], object]] = [
        lambda: swf_client.list_tags_for_resource(resourceArn=arn),
        lambda: swf_client.tag_resource(resourceArn=arn, tags=[{"key": "k", "value": "v"}]),
        lambda: swf_client.untag_resource(resourceArn=arn, tagKeys=["k"]),
    ]
    for call in calls:
        with pytest.raises(swf_client.exceptions.UnknownResourceFault):
            call()
