"""The demo's processes: a worker and an approver, started and ended with it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from flowy.retry import Deadline

#: How long the processes may take to stop before they are killed, in seconds.
STOP_SECONDS = 3.0

#: How many last lines of a process's log are shown when something went wrong.
LOG_LINES = 15


class Crew:
    """The processes that the demo starts; they end with the block, whatever happens.

    Args:
        private: a folder that only the user can read; they run there, and log to files there.
        environment: leads them to the embedded SWF.
    """

    def __init__(self, private: Path, environment: Mapping[str, str]) -> None:
        self._private = private
        self._environment = _environment(environment)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        processes = self._processes.values()
        try:
            for process in processes:
                process.terminate()
            deadline = Deadline(STOP_SECONDS)
            for process in processes:
                process.wait(deadline.remaining_seconds())
        except subprocess.TimeoutExpired:
            pass
        finally:
            for process in processes:
                process.kill()  # does nothing to one that has ended
                process.wait()

    def start(self, name: str, module: str, *arguments: str) -> int:
        """Run ``python -m module arguments`` and return its process id."""
        with self._log(name).open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", module, *arguments],
                cwd=self._private,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._processes[name] = process
        return process.pid

    def trouble(self) -> str:
        """Say which process has ended as it should not have; the approver may end well."""
        for name, process in self._processes.items():
            code = process.poll()
            if code is not None and (code != 0 or name == "worker"):
                return f"The {name} has ended with exit code {code}."
        return ""

    def last_words(self) -> list[str]:
        """Return the ends of the logs."""
        lines = []
        for name in self._processes:
            words = self._log(name).read_text(errors="backslashreplace").splitlines()
            lines += [f"{name}: {line}" for line in words[-LOG_LINES:]]
        return lines

    def _log(self, name: str) -> Path:
        return self._private / f"{name}.log"


def _environment(swf: Mapping[str, str]) -> dict[str, str]:
    """Return an environment that leads to the embedded SWF, whatever the user has set up."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AWS_") and not name.lower().endswith("_proxy")
    }
    return {
        **kept,
        **swf,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "*",
        # They run in another folder and must find what this process has found.
        "PYTHONPATH": os.pathsep.join(str(Path(folder).absolute()) for folder in sys.path),
    }
