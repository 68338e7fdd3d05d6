"""``flowy worker`` in the test's own process: what it refuses before it polls, and ``--check``."""

from __future__ import annotations

import json
import logging
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from flowy.cli import ExitCode, main
from tests.unit.cli.conftest import Command, Ran

#: Two modules of a package.
ECHO = """
    from flowy import Activity, activity

    @activity(name="echo", version=1, task_list="orders")
    class Echo(Activity):
        def run(self):
            return None
    """
HASTY = ECHO.replace("echo", "hasty").replace("Echo", "Hasty")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder: it has a package, what is imported from it is forgotten afterwards."""
    folder = tmp_path / "here"
    _write(folder / "shop" / "__init__.py", "")
    _write(folder / "shop" / "activities.py", ECHO)
    _write(folder / "shop" / "hasty.py", HASTY)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delenv("FLOWY_DOMAIN", raising=False)
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(folder)):
            del sys.modules[name]


@pytest.fixture
def worker(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run ``flowy worker``; it must not get as far as to a poll."""

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        code = main(["worker", *arguments])
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture
def started(worker: Callable[..., Ran]) -> Callable[..., Ran]:
    """Run it as a worker that is to serve."""
    return lambda *arguments: worker("--domain", "shop", "--task-list", "orders", *arguments)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(textwrap.dedent(text))


@pytest.mark.parametrize(
    ("package", "said"),
    [
        ("shop.nothing", "No module named 'shop.nothing'. Looked in"),
        ("empty.py", "on Python's path. empty.py is a file: give empty."),
        ("nothing.at.all", "No module named 'nothing'. Looked in"),
        ("empty", "Cannot find any activity in empty."),
    ],
)
def test_a_package_that_cannot_be_served(
    package: str, said: str, here: Path, started: Callable[..., Ran]
) -> None:
    """One line says what is missing, and where; exit code 3."""
    _write(here / "empty.py", "")
    ran = started(package)
    assert ran.code == ExitCode.REFUSED
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1


#: What may be wrong with a module, what is said of it, and the line that is named.
BROKEN = [
    ("\nimport requirement\n", "No module named 'requirement'.", 2),
    ("import json\nfrom json import nothing\n", "cannot import name 'nothing' from 'json'", 2),
    ("x = 1\nx = (\n", "SyntaxError: '(' was never closed.", 2),
    ("\n\n1 / 0\n", "ZeroDivisionError: division by zero.", 3),
    ("import json\njson.loads('{')\n", "json.decoder.JSONDecodeError: Expecting property name", 2),
    ("raise KeyError('order')\n", "KeyError: 'order'.", 1),
    ("import sys\nsys.exit(0)\n", "SystemExit: 0.", 2),
    (
        "from flowy import activity\n\nactivity('a', 1, 'l', heartbeat='soon')\n",
        "ValueError: Cannot use 'soon'",
        3,
    ),
    ("from flowy import activity\nactivity('a', 1, None)\n", "ValueError: Cannot use None as", 2),
    ("\nnext(iter(()))\n", "RuntimeError: generator raised StopIteration.", 2),
    ("# coding: none\n", "SyntaxError: unknown encoding: none.", 1),
]


@pytest.mark.parametrize(("source", "said", "line"), BROKEN, ids=[said for _, said, _ in BROKEN])
def test_whatever_goes_wrong_in_an_import_is_two_lines(
    source: str, said: str, line: int, here: Path, started: Callable[..., Ran]
) -> None:
    """What it is, and the author's file and line; exit code 3."""
    broken = here / "shop" / "broken.py"
    broken.write_text(source)
    ran = started("shop")
    assert (ran.code, ran.out) == (ExitCode.REFUSED, "")
    what, where = ran.err.splitlines()
    assert what.startswith(f"flowy: Cannot import shop: {said}")
    assert not what.endswith("?.")
    assert where == f"  See {broken}, line {line}."


def test_all_frames_of_an_import_that_failed_are_logged_at_debug(
    here: Path, started: Callable[..., Ran], caplog: pytest.LogCaptureFixture
) -> None:
    """The author sees two lines, and all frames at the level DEBUG."""
    _write(here / "buggy.py", "def f():\n    1 / 0\n\nf()\n")
    with caplog.at_level(logging.DEBUG, "flowy.cli"):
        assert started("buggy").err.endswith(f"  See {here / 'buggy.py'}, line 2.\n")
    (record,) = (each for each in caplog.records if each.exc_info)
    assert record.levelno == logging.DEBUG


@pytest.mark.parametrize("option", ["--middleware", "--observer"])
def test_additions_that_cannot_be_imported_are_two_lines_too(
    option: str, here: Path, started: Callable[..., Ran]
) -> None:
    """Middleware and observers are the author's code as well."""
    _write(here / "buggy.py", "\n1 / 0\n")
    ran = started(option, "buggy:X", "shop")
    assert ran.code == ExitCode.REFUSED
    assert ran.err == (
        "flowy: Cannot import buggy:X: ZeroDivisionError: division by zero.\n"
        f"  See {here / 'buggy.py'}, line 2.\n"
    )


def test_a_worker_without_credentials_is_refused(
    tmp_path: Path, started: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot heal is said at once: exit code 3, without a traceback."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    ran = started("shop")
    assert ran.code == ExitCode.REFUSED
    assert "AWS_ACCESS_KEY_ID" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("ignored", [".hasty", "shop.hasty"])
def test_check_says_what_would_be_served(
    ignored: str, here: Path, worker: Callable[..., Ran]
) -> None:
    """Without a domain or an SWF. What is ignored is a dotted name, or one below the package."""
    ran = worker("--check", "--ignore", ignored, "shop")
    heading, row = (re.split(" {2,}", line) for line in ran.out.splitlines())
    assert (ran.code, heading[0]) == (ExitCode.FINE, "NAME")
    assert row[:4] == ["echo", "1", "orders", "not compared"]
    file, _, line = row[-1].rpartition(":")
    assert file == str(here / "shop" / "activities.py")
    assert line in ("4", "5")  # Python 3.10 takes the class's line for the decorator's
    assert ran.err == "flowy: Not compared with SWF: give --domain.\n"


def test_check_prints_nothing_but_the_json(here: Path, worker: Callable[..., Ran]) -> None:
    """Not even what a module prints when it is imported."""
    _write(here / "chatty.py", "print('Hello.')\n" + textwrap.dedent(HASTY))
    ran = worker("--check", "--json", "chatty")
    (shown,) = json.loads(ran.out)
    assert (shown["name"], shown["at_swf"]) == ("hasty", "not compared")
    assert ran.err == "Hello.\nflowy: Not compared with SWF: give --domain.\n"


def test_check_of_an_swf_out_of_reach(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scan is shown all the same, and why nothing was compared."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SWF", "http://127.0.0.1:1")
    ran = command("worker", "--check", "shop")
    assert (ran.code, ran.rows) == (ExitCode.FINE, ["echo", "hasty"])
    assert ran.err.startswith("flowy: Not compared with SWF: Cannot list_activity_types: ")


def test_check_of_an_unknown_domain(command: Command) -> None:
    """A worker could not start, so the exit code is 3. The text names region and endpoint."""
    ran = command("worker", "--check", "--domain", "nowhere", "shop")
    assert ran.code == ExitCode.REFUSED
    swf = command.shop.swf
    assert ran.err == (
        "flowy: Not compared with SWF: the domain 'nowhere' does not exist in this region. "
        f"Region {swf.region}, endpoint {swf.endpoint_url}.\n"
    )
