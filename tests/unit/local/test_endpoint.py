"""The HTTP endpoint: refused requests, malformed requests, kept connections."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from flowy.local import LocalSWF
from tests.patience import PATIENCE_SECONDS
from tests.unit.local.conftest import Wire

LIST_DOMAINS = '{"registrationStatus": "REGISTERED"}'


def address(swf: LocalSWF) -> tuple[str, int]:
    host, _, port = swf.endpoint_url.removeprefix("http://").rpartition(":")
    return host, int(port)


@contextmanager
def connected(swf: LocalSWF) -> Iterator[socket.socket]:
    with socket.create_connection(address(swf), timeout=PATIENCE_SECONDS) as connection:
        yield connection


def until_closed(connection: socket.socket) -> bytes:
    read = b""
    while part := connection.recv(65536):
        read += part
    return read


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "LOCALHOST:8080"])
def test_a_loopback_host_is_accepted(wire: Wire, host: str) -> None:
    """A Host header may name loopback with any port, because of tunnels."""
    assert wire.call("ListDomains", LIST_DOMAINS, Host=host)[0] == 200


@pytest.mark.parametrize(
    "host",
    ["example.com", "127.0.0.1.example.com", "localhost.example.com:80", "10.0.0.1", "", ":"],
)
def test_a_foreign_host_is_refused(wire: Wire, host: str) -> None:
    """A foreign name gets 403: a web page can make it resolve to loopback (DNS rebinding)."""
    status, answer, _ = wire.call("ListDomains", LIST_DOMAINS, Host=host)
    assert status == 403
    assert "domainInfos" not in answer


def test_a_request_has_one_host(swf: LocalSWF) -> None:
    """A request without a Host, or with two, gets 403."""
    for hosts in (b"", b"Host: localhost\r\nHost: example.com\r\n"):
        with connected(swf) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\n" + hosts + b"Content-Length: 0\r\n\r\n")
            assert until_closed(connection).startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize("origin", ["https://example.com", "null", "http://localhost:3000"])
def test_a_foreign_origin_is_refused(wire: Wire, origin: str) -> None:
    """A web page of another origin gets 403, without a CORS header."""
    status, _, headers = wire.call("ListDomains", LIST_DOMAINS, Origin=origin)
    assert status == 403
    assert not any(name.lower().startswith("access-control") for name in headers)


def test_the_endpoints_own_origin_is_accepted(swf: LocalSWF, wire: Wire) -> None:
    """A request with the endpoint's own origin is answered, without a CORS header."""
    status, _, headers = wire.call("ListDomains", LIST_DOMAINS, Origin=swf.endpoint_url)
    assert status == 200
    assert not any(name.lower().startswith("access-control") for name in headers)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "POST"])
def test_every_method_checks_the_host(wire: Wire, method: str) -> None:
    """Every method, a preflight too, is refused if the Host is foreign."""
    wire.send("ListDomains", LIST_DOMAINS, method=method, Host="example.com")
    assert wire.receive()[0] == 403


def test_it_listens_on_loopback_only(swf: LocalSWF) -> None:
    """Other machines on the network cannot reach it."""
    assert swf.endpoint_url.startswith("http://127.0.0.1:")
    port = address(swf)[1]
    for family, _, _, _, where in socket.getaddrinfo(socket.gethostname(), port):
        host = str(where[0])
        if host.startswith("127.") or host == "::1":
            continue
        with socket.socket(family, socket.SOCK_STREAM) as probe, pytest.raises(OSError):
            probe.settimeout(PATIENCE_SECONDS)
            probe.connect(where)


@pytest.mark.parametrize(
    ("action", "body", "fault"),
    [
        ("Dance", "{}", "UnknownOperationException"),
        ("", "{}", "UnknownOperationException"),
        ("__init__", "{}", "UnknownOperationException"),
        ("DeleteActivityType", "{}", "Exception"),
        ("ListTagsForResource", "7", "SerializationException"),
        ("ListDomains", "no JSON", "SerializationException"),
        ("ListDomains", "", "SerializationException"),
        ("ListDomains", b"\xff\xfe", "SerializationException"),
        ("ListDomains", "[" * 100_000, "SerializationException"),
        ("ListDomains", "[]", "SerializationException"),
        ("ListDomains", "{}", "ValidationException"),
        ("ListDomains", '{"registrationStatus": null}', "ValidationException"),
        ("ListDomains", '{"registrationStatus": ["REGISTERED"]}', "SerializationException"),
        ("ListDomains", '{"registrationStatus": "A", "maximumPageSize": "1"}', "Serialization"),
        ("PollForActivityTask", '{"domain": "local", "taskList": "t"}', "SerializationException"),
        ("RespondDecisionTaskCompleted", '{"taskToken": "t", "decisions": {}}', "Serialization"),
    ],
)
def test_a_malformed_request_gets_400(
    wire: Wire, action: str, body: str | bytes, fault: str
) -> None:
    """A request that cannot be carried out gets HTTP 400 and a fault; clients retry a 500."""
    status, answer, _ = wire.call(action, body)
    assert status == 400
    assert fault in answer["__type"]
    assert answer["message"]
    assert wire.call("ListDomains", LIST_DOMAINS)[0] == 200


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"501"),
        (b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}", b"404"),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", b"411"),
        (
            b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"411",
        ),
        (b"POST / HTTP/9.9\r\nHost: localhost\r\n\r\n", b"505"),
        (b"\x16\x03\x01 not HTTP at all\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 200 + b"\r\n", b"431"),
        (b"POST /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
    ],
)
def test_malformed_http_is_answered_and_closed(
    swf: LocalSWF, request_bytes: bytes, status: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    """Malformed HTTP gets an HTTP error, and the connection is closed."""
    with connected(swf) as connection:
        connection.sendall(request_bytes)
        answer = until_closed(connection)
    assert answer.split()[1] == status if answer.startswith(b"HTTP") else b"message" in answer
    assert capfd.readouterr() == ("", "")


def test_a_request_has_a_size_limit(wire: Wire) -> None:
    """A request over 1 MB, SWF's limit, is refused, and the client can read why."""
    assert wire.call("ListDomains", b" " * (1024 * 1024) + b" ")[0] == 413
    assert wire.call("ListDomains", LIST_DOMAINS + " " * 1_000_000)[0] == 200


def test_an_incomplete_request_does_nothing(swf: LocalSWF, wire: Wire) -> None:
    """A request whose body is incomplete is not carried out."""
    body = json.dumps({"name": "half", "workflowExecutionRetentionPeriodInDays": "1"})
    with connected(swf) as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: localhost\r\n"
            b"X-Amz-Target: SimpleWorkflowService.RegisterDomain\r\n"
            b"Content-Length: 1000\r\n\r\n" + body.encode()
        )
        connection.shutdown(socket.SHUT_WR)
        assert until_closed(connection) == b""
    assert wire.call("DescribeDomain", '{"name": "half"}')[0] == 400


