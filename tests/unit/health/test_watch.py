"""How often a worker's health is read, and what shows it."""

from __future__ import annotations

import json
import logging
import socket
import threading
import urllib.request
from pathlib import Path

import pytest

from flowy.exception import HealthError
from flowy.health import HealthOptions
from flowy.health.vitals import Vitals
from flowy.health.watch import LOOK_SECONDS, HealthLog, HealthWatch, health_shown
from tests.patience import PATIENCE_SECONDS
from tests.unit.clocks import TurnedClock
from tests.unit.health.healths import ILL, STOPPING, WELL, Patient


class Shown:
    """Keeps what is shown."""

    def __init__(self) -> None:
        self.vitals: list[Vitals] = []
        self.closed = False
        self.error: Exception | None = None
        self._news = threading.Condition()

    def show(self, vitals: Vitals) -> None:
        with self._news:
            self.vitals.append(vitals)
            self._news.notify_all()
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        self.closed = True

    def wait_for(self, count: int) -> None:
        with self._news:
            assert self._news.wait_for(lambda: len(self.vitals) >= count, PATIENCE_SECONDS)


def test_it_looks_at_once_and_then_every_second() -> None:
    """And shows what it finds, by the options."""
    clock, patient, shown, options = TurnedClock(), Patient(), Shown(), HealthOptions()
    with HealthWatch(patient, options, [shown], clock=clock):
        assert shown.vitals == [WELL]
        patient.now = ILL
        clock.turn_when_awaited(LOOK_SECONDS)
        shown.wait_for(2)
    assert shown.vitals == [WELL, ILL]
    assert shown.closed
    assert patient.looks == 2
    assert patient.given is options


def test_a_look_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The next one follows; but at the start it is an error."""
    clock, shown = TurnedClock(), Shown()
    with HealthWatch(Patient(), HealthOptions(), [shown], clock=clock):
        shown.error = RuntimeError("of the outlet's own")
        for count in (2, 3):
            clock.turn_when_awaited(LOOK_SECONDS)
            shown.wait_for(count)
    assert "A look at the worker's health failed; the next one follows." in caplog.messages
    with (
        pytest.raises(RuntimeError, match="of the outlet's own"),
        HealthWatch(Patient(), HealthOptions(), [shown], clock=clock),
    ):
        pass


def test_the_log_tells_what_changes(caplog: pytest.LogCaptureFixture) -> None:
    """One line when a worker stops being live, one when it is live again."""
    caplog.set_level(logging.DEBUG)
    log = HealthLog()
    for vitals in (WELL, ILL, ILL, WELL, STOPPING):
        log.show(vitals)
    log.close()
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "The worker is not live: poller 0 is dead. Restart it."),
        ("WARNING", "The worker is live again."),
    ]
    ill, well = (record.__dict__ for record in caplog.records)
    assert (ill["flowy_event"], ill["flowy_fault"]) == ("worker_not_live", "poller 0 is dead")
    assert well["flowy_event"] == "worker_live"


def test_all_at_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """HTTP, a file and systemd; at the end all of them are gone."""
    caplog.set_level(logging.INFO)
    path = tmp_path / "health"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(PATIENCE_SECONDS)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "300000"}
        with health_shown(HealthOptions(http=0, file=path), Patient(), environment):
            url = caplog.messages[0].removeprefix("Health is served on ").rstrip(".")
            with urllib.request.urlopen(f"{url}/live") as answer:
                assert answer.read() == b"live\n"
            assert json.loads(path.read_text())["live"] is True
            assert systemd.recv(4096) == b"STATUS=serving\nREADY=1\nWATCHDOG=1"
            assert systemd.recv(4096) == b"WATCHDOG=1"  # within the time that it was given
    assert not path.exists()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{url}/live")
    assert not [each for each in threading.enumerate() if each.name.startswith("flowy-health")]


def test_nothing_is_left_of_a_start_that_fails(tmp_path: Path) -> None:
    """The port is free again if the file cannot be written."""
    options = HealthOptions(http=f"unix:{tmp_path}/sock", file=tmp_path / "missing" / "health")
    with pytest.raises(HealthError, match="Cannot write"), health_shown(options, Patient(), {}):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_system_without_threads() -> None:
    """It is said at the start."""
    before = threading.stack_size()
    watch = HealthWatch(Patient(), HealthOptions(), [])
    threading.stack_size(2**44)  # of 16 TiB: the system refuses that
    try:
        with pytest.raises(HealthError, match="a thread cannot be started"), watch:
            pass
    finally:
        threading.stack_size(before)
