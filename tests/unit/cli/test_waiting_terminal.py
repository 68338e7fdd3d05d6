"""Each command that may take long shows a line on a terminal meanwhile, and takes it back."""

from __future__ import annotations

import argparse
import io
import json
import os
import socket
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from flowy.claims import FolderStore
from flowy.cli import ExitCode, main
from flowy.cli import waiting as module
from flowy.cli.changes import Change, carry_out
from flowy.cli.local_swf import started
from flowy.envelope import Envelope
from flowy.local import LocalSWF
from tests.gates import Gate, new_gate
from tests.patience import PATIENCE_SECONDS
from tests.unit.cli.conftest import Command
from tests.unit.shop import scheduled

ACTIVITIES = """
    from flowy import Activity, activity

    @activity(name="charge", version=1, task_list="work", heartbeat=30, schedule_to_close=None,
              schedule_to_start=None, start_to_close=None)
    class Charge(Activity):
        def run(self, order):
            return order
    """

SLOW = """
    from tests.gates import wait_in

    wait_in({path!r})
    from quick_shop import Charge
    """

STORE = """
    from flowy.claims import FolderStore
    from tests.gates import wait_in

    class Slow(FolderStore):
        def _get(self, key, size_bytes):
            wait_in({path!r})
            return super()._get(key, size_bytes)

    STORE = Slow({folder!r})
    """


class Terminal:
    """Standard error on a pseudo-terminal, read by a thread."""

    def __init__(self) -> None:
        self._own, theirs = os.openpty()
        self.stderr = os.fdopen(theirs, "w")
        self.written = ""
        self._more = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with suppress(OSError):  # all have closed the other end
            while data := os.read(self._own, 4096):
                with self._more:
                    self.written += data.decode()
                    self._more.notify_all()

    def wait_for(self, text: str) -> None:
        """Wait until something has been written, wherever it stands."""
        with self._more:
            assert self._more.wait_for(lambda: text in self.written, PATIENCE_SECONDS), text

    def __enter__(self) -> Terminal:
        """Make it standard error of this process."""
        self._before, sys.stderr = sys.stderr, self.stderr
        return self

    def __exit__(self, *_: object) -> None:
        """Close it, and read the rest."""
        sys.stderr = self._before
        self.stderr.close()
        self._reader.join(PATIENCE_SECONDS)
        os.close(self._own)

    def screen(self) -> list[str]:
        """What a person sees in the end: the lines, without those that are empty."""
        shown = []
        for line in self.written.split("\n"):
            cells: list[str] = []
            for part in line.split("\r"):
                cells[: len(part)] = part
            shown.append("".join(cells).rstrip())
        return [line for line in shown if line]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal on which the line comes at once."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.001)
    return Terminal()


