"""The calls to SWF: what goes out, and what comes back."""

from __future__ import annotations

import logging
import platform
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

from flowy import __version__
from flowy.exception import (
    CredentialsError,
    OutOfReachError,
    RefusedError,
)
from flowy.swf.client import SWFClient, connect
from flowy.swf.values import NOT_SET, ActivityDefaults, ActivityType
from tests.unit.scripted_swf import ONE_ATTEMPT, Says, ScriptedSWF, boto3_client
from tests.unit.stand_ins import DEFAULTS, ScriptedLayer1, task_answer

if TYPE_CHECKING:
    from collections.abc import Callable


pytestmark = pytest.mark.usefixtures("no_settings")


def use(monkeypatch: pytest.MonkeyPatch, swf: ScriptedSWF) -> None:
    for name, value in swf.environment.items():
        monkeypatch.setenv(name, value)


# What goes out


def test_polls() -> None:
    """A poll says where, and who it is."""
    layer1 = ScriptedLayer1(task_answer())
    task = layer1.client().poll_for_activity_task("domain", "list", "me")
    assert task is not None
    assert task.task_token == "token"
    parameters = {"domain": "domain", "taskList": {"name": "list"}, "identity": "me"}
    assert layer1.calls == [("poll_for_activity_task", parameters)]


@pytest.mark.parametrize("answer", [None, {}, {"taskToken": ""}, {"startedEventId": 0}])
def test_empty_polls(answer: Any) -> None:
    """A poll that brings nothing is None, whatever it answers."""
    client = ScriptedLayer1(answer).client()
    assert client.poll_for_activity_task("domain", "list", "me") is None
    assert client.poll_for_decision_task("domain", "list", "me") is None


def test_what_is_none_is_left_out() -> None:
    """boto3 refuses None: a key without a value is absent."""
    layer1 = ScriptedLayer1({})
    client = layer1.client()
    client.record_activity_task_heartbeat("token", None)
    client.record_activity_task_heartbeat("token", "half")
    client.respond_activity_task_failed("token", "why", None)
    client.respond_activity_task_failed("token", "why", "where")
    client.respond_activity_task_canceled("token", None)
    client.respond_activity_task_canceled("token", "")
    client.terminate_workflow_execution("domain", "flow", "why")
    client.terminate_workflow_execution("domain", "flow", "why", run_id="run")
    assert layer1.calls == [
        ("record_activity_task_heartbeat", {"taskToken": "token"}),
        ("record_activity_task_heartbeat", {"taskToken": "token", "details": "half"}),
        ("respond_activity_task_failed", {"taskToken": "token", "reason": "why"}),
        ("respond_activity_task_failed",
         {"taskToken": "token", "reason": "why", "details": "where"}),
        ("respond_activity_task_canceled", {"taskToken": "token"}),
        ("respond_activity_task_canceled", {"taskToken": "token", "details": ""}),
        ("terminate_workflow_execution",
         {"domain": "domain", "workflowId": "flow", "reason": "why"}),
        ("terminate_workflow_execution",
         {"domain": "domain", "workflowId": "flow", "reason": "why", "runId": "run"}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "requested"),
    [({"cancelRequested": True}, True), ({"cancelRequested": False}, False), ({}, False)],
)
def test_heartbeats(answer: dict[str, Any], requested: bool) -> None:
    """A heartbeat answers whether the cancellation was requested."""
    client = ScriptedLayer1(answer).client()
    assert client.record_activity_task_heartbeat("token", None) is requested


def test_register_activity_type() -> None:
    """A type is registered with its list and all four timeouts, NONE where unlimited."""
    layer1 = ScriptedLayer1({})
    layer1.client().register_activity_type("domain", ActivityType("echo", "1"), DEFAULTS)
    assert layer1.calls == [
        (
            "register_activity_type",
            {
                "domain": "domain",
                "name": "echo",
                "version": "1",
                "defaultTaskList": {"name": "list"},
                "defaultTaskHeartbeatTimeout": "NONE",
                "defaultTaskScheduleToCloseTimeout": "420",
                "defaultTaskScheduleToStartTimeout": "120",
                "defaultTaskStartToCloseTimeout": "300",
            },
        )
    ]


