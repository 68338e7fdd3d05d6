"""The command of ``flowy local -- COMMAND``: its exit code, its environment, its signals."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from flowy.cli.wrapped_command import run_command

#: Sends its parent each signal of its arguments, twice, and waits for what comes back.
ECHO = """
import os, signal, sys

numbers, parent = [getattr(signal, name) for name in sys.argv[1:]], os.getppid()
signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
for number in numbers * 2:
    assert os.getppid() == parent, "the parent is gone"
    os.kill(parent, number)
    assert signal.sigtimedwait([number], 30).si_pid == parent
assert signal.sigtimedwait(numbers, 0) is None, "a signal came twice"
sys.exit(7)
"""

#: Runs ECHO as a command, and ends with its exit code.
PARENT = """
import os, signal, sys
from flowy.cli.wrapped_command import run_command

handlers = [signal.getsignal(getattr(signal, name)) for name in sys.argv[2:]]
code = run_command([sys.executable, "-c", *sys.argv[1:]], os.environ)
assert handlers == [signal.getsignal(getattr(signal, name)) for name in sys.argv[2:]]
sys.exit(code)
"""


def run(*command: str, **environment: str) -> int:
    return run_command(command, {**os.environ, **environment})


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 5", 5), ("kill -TERM $$", 143), ("kill -9 $$", 137)]
)
def test_the_exit_code_is_the_commands(script: str, code: int) -> None:
    """A signal that ended it is told as a shell tells it."""
    assert run("sh", "-c", script) == code


def test_its_environment_is_what_it_was_given(capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing is added for the command, and its arguments are as they were."""
    script = "import os, sys; print(sorted(os.environ), sys.argv[1:])"
    code = run_command([sys.executable, "-c", script, "--", "-x", "a b"], {"ONE": "1", "TWO": ""})
    out, err = capfd.readouterr()
    assert (code, err) == (0, "")
    assert out.endswith("['--', '-x', 'a b']\n")
    assert "'ONE', 'TWO'" in out
    assert "PYTHON" not in out


def test_signals_are_passed_on_once() -> None:
    """Each that somebody sends to this process alone; the handlers are put back afterwards.

    In a process of its own: pytest's faulthandler has signal handlers run on a stack that is too
    small for as many as may interrupt each other here.
    """
    names = ("SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2")
    ran = subprocess.run([sys.executable, "-c", PARENT, ECHO, *names], timeout=50)
    assert ran.returncode == 7


def test_the_command_ignores_no_signal_that_python_ignores() -> None:
    """``yes | head`` must end: Python ignores SIGPIPE, and its child would inherit that."""
    assert run("bash", "-c", "yes | head -1 > /dev/null; exit ${PIPESTATUS[0]}") == 128 + 13


def test_a_program_that_cannot_be_run(capfd: pytest.CaptureFixture[str]) -> None:
    """A command that disappears between the check and the start is one line, too."""
    assert run("/no/such/program") == 1
    assert capfd.readouterr().err == (
        "flowy: Cannot run '/no/such/program': No such file or directory.\n"
    )