def test_connections_are_kept(wire: Wire) -> None:
    """All requests of a client use one connection, also after faults."""
    wire.call("ListDomains", LIST_DOMAINS)
    kept = wire.connection.sock
    wire.call("ListDomains", "{}")
    wire.call("ListDomains", LIST_DOMAINS)
    assert kept is not None
    assert wire.connection.sock is kept


def test_every_answer_has_a_request_id(swf: LocalSWF, wire: Wire) -> None:
    """Successes, empty polls, faults and refused requests: each answer has an id of its own."""
    swf.faults.throttle("DescribeDomain")
    nothing = '{"domain": "local", "taskList": {"name": "t"}}'
    swf.faults.fail("CountPendingActivityTasks")
    answers = [
        wire.call("ListDomains", LIST_DOMAINS),
        wire.call("RegisterDomain", '{"name": "d", "workflowExecutionRetentionPeriodInDays": "1"}'),
        wire.call("ListDomains", "{}"),
        wire.call("DescribeDomain", '{"name": "local"}'),
        wire.call("CountPendingActivityTasks", nothing),
        wire.call("ListDomains", LIST_DOMAINS, Host="example.com"),
        wire.call("ListDomains", LIST_DOMAINS, method="PUT"),
        wire.call("ListDomains", LIST_DOMAINS, path="/x"),
    ]
    with LocalSWF(poll_seconds=0) as impatient:
        empty = Wire(impatient)
        with closing(empty.connection):
            answers.append(empty.call("PollForActivityTask", nothing))
    assert [status for status, _, _ in answers] == [200, 200, 400, 400, 500, 403, 501, 404, 200]
    assert len({headers["x-amzn-RequestId"] for _, _, headers in answers}) == len(answers)


def test_a_client_that_asks_to_close_is_closed(wire: Wire) -> None:
    """After "Connection: close" the connection is closed."""
    _, _, headers = wire.call("ListDomains", LIST_DOMAINS, Connection="close")
    assert headers["Connection"] == "close"
    assert wire.connection.sock is None


def test_a_poller_that_has_gone_gets_no_task(swf: LocalSWF, wire: Wire) -> None:
    """A task that comes after a poller hung up goes to the next poller."""
    client: Any = swf.client()
    client.register_workflow_type(
        domain=swf.domain,
        name="w",
        version="1",
        defaultTaskList={"name": "t"},
        defaultTaskStartToCloseTimeout="NONE",
        defaultExecutionStartToCloseTimeout="60",
        defaultChildPolicy="TERMINATE",
    )
    wire.send("PollForDecisionTask", '{"domain": "local", "taskList": {"name": "t"}}')
    wire.connection.close()
    client.start_workflow_execution(
        domain=swf.domain, workflowId="w", workflowType={"name": "w", "version": "1"}
    )
    task = client.poll_for_decision_task(domain=swf.domain, taskList={"name": "t"})
    assert task["workflowExecution"]["workflowId"] == "w"


def test_it_is_quiet(
    wire: Wire, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Requests write nothing to stdout or stderr and log nothing above DEBUG."""
    wire.call("ListDomains", LIST_DOMAINS)
    wire.call("ListDomains", "rubbish")
    wire.call("ListDomains", LIST_DOMAINS, Host="example.com")
    assert capfd.readouterr() == ("", "")
    assert not [record for record in caplog.records if record.levelname != "DEBUG"]


@pytest.mark.parametrize("digits", [16, 5000])
def test_a_length_with_thousands_of_digits(swf: LocalSWF, digits: int) -> None:
    """A Content-Length with thousands of digits gets 413, as any length that is too large."""
    with connected(swf) as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + b"9" * digits + b"\r\n\r\n"
        )
        connection.shutdown(socket.SHUT_WR)
        assert until_closed(connection).startswith(b"HTTP/1.1 413 ")


def test_the_prefix_of_boto_2_is_accepted(wire: Wire) -> None:
    """boto 2 has a longer prefix before the action; SWF answers it with its content type."""
    prefix = "com.amazonaws.swf.service.model.SimpleWorkflowService"
    target = {"X-Amz-Target": f"{prefix}.ListDomains"}
    wire.connection.request("POST", "/", LIST_DOMAINS, target)
    status, answer, headers = wire.receive()
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert [each["name"] for each in answer["domainInfos"]] == ["local"]
    headers = wire.call("ListDomains", LIST_DOMAINS)[2]
    assert headers["Content-Type"] == "application/x-amz-json-1.0"
