"""Where a local SWF listens: loopback, or for containers with the names that are allowed."""

from __future__ import annotations

import http.client
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from flowy.cli import ExitCode, main
from flowy.local import LocalSWF
from flowy.loopback.address import Address
from tests.patience import PATIENCE_SECONDS


def status(url: str, host: str, *, method: str = "GET", **headers: str) -> int:
    """The status of an answer to a request with this Host."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(
        str(where.hostname), where.port, timeout=PATIENCE_SECONDS
    )
    try:
        connection.request(method, "/", "{}", {"Host": host, **headers})
        return connection.getresponse().status
    finally:
        connection.close()


def test_it_listens_on_loopback_by_default(caplog: pytest.LogCaptureFixture) -> None:
    """Without host it listens on 127.0.0.1 and says nothing."""
    with LocalSWF() as swf:
        assert swf.endpoint_url.startswith("http://127.0.0.1:")
        assert swf._endpoint is not None
        assert swf._endpoint.server_address[0] == "127.0.0.1"
    assert caplog.text == ""


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "172.17.0.1", "192.168.0.7"])
def test_another_address_needs_a_list_of_hosts(host: str) -> None:
    """An address that others may reach needs allowed_hosts, and the error says which."""
    with pytest.raises(ValueError, match=r"must be listed.*host\.docker\.internal"):
        LocalSWF(host=host)


def test_containers_reach_it_by_the_allowed_names(caplog: pytest.LogCaptureFixture) -> None:
    """On 0.0.0.0 the allowed names and loopback's are answered, others not; a warning is logged."""
    with LocalSWF(
        host="0.0.0.0", allowed_hosts=["SWF", "host.docker.internal"], page_port=0
    ) as swf:
        assert "everybody who can reach this address" in caplog.text
        assert swf.endpoint_url.startswith("http://127.0.0.1:")
        assert swf.client().list_domains(registrationStatus="REGISTERED")["domainInfos"]
        for host in ("swf", "swf:4567", "Host.Docker.Internal:1", "localhost", "127.0.0.1:80"):
            assert status(swf.page_url, host) == 200
            assert status(swf.endpoint_url, host, method="POST") == 400
        for host in ("example.com", "swf.example.com", "xswf", "10.0.0.1", "0.0.0.0", ""):
            assert status(swf.page_url, host) == 403
            assert status(swf.endpoint_url, host, method="POST") == 403
        assert status(swf.page_url, "swf", Origin="http://example.com") == 403
        assert status(swf.page_url, "swf", Origin="http://swf") == 200


def test_a_name_may_be_allowed_on_loopback(caplog: pytest.LogCaptureFixture) -> None:
    """allowed_hosts alone, for a tunnel or a proxy on this machine, draws no warning."""
    with LocalSWF(allowed_hosts=["swf.test"], page_port=0) as swf:
        assert status(swf.page_url, "swf.test") == 200
        assert status(swf.page_url, "swf.example") == 403
    assert caplog.text == ""


def test_one_address_of_this_machine() -> None:
    """Programs on this machine use the address itself, which is a known host."""
    with LocalSWF(host="127.0.0.2", allowed_hosts=["swf"], page_port=0) as swf:
        assert swf.endpoint_url.startswith("http://127.0.0.2:")
        assert swf.client().list_domains(registrationStatus="REGISTERED")["domainInfos"]
        assert status(swf.page_url, urlsplit(swf.page_url).netloc) == 200


def test_ipv6() -> None:
    """An address of IPv6 stands in brackets in the URL."""
    if not socket.has_ipv6:
        pytest.skip("no IPv6")
    assert Address("::1").url(80) == "http://[::1]:80"
    assert Address("::", ["swf"]).url(80) == "http://[::1]:80"
    assert Address("::1").answers_to("[::1]:80")
    assert Address("fe80::1", ["fd00::2"]).answers_to("[fd00::2]")


@pytest.mark.parametrize("host", ["", "example.com", "127.0.0.1:80", "*", "[::1]", "256.0.0.1"])
def test_a_host_that_is_no_address_is_refused(host: str) -> None:
    """host is an IP address or localhost."""
    with pytest.raises(ValueError, match="not an IP address"):
        LocalSWF(host=host)
    assert Address("localhost").host == "127.0.0.1"


@pytest.mark.parametrize("name", ["", "*", "*.test", "swf:80", "http://swf", "a b", "swf.", "a..b"])
def test_a_name_that_is_no_host_is_refused(name: str) -> None:
    """A name with a port, a scheme or a wildcard would never match, or match everything."""
    with pytest.raises(ValueError, match="without a scheme, a port or a wildcard"):
        LocalSWF(allowed_hosts=[name])
    names: Any = "swf"
    with pytest.raises(TypeError, match="list of names"):
        LocalSWF(allowed_hosts=names)


def test_the_command_needs_the_names_too(capsys: pytest.CaptureFixture[str]) -> None:
    """``flowy local --host`` without ``--allow-host`` is a usage error."""
    assert main(["local", "--host", "0.0.0.0"]) == ExitCode.USAGE
    assert "must be listed" in capsys.readouterr().err
    assert main(["local", "--allow-host", "*"]) == ExitCode.USAGE
    assert "wildcard" in capsys.readouterr().err
