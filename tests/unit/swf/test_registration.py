"""Registering types: new, again, changed, deprecated; all that is wrong in one error."""

from __future__ import annotations

import errno
import logging
from dataclasses import replace

import pytest
from botocore.exceptions import (
    BotoCoreError,
    InvalidConfigError,
    NoCredentialsError,
    UnknownRegionError,
)

from flowy.exception import RegistrationError
from flowy.local import LocalSWF
from flowy.swf.client import SWFClient
from flowy.swf.registration import compare, register
from flowy.swf.values import ActivityDefaults
from tests.unit.clocks import SelfTurningClock
from tests.unit.stand_ins import CLOSED, Line, ScriptedLayer1, fault, implementation
from tests.unit.swf.registering import ECHO, OTHER, THERE, held, problems, registered


class LoginError(BotoCoreError):
    """What botocore raises for ``aws login``; older ones do not have it."""


class LoginExpired(LoginError):
    """One of its kinds."""


def test_new(caplog: pytest.LogCaptureFixture) -> None:
    """Each type is registered by one call."""
    caplog.set_level(logging.INFO)
    layer1 = registered({})
    assert layer1.methods == ["register_activity_type"] * 2
    assert caplog.messages == [
        "Registered activity type echo 1 in domain domain.",
        "Registered activity type other 1 in domain domain.",
    ]


def test_priority_and_description() -> None:
    """They go with the others, and only if there are any; the priority is read back."""
    layer1 = ScriptedLayer1({}, {}, held(defaultTaskPriority="-7"), held())
    defaults = replace(ECHO.defaults, task_priority=5)
    full = replace(ECHO, defaults=defaults, description="Say it again.")
    register(layer1.client(), "domain", [full, OTHER])
    sent, bare = (arguments for _, arguments in layer1.calls)
    assert (sent["defaultTaskPriority"], sent["description"]) == ("5", "Say it again.")
    assert {*sent} - {*bare} == {"defaultTaskPriority", "description"}
    described = [layer1.client().describe_activity_type("domain", full.type) for _ in range(2)]
    assert [defaults.task_priority for defaults, _ in described] == [-7, None]


def test_again(caplog: pytest.LogCaptureFixture) -> None:
    """A type that SWF holds as declared is not mentioned."""
    layer1 = registered(THERE, held(), THERE, held())
    assert layer1.methods == ["register_activity_type", "describe_activity_type"] * 2
    assert caplog.records == []


def test_changed() -> None:
    """Every difference of every type is listed, with the place of its decorator and a way out."""
    changed = held(task_list="elsewhere", defaultTaskHeartbeatTimeout="30")
    found = problems(THERE, changed, THERE, held(defaultTaskStartToCloseTimeout="NONE"))
    assert found == (
        "echo 1 at activities.py:1: task_list is 'list' here, 'elsewhere' at SWF; heartbeat is "
        "None here, 30 at SWF. A type never changes at SWF: use a new version, or start with "
        "reg_remote=False to serve it as it is registered",
        "other 1 at activities.py:20: start_to_close is 300 here, None at SWF. A type never "
        "changes at SWF: use a new version, or start with reg_remote=False to serve it as it is "
        "registered",
    )


def test_changed_on_this_machine(domain: str, local_swf: LocalSWF) -> None:
    """A local SWF can be started afresh, and the text says how; so does a comparison."""
    client = SWFClient(local_swf.client(), local_swf.client())
    register(client, domain, [ECHO])
    changed = replace(ECHO, defaults=replace(ECHO.defaults, heartbeat=30))
    with pytest.raises(RegistrationError) as caught:
        register(client, domain, [changed])
    (problem,) = caught.value.problems
    assert problem.endswith(
        "to serve it as it is registered. This SWF is on this machine: to start afresh, stop it, "
        "delete its state file if it has one (flowy local --state FILE), and start it again"
    )
    compared = compare(client, domain, [changed])[ECHO.type]
    assert compared is not None
    assert problem.endswith(compared[0])


def test_a_type_of_the_first_flowy() -> None:
    """It holds a heartbeat timeout, and the code declares none: the text offers both ways out."""
    (problem,) = problems(THERE, held(defaultTaskHeartbeatTimeout="300"), {})
    assert "heartbeat is None here, 300 at SWF" in problem
    assert "use a new version, or start with reg_remote=False" in problem


def test_a_default_that_swf_lacks() -> None:
    """It is not the same as no limit: a workflow that relied on it could not schedule the type."""
    lacking = held()
    del lacking["configuration"]["defaultTaskScheduleToStartTimeout"]
    (problem,) = problems(THERE, lacking, {})
    assert "schedule_to_start is 120 here, not set at SWF" in problem


