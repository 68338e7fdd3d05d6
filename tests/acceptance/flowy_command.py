"""The command ``flowy`` as a real process, for the tests that need one."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from tests.patience import PATIENCE_SECONDS
from tests.python_process import PythonProcess

ROOT = Path(__file__).resolve().parent.parent.parent


class Flowy:
    """One running ``python -m flowy …``; it ends with the block at the latest.

    Args:
        arguments: those of the command.
        cwd: where it runs.
        env: its environment; the checkout is importable in it besides.

    Attributes:
        log: the lines of standard error that were read by ``log_line_with``.
    """

    def __init__(self, *arguments: str, cwd: Path, env: Mapping[str, str]) -> None:
        self.log: list[str] = []
        path = os.pathsep.join(filter(None, [env.get("PYTHONPATH"), str(ROOT)]))
        self.process = PythonProcess(
            ["-m", "flowy", *arguments],
            cwd=cwd,
            env={**env, "PYTHONPATH": path},
            errors="surrogateescape",
        )

    def __enter__(self) -> Flowy:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def line_with(self, text: str) -> str:
        """Wait for the line of standard output that holds *text*, and return it."""
        assert self.process.stdout is not None
        return self._line_with(text, iter(self.process.stdout.readline, ""), [])

    def log_line_with(self, text: str) -> str:
        """Wait for the line of standard error that holds *text*, and return it."""
        assert self.process.stderr is not None
        return self._line_with(text, iter(self.process.stderr.readline, ""), self.log)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def press_ctrl_c(self) -> None:
        """Send SIGINT to it and to all that it has started, as a terminal does."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> tuple[int, str, str]:
        """Wait for its end and return exit code, and what is left of both outputs."""
        out, err = self.process.communicate(timeout=PATIENCE_SECONDS)
        return self.process.wait(), out, err

    @staticmethod
    def _line_with(text: str, lines: Iterator[str], seen: list[str]) -> str:
        for line in lines:
            seen.append(line)
            if text in line:
                return line
        raise AssertionError(f"no line with {text!r} in:\n{''.join(seen)}")


def run_flowy(*arguments: str, cwd: Path, env: Mapping[str, str]) -> tuple[int, str, str]:
    """Run ``python -m flowy …`` to its end; return exit code, standard output and error."""
    with Flowy(*arguments, cwd=cwd, env=env) as command:
        return command.end()