def _forward(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def slow_swf(command: Command, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The SWF of the commands takes no connection before the event is set."""
    goes_on, swf = threading.Event(), urlsplit(command.shop.swf.endpoint_url)
    assert swf.hostname is not None
    assert swf.port is not None
    there = (swf.hostname, swf.port)
    ends: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(target: Callable[..., None], *args: socket.socket) -> None:
        threads.append(threading.Thread(target=target, args=args, daemon=True))
        threads[-1].start()

    def serve(listener: socket.socket) -> None:
        goes_on.wait(PATIENCE_SECONDS)
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(there)
                ends.extend((near, far))
                start(_forward, near, far)
                start(_forward, far, near)

    listener = socket.create_server(("127.0.0.1", 0))
    start(serve, listener)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SWF", f"http://127.0.0.1:{listener.getsockname()[1]}")
    yield goes_on
    goes_on.set()
    for end in (listener, *ends):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    for end in (listener, *ends):
        end.close()


@pytest.fixture(autouse=True)
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """The gate of modules in the current folder: activities, slow ones, a slow store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    with new_gate(tmp_path) as gate:
        names = {"path": gate.path, "folder": str(tmp_path / "claims")}
        for name, text in {"quick": ACTIVITIES, "slow": SLOW, "store": STORE}.items():
            Path(f"{name}_shop.py").write_text(textwrap.dedent(text).format(**names))
        yield gate
    for name in ("quick", "slow", "store"):
        sys.modules.pop(f"{name}_shop", None)


def _watch(terminal: Terminal, line: str, go_on: Callable[[], object]) -> None:
    """Let the command go on when the line is there."""

    def watch() -> None:
        terminal.wait_for(f"{line}: 0 s\r")
        go_on()

    threading.Thread(target=watch, daemon=True).start()


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        ("call ship 1 --no-wait", "Waiting for ship 1"),
        ("executions list", "Reading executions"),
        ("executions show order-7", "Reading the history of order-7"),
        ("executions terminate order-7 --yes", "Reading executions"),
        ("types list", "Reading types"),
        ("types deprecate ship --yes", "Reading types"),
        ("worker --check quick_shop", "Comparing 1 activity type"),
        ("worker --loop 0 --task-list work quick_shop", "Registering 1 activity type"),
        ("replay --workflow-id order-7 quick_shop", "Reading the history of order-7"),
        ("tokens complete -", "Answering"),
    ],
)
def test_a_slow_swf(
    argv: str,
    line: str,
    command: Command,
    slow_swf: threading.Event,
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever a command reads, registers or answers."""
    command.shop.start("order-7")
    command.shop.decide("order-7", scheduled("a", input="[[7], {}]"))
    monkeypatch.setattr(sys, "stdin", io.StringIO(command.shop.take()))
    _watch(terminal, line, slow_swf.set)
    with terminal:
        code = main(argv.split())
    assert code == ExitCode.FINE, terminal.screen()
    assert line not in "\n".join(terminal.screen())
    assert "\x1b" not in terminal.written


def test_a_slow_worker(terminal: Terminal) -> None:
    """Its health server does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        _watch(terminal, f"Asking {url}", lambda: listener.shutdown(socket.SHUT_RDWR))
        with terminal:
            assert main(["status", "--url", url]) == ExitCode.REFUSED
    assert "Asking" not in "\n".join(terminal.screen())


@pytest.mark.parametrize(
    "argv",
    [
        "worker --check slow_shop",
        "worker --domain shop --task-list work --loop 0 --no-register slow_shop",
        "types schema slow_shop",
        "replay --history none.json slow_shop",
    ],
)
def test_a_slow_import(
    argv: str, gate: Gate, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Modules may read models and open connections."""
    monkeypatch.delenv("FLOWY_DOMAIN", raising=False)
    _watch(terminal, "Importing slow_shop", lambda: gate.open_for(1))
    with terminal:
        main(argv.split())
    assert "Importing" not in "\n".join(terminal.screen())


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        ("claims show sent --claims store_shop:STORE", "Looking into store_shop:STORE"),
        ("decode sent --claims store_shop:STORE", "Decoding"),
    ],
)
def test_a_slow_store(argv: str, line: str, gate: Gate, terminal: Terminal) -> None:
    """A store may be far away."""
    Path("claims").mkdir()
    Path("sent").write_text(Envelope((), FolderStore("claims")).sealed(json.dumps("x" * 40_000)))
    _watch(terminal, line, lambda: gate.open_for(1))
    with terminal:
        assert main(argv.split()) == ExitCode.FINE
    assert terminal.screen() == []


def test_a_slow_start_of_an_swf(terminal: Terminal) -> None:
    """It may have a long state to read."""

    class Slow(LocalSWF):
        def start(self) -> None:
            if not seen:
                terminal.wait_for("Starting an SWF: 0 s\r")
                seen.append(True)
            super().start()

    seen: list[bool] = []
    with terminal, started(Slow()) as swf:
        assert swf.client().list_domains(registrationStatus="REGISTERED")["domainInfos"]
    assert terminal.screen() == []


def test_many_changes(terminal: Terminal) -> None:
    """The line counts."""

    def call(number: int) -> None:
        terminal.wait_for(f"Close 3 shops, {number} done: 0 s\r")

    change = Change[int](
        verb="Close",
        done="Closed",
        not_needed="had closed already",
        nothing="no shop is open",
        nouns=("shop", "shops"),
        call=call,
        headings=("SHOP",),
        row=lambda number: (str(number),),
        shown=lambda number: {"shop": number},
    )
    given = argparse.Namespace(dry_run=False, yes=True, json=False)
    with terminal:
        assert carry_out(change, [0, 1, 2], given) == ExitCode.FINE
    assert terminal.screen() == []
