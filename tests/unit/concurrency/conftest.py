"""A system that gives no more threads, and Python scripts that a test runs."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def no_more_threads() -> Iterator[Callable[[], None]]:
    """Lets the system refuse new threads once it is called: each would have a 16 TiB stack."""

    def refuse() -> None:
        threading.stack_size(2**44)

    before = threading.stack_size()
    yield refuse
    threading.stack_size(before)


#: Runs a script in a process of its own, and returns what it printed.
Script = Callable[[str], str]


@pytest.fixture
def script() -> Script:
    """Runs a script in a process of its own, which must end with code 0."""

    def run(text: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(text)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
