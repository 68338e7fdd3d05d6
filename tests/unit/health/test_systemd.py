"""What systemd is told, over a socket as systemd makes it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from flowy.health.systemd import SystemdNotifier, notifier_from
from tests.unit.health.healths import ILL, NEW, STOPPING, WELL


class Systemd:
    """The socket that NOTIFY_SOCKET names."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.setblocking(False)

    def heard(self) -> list[str]:
        """Return the lines of one datagram, sorted; none if there is none."""
        try:
            return sorted(self._socket.recv(4096).decode().split("\n"))
        except BlockingIOError:
            return []

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def address(tmp_path: Path) -> str:
    return str(tmp_path / "notify")


@pytest.fixture
def systemd(address: str) -> Iterator[Systemd]:
    made = Systemd(address)
    yield made
    made.close()


def test_what_it_is_told(address: str, systemd: Systemd) -> None:
    """READY once, STOPPING once, and what the worker does whenever that changes."""
    notifier = SystemdNotifier(address)
    notifier.show(NEW)
    assert systemd.heard() == ["STATUS=starting"]
    notifier.show(WELL)
    assert systemd.heard() == ["READY=1", "STATUS=serving"]
    notifier.show(WELL)
    assert systemd.heard() == []
    notifier.show(ILL)
    assert systemd.heard() == ["STATUS=serving; poller 0 is dead"]
    notifier.show(STOPPING)
    assert systemd.heard() == ["STATUS=stopping", "STOPPING=1"]
    notifier.show(replace(WELL, summary="stopping"))
    assert systemd.heard() == []
    notifier.close()


def test_the_watchdog(address: str, systemd: Systemd) -> None:
    """It hears of a live worker at each look, and nothing of one that is not live."""
    notifier = SystemdNotifier(address, 30.0)
    notifier.show(WELL)
    assert systemd.heard()[-1] == "WATCHDOG=1"
    notifier.show(WELL)
    assert systemd.heard() == ["WATCHDOG=1"]
    notifier.show(ILL)
    assert systemd.heard() == ["STATUS=serving; poller 0 is dead"]
    notifier.show(ILL)
    assert systemd.heard() == []
    notifier.show(STOPPING)
    assert systemd.heard()[-1] == "WATCHDOG=1"


def test_a_systemd_that_does_not_read(
    address: str, systemd: Systemd, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody waits for it, and what is new is told as soon as it reads again."""
    notifier = SystemdNotifier(address, 30.0)
    for _ in range(1_000):
        notifier.show(NEW)
    notifier.show(WELL)
    assert "Cannot send the health to systemd" in caplog.text
    while systemd.heard():
        pass
    notifier.show(WELL)
    assert systemd.heard() == ["READY=1", "STATUS=serving", "WATCHDOG=1"]


def test_an_abstract_socket() -> None:
    """systemd writes its zero byte as an @."""
    name = f"flowy-test-{os.getpid()}"
    systemd = Systemd(f"\0{name}")
    try:
        SystemdNotifier(f"@{name}").show(WELL)
        assert systemd.heard() == ["READY=1", "STATUS=serving"]
    finally:
        systemd.close()


def test_a_socket_that_is_gone(address: str, caplog: pytest.LogCaptureFixture) -> None:
    """One warning; a worker goes on without systemd."""
    notifier = SystemdNotifier(address, 30.0)
    notifier.show(WELL)
    notifier.show(WELL)
    (record,) = caplog.records
    assert record.getMessage() == ("Cannot send the health to systemd: No such file or directory.")


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": str(os.getpid())}, 0.5),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
    ],
)
def test_what_systemd_has_set(environment: dict[str, str], seconds: float | None) -> None:
    """The watchdog may be meant for another process, which has inherited the variables."""
    notifier = notifier_from({"NOTIFY_SOCKET": "/run/systemd/notify", **environment})
    assert notifier is not None
    assert notifier.watchdog_seconds == seconds


@pytest.mark.parametrize("address", [None, "", "vsock:2:1234"])
def test_nobody_asks(address: str | None) -> None:
    """Without a socket of this machine nobody is told."""
    assert notifier_from({} if address is None else {"NOTIFY_SOCKET": address}) is None
