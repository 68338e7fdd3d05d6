"""A main module that no child process can import is refused before any child is started."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE_SECONDS

_PROGRAM = """
from flowy.concurrency.processes import Processes
from flowy.exception import ProcessError

class Activity:
    pass

def work(link, what):
    link.send({"ready": True})

if __name__ == "__main__":
    for target, what in ((work, None), (print, Activity), (print, "__main__"), (print, "json")):
        try:
            Processes(
                target, (what,), 1, heard=lambda *heard: None, died=lambda child: False
            )
        except ProcessError as error:
            print(error)
        else:
            print("fine")
"""


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (["-c", _PROGRAM], None, "import code of `python -c`, and cannot"),
        ([], _PROGRAM, "import standard input, and cannot"),
        (["-"], _PROGRAM, "import standard input, and cannot"),
        (["-m", "package"], None, "import the main module of a package or folder, /"),
        (["package"], None, "import the main module of a package or folder, "),
        (["-m", "package.script"], None, None),
        (["package/script.py"], None, None),
    ],
    ids=["-c", "stdin", "-", "-m package", "folder", "-m module", "script"],
)
def test_a_main_module_that_no_child_can_import_is_refused(
    tmp_path: Path, arguments: list[str], stdin: str | None, said: str | None
) -> None:
    """The error says why the child would not find what it is to run, before any is started.

    What names other modules only is fine, and so is the main module of a script.
    """
    package = tmp_path / "package"
    package.mkdir()
    for name in ("__main__", "script"):
        (package / f"{name}.py").write_text(_PROGRAM)
    ran = subprocess.run(
        [sys.executable, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=PATIENCE_SECONDS,
    )
    *lines, last = ran.stdout.splitlines()
    # From standard input nothing can be started: multiprocessing looks for a file of that name.
    assert ("standard input" in last) if stdin else (last == "fine"), ran.stderr
    assert len(lines) == 3
    for line in lines:
        if said is None:
            assert line == "fine"
        else:
            assert said in line
            assert "Put the activities into a module of their own" in line