def test_describe_activity_type() -> None:
    """What SWF holds comes back in our words; types of other frameworks may hold nothing."""
    held = {
        "typeInfo": {"status": "DEPRECATED"},
        "configuration": {
            "defaultTaskList": {"name": "list"},
            "defaultTaskHeartbeatTimeout": "NONE",
            "defaultTaskScheduleToCloseTimeout": "420",
            "defaultTaskScheduleToStartTimeout": "120",
            "defaultTaskStartToCloseTimeout": "300",
        },
    }
    client = ScriptedLayer1(held, {"typeInfo": {"status": "REGISTERED"}}, {}).client()
    kind = ActivityType("echo", "1")
    assert client.describe_activity_type("domain", kind) == (DEFAULTS, True)
    nothing = ActivityDefaults("", None, NOT_SET, NOT_SET, NOT_SET)
    assert client.describe_activity_type("domain", kind) == (nothing, False)
    assert client.describe_activity_type("domain", kind) == (nothing, False)


def test_histories_are_read_to_the_end() -> None:
    """SWF gives a history in pages, to decisions and to readers alike."""
    pages: list[Any] = [
        {"taskToken": "t", "events": [{"eventId": 1}], "nextPageToken": "p1"},
        {"taskToken": "t", "events": [{"eventId": 2}], "nextPageToken": "p2"},
        {"taskToken": "t", "events": [{"eventId": 3}]},
    ]
    events = [{"eventId": number} for number in (1, 2, 3)]
    layer1 = ScriptedLayer1(*pages, *pages)
    client = layer1.client()
    assert client.poll_for_decision_task("domain", "list", "me") == ("t", events)
    assert client.get_workflow_execution_history("domain", "flow", "run") == events
    assert [call.get("nextPageToken") for _, call in layer1.calls] == [None, "p1", "p2"] * 2


def test_polls_and_answers_go_through_their_clients() -> None:
    """Polls for activities and decisions use the one client, everything else the other."""
    polls, answers = ScriptedLayer1({}), ScriptedLayer1({"runId": "run"})
    client = SWFClient(polls, answers)
    client.poll_for_activity_task("domain", "list", "me")
    client.poll_for_decision_task("domain", "list", "me")
    client.record_activity_task_heartbeat("token", None)
    client.respond_activity_task_completed("token", "1")
    client.respond_decision_task_completed("token", ({"decisionType": "x"},))
    client.register_workflow_type("domain", "flow", "1")
    assert client.start_workflow_execution(domain="domain") == "run"
    assert polls.methods == ["poll_for_activity_task", "poll_for_decision_task"]
    assert len(answers.methods) == 5
    assert not [method for method in answers.methods if method.startswith("poll")]


def test_parameters_are_those_of_the_model() -> None:
    """botocore itself finds nothing to say against any call."""
    client = boto3_client(**ONE_ATTEMPT)
    with Stubber(client) as stub:
        ours = SWFClient(client, client)
        stub.add_response("poll_for_activity_task", task_answer())
        assert ours.poll_for_activity_task("domain", "list", "me") is not None
        stub.add_response("register_activity_type", {})
        ours.register_activity_type("domain", ActivityType("echo", "1"), DEFAULTS)
        stub.add_response("register_workflow_type", {})
        ours.register_workflow_type("domain", "flow", "1")
        stub.add_response("respond_activity_task_completed", {})
        ours.respond_activity_task_completed("token", "1")
        stub.add_response("respond_activity_task_failed", {})
        ours.respond_activity_task_failed("token", "why", None)
        stub.add_response("respond_activity_task_canceled", {})
        ours.respond_activity_task_canceled("token", None)
        stub.add_response("record_activity_task_heartbeat", {"cancelRequested": True})
        assert ours.record_activity_task_heartbeat("token", "half") is True
        stub.add_response("terminate_workflow_execution", {})
        ours.terminate_workflow_execution("domain", "flow", "why", run_id="run")
        stub.assert_no_pending_responses()


# What comes back


