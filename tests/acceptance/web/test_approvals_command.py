"""``python -m approvals``: one command starts the example app, and Ctrl-C ends it."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.environments import clean_environment
from tests.patience import PATIENCE_SECONDS

if importlib.util.find_spec("flask") is None and not os.environ.get("CI"):
    pytest.skip("flask is not installed: the example needs it", allow_module_level=True)


from flowy.tokens.sqlite import SQLiteTokenStore
from tests.approvals import EXAMPLES, Visitor
from tests.patience import until


@contextmanager
def _everything(home: Path, *first_on_path: Path) -> Iterator[str]:
    """``python -m approvals`` while the block runs; Ctrl-C must end it well."""
    path = os.pathsep.join(map(str, (*first_on_path, EXAMPLES.parent)))
    more = {"PYTHONPATH": path, "HOME": str(home), "APPROVALS_HOME": str(home)}
    process = subprocess.Popen(
        [sys.executable, "-m", "approvals", "--port", "0"],
        cwd=EXAMPLES,
        env={**clean_environment(), **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().removeprefix("Approvals: ").strip().rstrip("/")
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, said
    assert "Traceback" not in said


def test_one_command_starts_everything(tmp_path: Path) -> None:
    """``python -m approvals``: an SWF, the parts, four requests; started again, it goes on."""
    home = tmp_path / "home"
    with _everything(home) as url:
        visitor = Visitor(url)
        until(lambda: "<b>4</b> waiting" in visitor.get("/").text, "four requests wait")
        task = SQLiteTokenStore(home / "tokens.db").pending()[0]
        visitor.post(f"/tasks/{task.id}/reject", comment="not now")
    with _everything(home) as url:
        visitor = Visitor(url)
        assert "<b>3</b> waiting" in visitor.get("/").text
        task = SQLiteTokenStore(home / "tokens.db").pending()[0]
        assert "Approved" in visitor.post(f"/tasks/{task.id}/approve").text


def test_without_flask_it_says_what_to_install(tmp_path: Path) -> None:
    """The page needs Flask; without it nothing is started."""
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['flask'] = None\n")
    path = os.pathsep.join(map(str, (tmp_path, EXAMPLES.parent)))
    ran = subprocess.run(
        [sys.executable, "-m", "approvals"],
        cwd=EXAMPLES,
        env={**os.environ, "PYTHONPATH": path, "APPROVALS_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert ran.returncode == 1
    assert f"Flask: pip install -r {EXAMPLES / 'approvals' / 'requirements.txt'}" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "home").exists()


def test_everything_ends_well_though_a_part_was_still_starting(tmp_path: Path) -> None:
    """Ctrl-C may come before a part can hear it: here the keeper."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, threading\nif 'keeper' in sys.orig_argv: threading.Event().wait()\n"
    )
    with _everything(tmp_path / "home", tmp_path) as url:
        assert url.startswith("http://127.0.0.1:")
