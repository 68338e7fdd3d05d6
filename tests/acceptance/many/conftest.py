"""What the tests of many activities share: executions, workers on threads, and programs."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.many.executions import TASK_LIST, Execution
from tests.acceptance.many.programs import PREAMBLE, Program, Programs
from tests.acceptance.many.workers import Starter, WatchedClient
from tests.patience import PATIENCE_SECONDS
from tests.python_process import PythonProcess
from tests.python_server import ROOT

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from flowy.local import LocalSWF


@pytest.fixture
def execution(client: SWFClient, domain: str) -> Execution:
    """An execution in the test's domain."""
    return Execution(client, domain)


@pytest.fixture
def watched(client: SWFClient) -> WatchedClient:
    """A client of the local SWF that is watched."""
    return WatchedClient(client)


@pytest.fixture
def start(watched: WatchedClient, domain: str) -> Iterator[Starter]:
    """Starts a worker on a thread: ``start(Class, ..., concurrency=5)``."""
    starter = Starter(watched, domain)
    yield starter
    starter.end()


@pytest.fixture
def swf_of_long_polls() -> Iterator[LocalSWF]:
    """Another local SWF, which holds polls for longer than any test waits."""
    from flowy.local import LocalSWF

    with LocalSWF(poll_seconds=1.5 * PATIENCE_SECONDS) as swf:
        yield swf


@pytest.fixture
def program(swf_environment: dict[str, str], domain: str, tmp_path: Path) -> Iterator[Programs]:
    """Starts a script: ``program(text)``; its preamble imports what activities need.

    *before* are the words of a command that starts it, as a new interpreter.
    """
    started: list[Program] = []

    def run(
        text: str,
        *,
        name: str = "script.py",
        preamble: str = PREAMBLE,
        before: tuple[str, ...] = (),
        swf: LocalSWF | None = None,
    ) -> Program:
        script = tmp_path / name
        script.write_text(preamble + textwrap.dedent(text))
        arguments = ["-W", "error", str(script), swf.domain if swf else domain, TASK_LIST]
        environment = {**swf_environment, "PYTHONPATH": str(ROOT)}
        if swf:
            environment |= swf.environment
        if before:
            process: Any = subprocess.Popen(
                [*before, sys.executable, *arguments],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        else:
            process = PythonProcess(arguments, env=environment, stderr=subprocess.STDOUT)
        started.append(Program(process))
        return started[-1]

    yield run
    for program in started:
        program.end()