@pytest.mark.parametrize(
    "says",
    [Says("<html>captive portal</html>"), Says(task_answer(), then="truncate")],
    ids=["html", "truncated"],
)
def test_an_answer_that_cannot_be_read(says: Says) -> None:
    """boto3 makes an empty poll of it, silently; a task in it would be lost without a word."""
    with ScriptedSWF(says) as swf:
        client = boto3_client(swf.url, **ONE_ATTEMPT)
        with pytest.raises(OutOfReachError, match="the answer cannot be read") as caught:
            SWFClient(client, client).poll_for_activity_task("domain", "list", "me")
        client.close()
    assert caught.value.fault == "UnreadableAnswer"
    assert caught.value.may_have_arrived


@pytest.mark.parametrize(
    "says", [Says("<html>portal</html>"), Says("[1, 2]")], ids=["html", "list"]
)
@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.respond_activity_task_completed("token", "1"),
        lambda client: client.respond_activity_task_failed("token", "reason", None),
        lambda client: client.record_activity_task_heartbeat("token", None),
    ],
    ids=["completed", "failed", "heartbeat"],
)
def test_what_was_not_swfs_answer_is_none(says: Says, call: Callable[[SWFClient], object]) -> None:
    """A proxy's page with status 200 is no acknowledgement: the call is to be made again."""
    with ScriptedSWF(says) as swf:
        client = boto3_client(swf.url, **ONE_ATTEMPT)
        with pytest.raises(OutOfReachError) as caught:
            call(SWFClient(client, client))
        client.close()
    assert caught.value.may_have_arrived


def test_a_heartbeat_does_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the default clients its own is the least patient, and tries once."""
    with ScriptedSWF(Says(then="hang")) as swf:
        use(monkeypatch, swf)
        monkeypatch.setattr("flowy.swf.client.BEAT_READ_TIMEOUT_SECONDS", 0.2)
        client = connect()
        with pytest.raises(OutOfReachError, match=r"\(ReadTimeoutError\)"):
            client.record_activity_task_heartbeat("token", None)
        assert len(swf.requests) == 1
        for one in (client._polls, client._answers, client._beats):
            one.close()


@pytest.mark.parametrize("says", [Says(""), Says("{}")], ids=["nothing", "{}"])
def test_an_answer_in_which_there_is_no_room_for_a_task(says: Says) -> None:
    """Whoever answers so has handed out none: it is an empty poll."""
    with ScriptedSWF(says) as swf:
        client = boto3_client(swf.url, **ONE_ATTEMPT)
        assert SWFClient(client, client).poll_for_activity_task("domain", "list", "me") is None
        client.close()


@pytest.mark.parametrize("answer", [{"taskToken": "", "startedEventId": 0}, {"startedEventId": 0}])
def test_an_empty_poll_is_no_news(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    """SWF's empty poll, and moto's, draw no warning."""
    assert ScriptedLayer1(answer).client().poll_for_activity_task("d", "l", "me") is None
    assert caplog.records == []


# The default clients


@pytest.fixture
def region(no_settings: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.mark.usefixtures("region")
def test_default_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polls wait 70 s and go out once; answers have 10 s and 4 attempts; both keep alive."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "9")
    monkeypatch.setenv("AWS_RETRY_MODE", "legacy")
    client = connect()
    polls, answers = client._polls.meta.config, client._answers.meta.config
    assert polls.read_timeout == 70
    assert polls.retries == {"mode": "standard", "total_max_attempts": 1}
    assert answers.read_timeout == 10
    assert answers.retries == {"mode": "standard", "total_max_attempts": 4}
    for config in (polls, answers):
        assert config.connect_timeout == 5
        assert config.tcp_keepalive is True
        assert config.max_pool_connections == 10
        assert config.user_agent.startswith(
            f"flowy/{__version__} boto3/{boto3.__version__} python/{platform.python_version()}"
        )


@pytest.mark.usefixtures("region")
def test_pools_match_the_calls() -> None:
    """The connection pools hold all calls that may be in flight."""
    client = connect(calls_at_once=50)
    assert client._polls.meta.config.max_pool_connections == 52
    assert client._answers.meta.config.max_pool_connections == 52


@pytest.mark.usefixtures("region")
def test_no_polls_no_second_client() -> None:
    """Who does not poll needs one client."""
    client = connect(polls=False)
    assert client._polls is client._answers
    assert client._answers.meta.config.read_timeout == 10


def test_the_default_client_on_the_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken answer is sent again by the client itself, a broken poll is not."""
    broken = Says({}, then="drop")
    with ScriptedSWF(broken, Says(), broken) as swf:
        use(monkeypatch, swf)
        client = connect()
        client.respond_activity_task_completed("token", "1")
        assert swf.actions == ["RespondActivityTaskCompleted"] * 2
        with pytest.raises(OutOfReachError):
            client.poll_for_activity_task("domain", "list", "me")
        assert swf.actions[2:] == ["PollForActivityTask"]
        assert swf.requests[0].headers["User-Agent"].startswith(f"flowy/{__version__} boto3/")
        client._polls.close()
        client._answers.close()
        client._beats.close()


