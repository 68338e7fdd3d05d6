"""Clients that do not read, ambiguous requests, exhausted descriptors, quotas of 0."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest

from flowy.local import LocalSWF, Quotas
from flowy.loopback import server as loopback
from tests.patience import PATIENCE_SECONDS, until
from tests.unit.local.conftest import Work


@pytest.fixture
def shown() -> Iterator[LocalSWF]:
    with LocalSWF(poll_seconds=0, page_port=0) as swf:
        yield swf


def connect(url: str) -> socket.socket:
    where = urlsplit(url)
    return socket.create_connection(
        (str(where.hostname), where.port or 0), timeout=PATIENCE_SECONDS
    )


def answer_to(url: str, request: bytes) -> bytes:
    """What comes before the connection is closed."""
    read = b""
    with connect(url) as connection:
        connection.sendall(request)
        while part := connection.recv(65536):
            read += part
    return read


def send_until_stuck(connection: socket.socket, request: bytes) -> None:
    """Send requests and read no answer until the server reads no more either."""
    connection.settimeout(0.3)
    try:
        while True:
            connection.sendall(request * 100)
    except TimeoutError:
        pass


def test_clients_that_never_read_share_one_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop waits once for all clients that do not read, and leaves no thread of theirs."""
    monkeypatch.setattr(loopback, "_DRAIN_SECONDS", 2.0)
    before = set(threading.enumerate())
    swf = LocalSWF(poll_seconds=0, page_port=0)
    swf.start()
    with ExitStack() as open_ones:
        stuck = [open_ones.enter_context(connect(swf.page_url)) for _ in range(8)]
        for connection in stuck:
            send_until_stuck(connection, b"GET /page.js HTTP/1.1\r\nHost: localhost\r\n\r\n")
        began = time.monotonic()
        swf.stop()
        took = time.monotonic() - began
    assert took < 8 * 2.0 - 2.0  # less than once for each
    until(lambda: set(threading.enumerate()) <= before, "the end of its threads")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ("Content-Length: 2\r\nContent-Length: 2\r\n", b"400"),
        ("Content-Length: 2\r\nContent-Length: 200\r\n", b"400"),
        ("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", b"400"),
        ("Origin: http://localhost\r\nOrigin: http://localhost\r\n", b"403"),
        ("Origin: http://localhost\r\nOrigin: https://example.com\r\n", b"403"),
        ("Origin: http://[\r\n", b"403"),
        ("Origin: \r\n", b"403"),
    ],
)
def test_ambiguous_headers_are_refused(
    shown: LocalSWF, headers: str, status: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """A length or an origin that two readers may read differently is refused by both servers."""
    for url, line in ((shown.endpoint_url, "POST / "), (shown.page_url, "GET / ")):
        request = f"{line}HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n{{}}"
        assert answer_to(url, request.encode()).split()[1] == status
    assert caplog.text == ""


@pytest.mark.parametrize(
    "target", ["http://[", "http://[/look/overview", "//[", "/look/overview?domain=[", "*", "["]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_targets_that_cannot_be_read(
    shown: LocalSWF, method: str, target: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A target that is not an address gets an HTTP error without a traceback; ``http://[`` too."""
    for url in (shown.endpoint_url, shown.page_url):
        request = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        answer = answer_to(url, f"{request}Content-Length: 0\r\n\r\n".encode())
        assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 501", b"HTTP/1.1 200"))
    assert caplog.text == ""


@pytest.mark.parametrize("host", ["http://[", "[", "[::1", "localhost:", "localhost:x", "a@b"])
def test_hosts_that_cannot_be_read(
    shown: LocalSWF, host: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An invalid Host is refused without a traceback."""
    request = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    assert answer_to(shown.page_url, request).startswith(b"HTTP/1.1 403 ")
    assert caplog.text == ""


def test_without_descriptors_it_rests(
    shown: LocalSWF, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a descriptor it rests between two tries, warns once, and serves as soon as it can."""
    accept = socket.socket.accept
    tries: list[float] = []

    def exhausted(self: socket.socket) -> Any:
        tries.append(time.monotonic())
        if len(tries) < 5:
            raise OSError(errno.EMFILE, "Too many open files")
        return accept(self)

    monkeypatch.setattr(socket.socket, "accept", exhausted)
    assert answer_to(
        shown.page_url, b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    ).startswith(b"HTTP/1.1 200")
    assert tries[4] - tries[0] >= 4 * loopback._REST_SECONDS
    assert caplog.text.count("Too many open files") == 1


def test_a_quota_of_no_pollers_breaks_nothing() -> None:
    """Polls are refused as SWF refuses them; a task for the refused poller's list still comes."""
    with LocalSWF(poll_seconds=0, quotas=Quotas(pollers=0)) as swf:
        work = Work(swf)
        for poll in (work.poll_decision, work.poll_activity):
            with pytest.raises(work.client.exceptions.LimitExceededFault, match="0 pollers"):
                poll()
        assert work.event_types(work.start())[-1] == "DecisionTaskScheduled"


@pytest.mark.parametrize("name", ["open_activity_tasks", "open_timers", "events"])
def test_quotas_of_nothing_give_faults_of_swf(name: str) -> None:
    """Every other quota may be 0: starts and polls are answered, and nothing breaks."""
    quotas: Any = {name: 0}
    with LocalSWF(poll_seconds=0, quotas=Quotas(**quotas)) as swf:
        work = Work(swf)
        execution = work.start()
        task = work.poll_decision()
        if name == "events":
            assert work.event_types(execution)[-1] == "WorkflowExecutionTerminated"
        else:
            work.client.respond_decision_task_completed(
                taskToken=task["taskToken"], decisions=[work.schedule_decision("a")]
            )
        work.poll_activity()


def test_a_negative_quota_is_refused() -> None:
    """A quota below 0, or NaN, is refused at once."""
    for number in (-1, float("nan")):
        quotas: Any = {"pollers": number}
        with pytest.raises(ValueError, match="quota pollers=.*: give 0 or more"):
            Quotas(**quotas)
