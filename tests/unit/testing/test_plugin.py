"""The pytest plugin, as a project meets it: in a pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from subprocess import STDOUT

from flowy.testing import plugin
from tests.environments import clean_environment
from tests.patience import PATIENCE_SECONDS
from tests.python_process import PythonProcess

ROOT = Path(__file__).resolve().parents[3]
PROJECT = Path(__file__).resolve().parent / "project"

#: Neither our own settings nor our fixtures are the project's.
ALONE = ("-c", os.devnull, "--rootdir", str(PROJECT), "--confcutdir", str(PROJECT))


def _pytest(folder: Path, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """Return Python's arguments and the environment of a pytest that loads nothing but Flowy's."""
    environment = {
        **clean_environment(),
        # As the entry point does it, whether or not Flowy is installed.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = ["-W", "error", "-m", "pytest", "-p", "flowy.testing.plugin"]
    return [*command, "-p", "no:cacheprovider", *arguments], environment


def _run(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run it to its end; return its exit code and what it said."""
    command, environment = _pytest(folder, *arguments)
    process = PythonProcess(command, cwd=folder, env=environment, stderr=STDOUT)
    said, _ = process.communicate(timeout=PATIENCE_SECONDS)
    return process.wait(), said


def test_costs_nothing_when_not_used(tmp_path: Path) -> None:
    """A project that does not use the fixtures gets no boto3, moto or SWF side imported."""
    (tmp_path / "test_it.py").write_text(
        "import sys\n"
        "def test_it():\n"
        "    loaded = {name.split('.')[0] for name in sys.modules}\n"
        "    assert not loaded & {'boto3', 'botocore', 'moto', 'venusian'}\n"
        "    flowy = {name for name in sys.modules if name.startswith('flowy')}\n"
        "    assert flowy == {'flowy', 'flowy._version', 'flowy.testing',\n"
        "                     'flowy.importing', 'flowy.testing.plugin'}\n"
    )
    command, environment = _pytest(tmp_path)
    ran = subprocess.run(
        [sys.executable, *command],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_names_cannot_collide() -> None:
    """Every fixture's name begins with flowy_; there is no hook, option or marker."""
    public = [name for name in vars(plugin) if not name.startswith("_")]
    fixtures = [name for name in public if name.startswith("flowy_")]
    assert len(fixtures) >= 8
    assert not [name for name in public if name.startswith("pytest_")]


def test_a_project() -> None:
    """Each module of the project says what the plugin promises, and its tests show it."""
    files = ("calls", "imported", "domains", "overriding", "default_clients", "held_clock")
    code, said = _run(PROJECT, *ALONE, *(f"{name}.py" for name in files))
    assert (code, "9 passed" in said) == (0, True), said


def test_a_module_without_activities_is_told_so() -> None:
    """A worker over nothing is an error that says what to do."""
    code, said = _run(PROJECT, *ALONE, "no_activities.py")
    assert code == 1
    assert "Cannot find any activity in no_activities" in said
    assert "override the fixture flowy_activities" in said


def test_examples_pass() -> None:
    """The example project's tests pass, and fast."""
    code, said = _run(ROOT / "examples" / "parcels")
    assert (code, "skipped" in said) == (0, False), said
