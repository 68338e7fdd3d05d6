"""Activities, and verbs that run in real processes on a domain of the test's own."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowy.cli import ExitCode
from flowy.tokens import SuspendedTask
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.acceptance.cli.tokens_shell import Shell
from tests.acceptance.flowy_command import Flowy, run_flowy
from tests.environments import clean_environment
from tests.suspended import Desk, Execution

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient


ECHO = """
    from flowy import Activity, activity

    @activity(name="echo", version=1, task_list="orders")
    class Echo(Activity):
        def run(self, *args, **kwargs):
            if args == (1,):
                raise ValueError("Can't echo 1.")
            return [args, kwargs]

    @activity(name="late", version=1, task_list="nobody", schedule_to_start=1)
    class Late(Activity):
        def run(self):
            return None
    """


HASTY = """
    from flowy import Activity, activity

    @activity(name="hasty", version=1, task_list="orders", start_to_close=1)
    class Hasty(Activity):
        def run(self):
            return None
    """


#: Activities that wait for one another, or for somebody to write to a pipe in the worker's folder.
BUSY = """
    import threading
    from pathlib import Path

    from flowy import Activity, activity

    MEETING = threading.Barrier(2, timeout=60)

    @activity(name="meet", version=1, task_list="orders")
    class Meet(Activity):
        def run(self):
            MEETING.wait()

    @activity(name="hang", version=1, task_list="orders")
    class Hang(Activity):
        def run(self):
            print("It hangs.", flush=True)
            Path("release").read_bytes()

    @activity(name="leave", version=1, task_list="orders")
    class Leave(Activity):
        def run(self):
            raise SystemExit(0)
    """


def write_module(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(textwrap.dedent(text))


class Command:
    """Runs verbs on the test's own domain, in the folder of the package."""

    def __init__(self, domain: str, here: Path, env: dict[str, str]) -> None:
        self.domain = domain
        self.here = here
        self.env = env

    def call(self, *arguments: str) -> tuple[int, str, str]:
        """Run ``flowy call`` to its end."""
        return run_flowy("call", "--domain", self.domain, *arguments, cwd=self.here, env=self.env)

    def start_call(self, *arguments: str) -> Flowy:
        """Start ``flowy call``."""
        return Flowy("call", "--domain", self.domain, *arguments, cwd=self.here, env=self.env)

    def worker(self, *arguments: str) -> tuple[int, str, str]:
        """Run ``flowy worker`` to its end."""
        with self.start_worker(*arguments) as worker:
            return worker.end()

    def start_worker(self, *arguments: str) -> Flowy:
        """Start ``flowy worker``."""
        polls = ["--domain", self.domain, "--task-list", "orders"]
        return Flowy("worker", *polls, *arguments, cwd=self.here, env=self.env)


def open_executions(client: SWFClient, domain: str) -> int:
    counted = client.count_open_workflow_executions(
        domain=domain, startTimeFilter={"oldestDate": datetime(2000, 1, 1, tzinfo=timezone.utc)}
    )
    return counted["count"]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with a package of activities, which is importable from there only."""
    folder = tmp_path / "here"
    write_module(folder / "shop" / "__init__.py", "")
    write_module(folder / "shop" / "activities.py", ECHO)
    write_module(folder / "shop" / "hasty.py", HASTY)
    write_module(folder / "busy.py", BUSY)
    os.mkfifo(folder / "release")
    return folder


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """An environment without a word about AWS or proxies."""
    return {**clean_environment(), "HOME": str(tmp_path)}


@pytest.fixture
def command(domain: str, here: Path, swf_environment: dict[str, str]) -> Command:
    """Verbs on a domain of the test's own."""
    return Command(domain, here, swf_environment)


@pytest.fixture
def worker(command: Command) -> Iterator[Flowy]:
    """A worker that polls."""
    with command.start_worker("shop.activities") as running:
        running.log_line_with("Worker started as")
        yield running


@pytest.fixture
def registered(command: Command) -> None:
    """The types are registered, and no worker runs."""
    assert command.worker("--loop", "0", "shop")[0] == ExitCode.FINE


@pytest.fixture
def shell(tmp_path: Path, swf_environment: dict[str, str]) -> Shell:
    return Shell(tmp_path, swf_environment)


@pytest.fixture
def store(tmp_path: Path) -> SQLiteTokenStore:
    return SQLiteTokenStore(tmp_path / "tokens.db")


@pytest.fixture
def desk(client: SWFClient, domain: str) -> Desk:
    return Desk(client, domain)


@pytest.fixture
def waiting(desk: Desk, store: SQLiteTokenStore) -> tuple[Execution, SuspendedTask]:
    execution, task = desk.waiting("order-7", note={"amount": 12})
    return execution, store.keep(task)
