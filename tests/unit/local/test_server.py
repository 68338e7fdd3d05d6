"""LocalSWF: start, stop, state, ports, clients."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from flowy.exception import FlowyError, LocalSWFError
from flowy.local import LocalSWF
from tests.patience import PATIENCE_SECONDS, until

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient


def domains(client: SWFClient) -> list[str]:
    answer = client.list_domains(registrationStatus="REGISTERED")
    return [info["name"] for info in answer["domainInfos"]]


def test_a_domain_is_ready() -> None:
    """One domain is registered from the start, and its name can be chosen."""
    with LocalSWF() as swf:
        assert swf.domain == "local"
        assert domains(swf.client()) == ["local"]
    with LocalSWF(domain="mine") as swf:
        assert domains(swf.client()) == ["mine"]


def test_another_domain_can_be_registered(swf: LocalSWF) -> None:
    """register_domain adds a domain, and does nothing if it is registered already."""
    swf.register_domain("more")
    swf.register_domain("more")
    assert domains(swf.client()) == ["local", "more"]


def test_an_invalid_domain_name_is_an_error(swf: LocalSWF) -> None:
    """If SWF refuses a domain name, LocalSWFError gives SWF's reason."""
    with pytest.raises(LocalSWFError, match="256"):
        swf.register_domain("x" * 257)
    with pytest.raises(LocalSWFError, match="''"), LocalSWF(domain=""):
        pass


def test_local_swf_error_is_a_flowy_error() -> None:
    """``except FlowyError`` catches what goes wrong at the start."""
    assert issubclass(LocalSWFError, FlowyError)


def test_two_local_swfs_are_separate(swf: LocalSWF) -> None:
    """Each LocalSWF has its own port and its own state."""
    with LocalSWF() as other:
        other.register_domain("theirs")
        assert other.endpoint_url != swf.endpoint_url
        assert domains(swf.client()) == ["local"]


def test_mock_aws_does_not_reset_it(swf: LocalSWF) -> None:
    """moto's mock in the same process neither resets a local SWF nor answers for it."""
    from moto import mock_aws

    swf.register_domain("kept")
    with mock_aws():
        assert domains(swf.client()) == ["kept", "local"]
    assert domains(swf.client()) == ["kept", "local"]


def test_a_port_can_be_chosen_and_taken_again() -> None:
    """A port can be chosen, and after stop() it is free at once."""
    with LocalSWF() as first:
        first.client().list_domains(registrationStatus="REGISTERED")
    port = int(first.endpoint_url.rpartition(":")[2])
    with LocalSWF(port) as second:
        assert second.endpoint_url == first.endpoint_url
        assert domains(second.client()) == ["local"]


def test_a_port_in_use_is_an_error(swf: LocalSWF) -> None:
    """The error names the port and the way out; the other local SWF goes on."""
    port = swf.endpoint_url.rpartition(":")[2]
    other = LocalSWF(int(port))
    with pytest.raises(LocalSWFError, match=rf"port {port} .*in use.*port 0"):
        other.start()
    other.stop()
    assert domains(swf.client()) == ["local"]


@pytest.mark.parametrize("port", [-1, 65_536])
def test_an_invalid_port_is_refused(port: int) -> None:
    """A port out of range is refused at once."""
    with pytest.raises(ValueError, match=str(port)):
        LocalSWF(port)


@pytest.mark.parametrize("seconds", [-1.0, float("nan")])
def test_an_invalid_poll_time_is_refused(seconds: float) -> None:
    """A poll_seconds below 0 or NaN is refused at once."""
    with pytest.raises(ValueError, match="poll_seconds"):
        LocalSWF(poll_seconds=seconds)


def test_before_the_start_there_is_no_endpoint() -> None:
    """If the port is 0, the endpoint is known only after start()."""
    swf = LocalSWF()
    with pytest.raises(LocalSWFError, match="start"):
        _ = swf.endpoint_url
    with pytest.raises(LocalSWFError, match="start"):
        swf.register_domain("d")
    assert LocalSWF(8000).endpoint_url == "http://127.0.0.1:8000"


