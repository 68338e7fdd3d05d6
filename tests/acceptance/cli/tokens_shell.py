"""``flowy tokens`` in a folder with a store."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.acceptance.flowy_command import ROOT
from tests.patience import PATIENCE_SECONDS
from tests.python_process import PythonProcess


class Shell:
    """Runs ``flowy tokens`` in the folder of the store."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = {**environment, "PYTHONPATH": str(ROOT)}

    def tokens(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run one verb to its end."""
        process = PythonProcess(
            ["-m", "flowy", "tokens", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
        )
        out, err = process.communicate(stdin, PATIENCE_SECONDS)
        return subprocess.CompletedProcess(arguments, process.wait(), out, err)


STORE = ("--store", "tokens.db")
