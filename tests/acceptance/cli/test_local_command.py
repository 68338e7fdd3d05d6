"""``flowy local -- COMMAND`` and ``flowy worker --local`` as real processes: signals and ends."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flowy.cli import ExitCode
from tests.acceptance.flowy_command import ROOT, Flowy, run_flowy
from tests.environments import clean_environment
from tests.patience import PATIENCE_SECONDS

ECHO = """
    from flowy import Activity, activity

    @activity(name="echo", version=1, task_list="orders")
    class Echo(Activity):
        def run(self, *args):
            return args
    """

#: Waits for a Ctrl-C. What its parent may do about that has been done when it passes SIGUSR1 on.
WAITS_FOR_CTRL_C = """
import os, signal, sys
numbers = [signal.SIGINT, signal.SIGUSR1]
signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
print("ready", flush=True)
signal.sigwait([signal.SIGINT])
os.kill(os.getppid(), signal.SIGUSR1)
signal.sigwait([signal.SIGUSR1])
sys.exit(1 if signal.SIGINT in signal.sigpending() else 42)
"""

#: Makes its terminal the controlling one of its session, as a login does, and becomes a command.
TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with a module of activities."""
    (tmp_path / "shop.py").write_text(textwrap.dedent(ECHO))
    return tmp_path


@pytest.fixture
def bare(here: Path) -> dict[str, str]:
    """An environment without a word about AWS or proxies, and without announcements."""
    return {
        **clean_environment("FLOWY_"),
        "HOME": str(here),
        "XDG_RUNTIME_DIR": str(here),
        "PYTHONPATH": str(ROOT),
    }


# flowy local -- COMMAND


def test_a_worker_ends_well_with_its_swf(here: Path, bare: dict[str, str]) -> None:
    """SIGTERM to the command lets the worker stop in peace; the SWF lives as long as the worker."""
    command = ("local", "--domain", "shop", "--", sys.executable, "-m", "flowy", "worker")
    with Flowy(*command, "--task-list", "orders", "shop", cwd=here, env=bare) as running:
        running.log_line_with("Worker started as")
        running.send(signal.SIGTERM)
        code, _, err = running.end()
    assert code == ExitCode.FINE
    assert err.endswith("Worker stopped: 0 completed.\n")


@contextmanager
def terminal(*command: str, cwd: Path, env: dict[str, str]) -> Iterator[tuple[int, int]]:
    """Run a command in a terminal of its own; yield the terminal's other end and the process id."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", TAKE_TERMINAL, *command],
        cwd=cwd, env=env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        yield ours, process.pid
        assert process.wait(timeout=PATIENCE_SECONDS) == 42
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_ctrl_c_reaches_the_command_once(here: Path, bare: dict[str, str]) -> None:
    """A terminal sends it to both processes, so it is not passed on."""
    flowy = (sys.executable, "-m", "flowy", "local", "--no-page", "--")
    command = (*flowy, sys.executable, "-c", WAITS_FOR_CTRL_C)
    with terminal(*command, cwd=here, env=bare) as (end, _):
        said = b""
        while b"ready" not in said:
            said += os.read(end, 1024)
        os.write(end, b"\x03")


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a child of its parent's death"
)
def test_a_kill_leaves_no_command_behind(here: Path, bare: dict[str, str]) -> None:
    """The command gets a SIGTERM when the process that started it is gone, however it went."""
    script = "import signal; print('ready', flush=True); signal.pause()"
    with Flowy("local", "--", sys.executable, "-c", script, cwd=here, env=bare) as running:
        running.line_with("ready")
        running.send(signal.SIGKILL)
        # Its output ends when both processes have.
        assert running.end()[0] == -signal.SIGKILL


# flowy worker --local


def test_worker_local_starts_one_and_finds_it(here: Path, bare: dict[str, str]) -> None:
    """The first worker starts it, the second one finds it; each says which it is."""
    worker = ("worker", "--local", "--task-list", "orders", "shop")
    with Flowy(*worker, cwd=here, env=bare) as first:
        first.log_line_with("Started an SWF that ends with this worker. Domain: local.")
        line = first.log_line_with("export AWS_ENDPOINT_URL_SWF=")
        url = line.strip().partition("=")[2]
        lines = [line, *(first.log_line_with("export ") for _ in range(3))]
        first.log_line_with("Worker started as")
        with Flowy(*worker, "--domain", "shop", cwd=here, env=bare) as second:
            found = second.log_line_with("flowy: ")
            assert found == f"flowy: Using the local SWF that runs at {url}. Domain: shop.\n"
            second.log_line_with("Worker started as")
            pasted = dict(re.findall(r"^export (\w+)=(.*)$", "".join(lines), re.MULTILINE))
            code, out, err = run_flowy(
                "call", "--domain", "shop", "echo", "1", "7", cwd=here, env={**bare, **pasted}
            )
            assert (code, out, err) == (ExitCode.FINE, "[7]\n", "")
            second.send(signal.SIGTERM)
            assert second.end()[0] == ExitCode.FINE
        first.press_ctrl_c()
        assert first.end()[0] == ExitCode.FINE
    assert list((here / "flowy").iterdir()) == []