def test_repr_shows_the_endpoint() -> None:
    """repr() shows whether it serves, and where."""
    swf = LocalSWF()
    assert repr(swf) == "<LocalSWF stopped>"
    with swf:
        assert swf.endpoint_url in repr(swf)


def test_start_and_stop_may_be_repeated() -> None:
    """start() does nothing if it serves, stop() if it does not."""
    swf = LocalSWF()
    swf.stop()
    swf.start()
    where = swf.endpoint_url
    swf.start()
    assert swf.endpoint_url == where
    swf.stop()
    swf.stop()


def test_a_restart_keeps_port_and_state(swf: LocalSWF) -> None:
    """A client from before a restart can go on, and finds the same state."""
    client = swf.client()
    swf.register_domain("kept")
    where = swf.endpoint_url
    swf.stop()
    with pytest.raises(EndpointConnectionError):
        client.list_domains(registrationStatus="REGISTERED")
    swf.start()
    assert swf.endpoint_url == where
    assert domains(client) == ["kept", "local"]


def test_a_stop_releases_polls_and_idle_connections() -> None:
    """stop() answers held polls at once, without a task, and leaves no thread."""
    before = set(threading.enumerate())
    swf = LocalSWF(poll_seconds=2 * PATIENCE_SECONDS)
    swf.start()
    client = swf.client(read_timeout=3 * PATIENCE_SECONDS)
    polls = 20

    def poll(_: int) -> str:
        try:
            answer = client.poll_for_activity_task(domain="local", taskList={"name": "t"})
            return answer.get("taskToken", "")
        except BotoCoreError:  # the poll came after stop()
            return ""

    with ThreadPoolExecutor(polls) as pool:
        asked = pool.map(poll, range(polls), timeout=PATIENCE_SECONDS)
        client.list_domains(registrationStatus="REGISTERED")
        swf.stop()
        assert set(asked) == {""}
    until(lambda: set(threading.enumerate()) <= before, "the end of its threads")


def test_many_clients_at_once(swf: LocalSWF) -> None:
    """Twenty clients that call as fast as they can are all answered."""
    calls = 5

    def call(_: int) -> int:
        client = swf.client()
        return sum(len(domains(client)) for _ in range(calls))

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(call, range(20))) == [calls] * 20


def test_polls_need_not_be_held() -> None:
    """poll_seconds=0 answers an empty poll at once."""
    with LocalSWF(poll_seconds=0) as swf:
        answer = swf.client().poll_for_activity_task(domain="local", taskList={"name": "t"})
    assert "taskToken" not in answer


def test_a_client_fits_long_polls(swf: LocalSWF) -> None:
    """A client reads for 70 s and makes one attempt, unless told otherwise."""
    config: Any = swf.client().meta.config
    assert config.read_timeout == 70
    assert config.retries["total_max_attempts"] == 1
    patient: Any = swf.client(read_timeout=90).meta.config
    assert patient.read_timeout == 90


def test_a_connection_without_a_thread_is_closed(
    swf: LocalSWF, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a free thread a connection is closed and logged; later ones are served."""

    def exhausted(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", exhausted)
        with pytest.raises(BotoCoreError):
            domains(swf.client())
    assert "closed a connection: can't start new thread" in caplog.text
    assert domains(swf.client()) == ["local"]


def test_an_internal_error_is_logged(
    swf: LocalSWF, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug in the local SWF is HTTP 500 for the client and a traceback in the log."""
    from flowy.local.model.backend import LocalBackend

    def broken(self: LocalBackend, *args: object, **kwargs: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(LocalBackend, "list_domains", broken)
    with pytest.raises(ClientError) as caught:
        domains(swf.client())
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert "ZeroDivisionError" in caplog.text