def test_no_region() -> None:
    """Without a region no client can be made, and the error says what to set."""
    with pytest.raises(RefusedError, match="no AWS region is set. Set AWS_DEFAULT_REGION"):
        connect()


def test_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without credentials the first call tells, and the error says what to set."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = connect()
    with pytest.raises(CredentialsError, match="there are no AWS credentials. Set AWS_ACCESS"):
        client.poll_for_activity_task("domain", "list", "me")


def test_half_of_the_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor with half of them."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    with pytest.raises(CredentialsError, match="the AWS credentials are not complete"):
        connect().poll_for_activity_task("domain", "list", "me")


def test_no_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile that is not there is named as such."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(RefusedError, match="the AWS profile does not exist") as caught:
        connect()
    assert caught.value.fault == "ProfileNotFound"


# A client passed in


def warnings_of(
    caplog: pytest.LogCaptureFixture, layer1: object, *, polls: bool = True
) -> list[str]:
    caplog.clear()
    client = connect(layer1, polls=polls)
    assert client._polls is client._answers is layer1
    return [record.getMessage() for record in caplog.records if record.levelno > logging.INFO]


def test_a_default_client_draws_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    """boto3's defaults cut polls short and repeat them: one warning says both, and what to set."""
    (warning,) = warnings_of(caplog, boto3_client())
    assert "its read_timeout is 60 s" in warning
    assert "repeats a broken poll by itself" in warning
    assert "read_timeout=70, retries={'total_max_attempts': 1}" in warning


@pytest.mark.parametrize(
    ("config", "warned"),
    [
        (ONE_ATTEMPT, []),
        ({"read_timeout": 65, "retries": {"max_attempts": 0}}, []),
        ({"read_timeout": None, "retries": {"total_max_attempts": 1}}, []),
        ({"read_timeout": 64.9, "retries": {"total_max_attempts": 1}}, ["64.9 s"]),
        ({"read_timeout": 70}, ["repeats"]),
        ({"read_timeout": 70, "retries": {"mode": "standard"}}, ["repeats"]),
        ({"read_timeout": 70, "retries": {"max_attempts": 1}}, ["repeats"]),
        ({"read_timeout": 70, "retries": {"total_max_attempts": 2}}, ["repeats"]),
    ],
)
def test_what_is_warned_of(
    config: dict[str, Any], warned: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A read timeout under 65 s, and more than one attempt; nothing else."""
    texts = warnings_of(caplog, boto3_client(**config))
    assert len(texts) == len(warned)
    for text, part in zip(texts, warned, strict=True):
        assert part in text
        assert ("repeats" in text) == (part == "repeats")


def test_a_client_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """However often it is passed in, as by a script that calls activities in a loop."""
    client = boto3_client()
    assert len(warnings_of(caplog, client)) == 1
    caplog.clear()
    assert warnings_of(caplog, client) == []


def test_no_polls_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    """Who does not poll is not warned of polls."""
    assert warnings_of(caplog, boto3_client(), polls=False) == []


def test_objects_without_meta(caplog: pytest.LogCaptureFixture) -> None:
    """An object that is not botocore's is taken as it is."""
    assert warnings_of(caplog, ScriptedLayer1()) == []
