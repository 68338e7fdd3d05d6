"""The boto3 clients that Flowy makes, and the warnings about those that it is given."""

from __future__ import annotations

import importlib
import logging
import platform
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from flowy import __version__
from flowy.exception import CredentialsError, RefusedError, TransientError
from flowy.swf.client import connect
from tests.unit.scripted_swf import ONE_ATTEMPT, Says, ScriptedSWF, boto3_client
from tests.unit.stand_ins import ScriptedLayer1

pytestmark = pytest.mark.usefixtures("no_settings")


def use(monkeypatch: pytest.MonkeyPatch, swf: ScriptedSWF) -> None:
    for name, value in swf.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The clients that boto3 made in this test; they are closed after it."""
    clients: list[Any] = []
    make: Any = boto3.client

    def make_and_keep(*args: Any, **kwargs: Any) -> Any:
        client = make(*args, **kwargs)
        clients.append(client)
        return client

    monkeypatch.setattr(boto3, "client", make_and_keep)
    yield clients
    for client in clients:
        client.close()


@pytest.fixture
def region(no_settings: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


# The default clients


@pytest.mark.usefixtures("region")
def test_default_configuration(monkeypatch: pytest.MonkeyPatch, made: list[Any]) -> None:
    """Polls wait 70 s and heartbeats 4 s, and go out once; the rest has 10 s and 4 attempts."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "9")
    monkeypatch.setenv("AWS_RETRY_MODE", "legacy")
    connect()
    configs = [client.meta.config for client in made]
    attempts = {config.read_timeout: config.retries for config in configs}
    assert attempts == {
        70: {"mode": "standard", "total_max_attempts": 1},
        10: {"mode": "standard", "total_max_attempts": 4},
        4: {"mode": "standard", "total_max_attempts": 1},
    }
    for config in configs:
        assert config.connect_timeout == 5
        assert config.tcp_keepalive is True
        assert config.max_pool_connections == 10
        assert config.user_agent.startswith(
            f"flowy/{__version__} boto3/{boto3.__version__} python/{platform.python_version()}"
        )


@pytest.mark.usefixtures("region")
def test_pools_match_the_calls(made: list[Any]) -> None:
    """The connection pools hold all calls that may be in flight."""
    connect(calls_at_once=50)
    assert [client.meta.config.max_pool_connections for client in made] == [52] * 3


@pytest.mark.usefixtures("region")
def test_no_polls_no_second_client(made: list[Any]) -> None:
    """Whoever does not poll needs one client."""
    connect(polls=False)
    (client,) = made
    assert client.meta.config.read_timeout == 10


def test_the_default_client_on_the_wire(monkeypatch: pytest.MonkeyPatch, made: list[Any]) -> None:
    """A broken answer is sent again by the client itself; a broken poll or heartbeat is not."""
    broken = Says({}, then="drop")
    with ScriptedSWF(broken, Says(), broken) as swf:
        use(monkeypatch, swf)
        client = connect()
        client.respond_activity_task_completed("token", "1")
        assert swf.actions == ["RespondActivityTaskCompleted"] * 2
        with pytest.raises(TransientError):
            client.poll_for_activity_task("domain", "list", "me")
        with pytest.raises(TransientError):
            client.record_activity_task_heartbeat("token")
        assert swf.actions[2:] == ["PollForActivityTask", "RecordActivityTaskHeartbeat"]
        assert swf.requests[0].headers["User-Agent"].startswith(f"flowy/{__version__} boto3/")


def test_a_heartbeat_does_not_hang(monkeypatch: pytest.MonkeyPatch, made: list[Any]) -> None:
    """Its client is the least patient of the three, and tries once."""
    # The package's own `connect` is the function.
    module = importlib.import_module("flowy.swf.client.connect")
    monkeypatch.setattr(module, "HEARTBEAT_READ_TIMEOUT_SECONDS", 0.2)
    with ScriptedSWF(Says(then="hang")) as swf:
        use(monkeypatch, swf)
        with pytest.raises(TransientError, match=r"\(ReadTimeoutError\)"):
            connect().record_activity_task_heartbeat("token", None)
        assert len(swf.requests) == 1


# What is not set


def test_no_region() -> None:
    """Without a region no client can be made, and the error says what to set."""
    with pytest.raises(RefusedError, match="no AWS region is set. Set AWS_DEFAULT_REGION"):
        connect()


def test_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without credentials the first call tells, and the error says what to set."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = connect()
    with pytest.raises(CredentialsError, match="no AWS credentials were found. Set AWS_ACCESS"):
        client.poll_for_activity_task("domain", "list", "me")


def test_half_of_the_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same holds with half of them."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    with pytest.raises(CredentialsError, match="the AWS credentials are not complete"):
        connect().poll_for_activity_task("domain", "list", "me")


def test_no_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names a profile that does not exist."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(RefusedError, match="the AWS profile does not exist") as caught:
        connect()
    assert caught.value.fault == "ProfileNotFound"


# A client passed in


def warnings_of(
    caplog: pytest.LogCaptureFixture, layer1: object, *, polls: bool = True
) -> list[str]:
    caplog.clear()
    connect(layer1, polls=polls)
    return [record.getMessage() for record in caplog.records if record.levelno > logging.INFO]


@pytest.mark.parametrize("deferred", [False, True])
def test_a_client_passed_in_makes_all_calls(made: list[Any], deferred: bool) -> None:
    """Itself, or what a callable returns; boto3 makes none."""
    layer1 = ScriptedLayer1()
    client = connect((lambda: layer1) if deferred else layer1)
    client.poll_for_activity_task("domain", "list", "me")
    client.record_activity_task_heartbeat("token")
    client.respond_activity_task_completed("token", "1")
    assert len(layer1.calls) == 3
    assert made == []


def test_a_client_that_can_be_called() -> None:
    """An object with a client's methods is a client, whatever else it can do."""

    class Callable(ScriptedLayer1):
        def __call__(self) -> None:
            raise AssertionError("called")

        def poll_for_activity_task(self, **_: Any) -> dict[str, Any]:
            return {}

    assert connect(Callable()).poll_for_activity_task("domain", "list", "me") is None


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
    """A read timeout below 65 s, and more than one attempt; nothing else."""
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
    """Whoever does not poll is not warned of polls."""
    assert warnings_of(caplog, boto3_client(), polls=False) == []


def test_objects_without_meta(caplog: pytest.LogCaptureFixture) -> None:
    """An object that is not botocore's is taken as it is."""
    assert warnings_of(caplog, ScriptedLayer1()) == []
