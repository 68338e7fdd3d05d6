"""Running a command that a local SWF is started for: it ends as the command ends.

Whoever starts ``flowy local -- COMMAND`` means COMMAND: its output, its exit code, and the signals
that are sent to it. It must not go on without its SWF.
"""

from __future__ import annotations

import os
import queue
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import Popen

from ..concurrency.cli_signals import passed_on
from ..exception import LocalSWFError

#: What a shell adds to the number of the signal that ended a command.
_SIGNALED = 128

#: Run by a Python of its own, it becomes the command. Linux then sends the command a SIGTERM when
#: the process that has started it dies, even if that was killed. Python ignores SIGPIPE and
#: SIGXFSZ; the command must not.
_BECOME = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
for number in (signal.SIGPIPE, signal.SIGXFSZ):
    signal.signal(number, signal.SIG_DFL)
try:
    os.execvp(sys.argv[2], sys.argv[2:])
except OSError as error:
    sys.exit(f"flowy: Cannot run {sys.argv[2]!r}: {error.strerror}.")
"""


def check_program(name: str) -> None:
    """Raise an error if a program cannot be found.

    Raises:
        LocalSWFError: it is not in the PATH, or cannot be run.
    """
    if shutil.which(name) is None:
        if os.sep in name and Path(name).is_file():
            raise LocalSWFError(
                f"Cannot run {name!r}: the file is not executable. Run `chmod +x` on it, or name "
                "the program that runs it."
            )
        raise LocalSWFError(
            f"Cannot run {name!r}: the program was not found. Check its name and the PATH."
        )


def run_command(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command to its end, pass signals on to it, and return its exit code.

    Args:
        command: the program and its arguments.
        environment: all of its environment variables.

    Returns:
        Its exit code, or 128 and the number of the signal that ended it, as a shell has it.
    """
    started: queue.SimpleQueue[Popen[bytes]] = queue.SimpleQueue()

    def send(number: int) -> None:
        """Pass a signal on to the command."""
        process = started.get()  # a signal may come first
        started.put(process)
        process.send_signal(number)

    tied = _tied(command)
    with passed_on(send), Popen(tied, env=environment) as process:  # noqa: S603 - the user's own
        started.put(process)
        try:
            code = process.wait()
        except BaseException:
            process.kill()
            raise
    return code if code >= 0 else _SIGNALED - code


def _tied(command: Sequence[str]) -> list[str]:
    """Return a command that ends with this process, if the system can do that."""
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-I", "-S", "-c", _BECOME, str(os.getpid()), *command]
