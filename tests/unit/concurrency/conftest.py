"""A system that gives no more threads, and Python scripts that a test runs."""

from __future__ import annotations

import os
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.patience import PATIENCE_SECONDS
from tests.python_process import PythonProcess

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
        process = PythonProcess(["-c", textwrap.dedent(text)], env=os.environ, cwd=ROOT)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.wait() == 0, err
        return out

    return run