@pytest.mark.parametrize("first", [THERE, fault("TypeDeprecatedFault")])
def test_deprecated(first: Line) -> None:
    """A deprecated type is named with the command that revives it; differences come with it."""
    status = held("DEPRECATED", task_list="elsewhere")
    deprecated, changed = problems(first, status, {})
    assert deprecated.startswith("echo 1 at activities.py:1: it is deprecated at SWF.")
    assert "revive it: flowy types undeprecate --domain domain echo 1" in deprecated
    assert "task_list is 'list' here, 'elsewhere' at SWF" in changed


def test_unknown_domain() -> None:
    """One problem and one call, however many types; the text has the command that helps."""
    layer1 = ScriptedLayer1(CLOSED)
    with pytest.raises(RegistrationError) as caught:
        register(layer1.client(), "domain", [ECHO, OTHER], clock=SelfTurningClock())
    (problem,) = caught.value.problems
    assert "the domain does not exist in this region (UnknownResourceFault)" in problem
    assert "aws swf register-domain --name domain" in problem
    assert len(layer1.calls) == 1


def test_all_at_once() -> None:
    """A refusal and a limit are problems of one type; the others are looked at all the same."""
    refused, full = problems(fault("ValidationException"), fault("LimitExceededFault"))
    assert refused.startswith("echo 1 at activities.py:1: Cannot register_activity_type: SWF ")
    assert "ValidationException" in refused
    assert full.startswith("other 1 at activities.py:20: ")
    assert "LimitExceededFault" in full


@pytest.mark.parametrize(
    ("refusal", "text", "permissions"),
    [
        (
            fault("AccessDeniedException", "no"),
            "AccessDeniedException: no. Check the credentials",
            True,
        ),
        (NoCredentialsError(), "no AWS credentials were found. Set AWS_ACCESS_KEY_ID", False),
        (LoginExpired(), "the login session cannot be used. Log in again", False),
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory", "/token"),
            "a file for the AWS credentials cannot be read (FileNotFoundError): '/token'",
            False,
        ),
    ],
)
def test_not_allowed(refusal: Exception, text: str, permissions: bool) -> None:
    """One problem and one call, however many types; the text says what to do.

    Without credentials the text does not advise to check permissions.
    """
    layer1 = ScriptedLayer1(refusal)
    with pytest.raises(RegistrationError) as caught:
        register(layer1.client(), "domain", [ECHO, OTHER], clock=SelfTurningClock())
    (problem,) = caught.value.problems
    assert text in problem
    advice = "permissions swf:RegisterActivityType and swf:DescribeActivityType"
    assert (advice in problem) is permissions
    assert len(layer1.calls) == 1


def test_a_client_of_other_making() -> None:
    """Whatever a client raises is a problem, not a crash, and is said once of all types."""
    (problem,) = problems(ValueError("SECRET"))
    assert problem.startswith("all 2 types: Cannot register_activity_type: the client raised Value")
    assert "SECRET" not in problem


@pytest.mark.parametrize("kind", [UnknownRegionError, InvalidConfigError], ids=str)
def test_a_setting_that_fails_every_call(kind: type[BotoCoreError]) -> None:
    """One problem and one call, however many types; no type is named, because none is wrong."""
    layer1 = ScriptedLayer1(kind(region_name="mars", error_msg="mars is no region"))
    with pytest.raises(RegistrationError) as caught:
        register(layer1.client(), "domain", [ECHO, OTHER], clock=SelfTurningClock())
    (problem,) = caught.value.problems
    assert "mars" in problem
    assert "echo" not in problem
    assert len(layer1.calls) == 1


def test_a_refusal_of_some_types() -> None:
    """Types that are refused by the same text are one problem, which names each with its place."""
    third = implementation(name="third", line=30)
    full = fault("LimitExceededFault")
    with pytest.raises(RegistrationError) as caught:
        registered(full, {}, full, types=[ECHO, OTHER, third])
    (problem,) = caught.value.problems
    assert problem.startswith("echo 1 at activities.py:1, third 1 at activities.py:30: Cannot ")
    assert problem.count("LimitExceededFault") == 1


def test_nothing_to_register() -> None:
    """Without types no call is made."""
    assert registered(types=[]).calls == []


def test_timeouts_are_compared_as_numbers() -> None:
    """SWF holds text, and the code declares numbers."""
    defaults = ActivityDefaults("list", 30, None, 120, 300)
    mine = implementation(defaults=defaults)
    theirs = held(defaultTaskHeartbeatTimeout="30", defaultTaskScheduleToCloseTimeout="NONE")
    registered(THERE, theirs, types=[mine])
