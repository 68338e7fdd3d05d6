"""``PythonProcess`` starts what ``subprocess.Popen([sys.executable, ...])`` would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE, STDOUT

import pytest

from tests.patience import PATIENCE_SECONDS
from tests.python_process import PythonProcess

#: Says all that a program can know of how it was started.
TELLS = """
import os, signal, sys, threading, warnings
print(sys.argv[1:], __name__, os.getcwd(), sorted(os.environ.items()), sys.path)
print(sys.stdin.read(), sys.stdout.encoding, sys.stdout.errors, sys.warnoptions)
print([signal.getsignal(number) for number in (signal.SIGINT, signal.SIGCHLD, signal.SIGHUP)])
print(threading.active_count(), os.getpgrp() == os.getsid(0) == os.getpid(), os.listdir("/dev/fd"))
print("flush", end="")
print("to stderr", file=sys.stderr)
"""


@pytest.mark.parametrize("kind", ["file", "-m", "-c"])
def test_a_process_is_as_a_fresh_one(kind: str, tmp_path: Path) -> None:
    """It has the arguments, files, folder, environment, path, warnings and signals of its own."""
    (tmp_path / "telling.py").write_text(TELLS)
    (tmp_path / "elsewhere").mkdir()
    program = {"file": ["telling.py"], "-m": ["-m", "telling"], "-c": ["-c", TELLS]}[kind]
    arguments = ["-W", "error", *program, "one", "two"]
    wanted = {"PATH": os.defpath, "PYTHONPATH": str(tmp_path / "elsewhere")}
    env = {**wanted, "PYTHONIOENCODING": "ascii:replace", "LC_CTYPE": "C.UTF-8"}
    fresh = subprocess.run(
        [sys.executable, *arguments],
        cwd=tmp_path,
        env=env,
        input="given",
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
    )
    process = PythonProcess(arguments, cwd=tmp_path, env=env, stdin=PIPE)
    assert process.communicate("given", PATIENCE_SECONDS) == (fresh.stdout, fresh.stderr)
    assert process.wait() == 0


def test_how_a_process_ends(tmp_path: Path) -> None:
    """By its own exit code, an exception, or a signal; both outputs may be one."""

    def start(text: str) -> PythonProcess:
        return PythonProcess(["-c", text], env={}, cwd=tmp_path, stderr=STDOUT)

    exits = start("raise SystemExit(7)")
    assert (exits.communicate(timeout=PATIENCE_SECONDS), exits.wait()) == (("", ""), 7)
    raised = start("print('one', flush=True); 1 / 0")
    out, _ = raised.communicate(timeout=PATIENCE_SECONDS)
    assert out.startswith("one\nTraceback")
    assert out.endswith("ZeroDivisionError: division by zero\n")
    assert raised.poll() == 1
    waits = start("import signal; print('waits', flush=True); signal.pause()")
    assert waits.stdout is not None
    assert waits.stdout.readline() == "waits\n"
    with pytest.raises(subprocess.TimeoutExpired):
        waits.wait(0)
    waits.send_signal(signal.SIGTERM)
    assert waits.wait(PATIENCE_SECONDS) == -signal.SIGTERM
    waits.stdout.close()
