"""How the command configures logging, and that JSON lines are all that stands on standard error."""

from __future__ import annotations

import errno
import io
import json
import logging
import logging.config
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from flowy.cli import ExitCode, main
from flowy.cli.colours import is_terminal
from flowy.cli.logs import FLOWY, configure_logging, say_if_silenced
from flowy.cli.terminal import say
from flowy.logs.json_lines import JSONFormatter
from flowy.safe_logging import get_logger
from tests.unit.cli.terminals import Terminal


@contextmanager
def unconfigured() -> Iterator[None]:
    """Give the root logger the state of a new process, in the test itself: pytest has its own."""
    root, own = logging.getLogger(), logging.getLogger(FLOWY)
    handlers, level, stderr = root.handlers[:], root.level, sys.stderr
    own_level = own.level
    root.handlers[:] = []
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        own.setLevel(own_level)
        sys.stderr = stderr


#: Reads what the test wrote to standard error, one value for each line.
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """What was written to standard error since the last look."""
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@contextmanager
def configured() -> Iterator[None]:
    """Log as ``--log-format json`` does."""
    with unconfigured():
        configure_logging("info", "json")
        yield


def test_a_record(lines: Lines) -> None:
    """It is written once, with its own level."""
    with configured():
        logging.getLogger("shop").info("Charged.")
        logging.getLogger("shop").debug("Not said.")
        logging.getLogger("botocore").info("A result.")
        (line,) = [line for line in lines() if line["logger"] != "stderr"]  # Python may warn there
        assert (line["level"], line["logger"], line["message"]) == ("INFO", "shop", "Charged.")


def test_what_is_no_record(lines: Lines) -> None:
    """Whatever is printed, and an exception that ends the program: it becomes JSON."""
    with configured():
        print("one\n\ntwo", file=sys.stderr)
        print("three, in pieces", end="", file=sys.stderr)
        print(flush=True, file=sys.stderr)
        sys.excepthook(ValueError, ValueError("why"), None)
        said = lines()
        assert [line["message"] for line in said[:3]] == ["one", "two", "three, in pieces"]
        assert {(line["level"], line["logger"]) for line in said} == {("ERROR", "stderr")}
        assert said[-1]["message"] == "ValueError: why"


def test_a_traceback(lines: Lines) -> None:
    """It is one record, although Python writes it line by line; what follows is another one."""
    with configured():
        print("before", file=sys.stderr)
        try:
            raise ValueError("why")
        except ValueError as error:
            sys.__excepthook__(ValueError, error, error.__traceback__)
        print("later", file=sys.stderr)
        before, traceback, later = (line["message"] for line in lines())
    assert before == "before"
    assert traceback.startswith("Traceback (most recent call last):\n  File ")
    assert traceback.endswith("\nValueError: why")
    assert later == "later"


def test_a_traceback_that_breaks_off(lines: Lines) -> None:
    """What came of it is written at the next flush, or before a line of JSON."""
    with configured():
        begin = "Traceback (most recent call last):"
        print(begin, file=sys.stderr)
        print("  File ...", file=sys.stderr)
        assert lines() == []
        sys.stderr.flush()
        assert [line["message"] for line in lines()] == [f"{begin}\n  File ..."]
        print(begin, file=sys.stderr)
        print('{"message": "mine"}', file=sys.stderr)
        assert [line["message"] for line in lines()] == [begin, "mine"]
        for _ in range(1_000):
            print(begin, file=sys.stderr)
        assert len(lines()) == 1


def test_a_terminal_of_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no colours, and no line that takes another's place."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with unconfigured():
        sys.stderr = terminal = Terminal()
        configure_logging("info", "json")
        assert not is_terminal(sys.stderr)
        say("Cannot go on.")
    (line,) = terminal.getvalue().splitlines()
    assert json.loads(line)["message"] == "flowy: Cannot go on."


def test_lines_that_are_written_together(lines: Lines) -> None:
    """They are one record, as those of a stack or a warning; JSON among them stays its own."""
    with configured():
        sys.stderr.write('one\n  two\n{"message": "mine"}\n\nthree\nfour\n')
        assert [line["message"] for line in lines()] == ["one\n  two", "mine", "three\nfour"]


def test_json_of_another_handler(lines: Lines) -> None:
    """A line that is a JSON object already is left as it is; other JSON is not."""
    with configured():
        print('{"message": "mine"}', file=sys.stderr)
        print('"mine"', file=sys.stderr)
        print("{mine", file=sys.stderr)
        own, text, broken = lines()
        assert own == {"message": "mine"}
        assert (text["message"], broken["message"]) == ('"mine"', "{mine")


def test_a_record_that_cannot_be_written(lines: Lines) -> None:
    """Arguments that do not fit: each line is JSON still."""
    with configured():
        logging.getLogger("shop").warning("%d", "text")
        error, traceback, call = (line["message"] for line in lines())
        assert error == "--- Logging error ---"
        assert traceback.startswith("Traceback (most recent call last):\n")
        assert call.startswith("Call stack:\n")
        assert "\nMessage: '%d'" in call


class Broken(logging.Handler):
    """A handler of the author's that raises."""

    def emit(self, record: logging.LogRecord) -> None:
        raise SystemExit


def test_a_record_that_another_handler_breaks_at(lines: Lines) -> None:
    """That Flowy lost a line is a line of JSON, too."""
    broken, logger = Broken(), get_logger("flowy.test_broken")
    with configured():
        logger.logger.addHandler(broken)
        try:
            logger.warning("Lost.")
        finally:
            logger.logger.removeHandler(broken)
        assert [line["message"] for line in lines()] == [
            "flowy: a log line was lost: SystemExit in a log handler"
        ]


class Full(io.StringIO):
    """A standard error on a disk that is full."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("stderr", [Full(), None], ids=["full", "closed"])
def test_a_standard_error_that_takes_nothing(
    stderr: io.StringIO | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines are lost, and nobody who logs is told: an activity of the author's must not fail."""
    monkeypatch.setattr(sys, "stderr", stderr)
    with configured():
        logging.getLogger("shop").warning("Charged.")
        logging.getLogger("shop").warning("%d", "text")
        print("printed", file=sys.stderr)


def test_threads_that_print_at_once(lines: Lines) -> None:
    """Each keeps its own line together."""
    with configured():

        def write(name: str) -> None:
            for _ in range(200):
                print(name * 20, file=sys.stderr)

        threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(line["message"] for line in lines()) == ["a" * 20] * 200 + ["b" * 20] * 200


def test_what_else_a_stream_has(lines: Lines) -> None:
    """The real one answers: a subprocess may be given it."""
    with configured():
        assert sys.stderr.encoding.lower().startswith("utf")
        print("no end", end="", file=sys.stderr)
        sys.stderr.flush()
        assert [line["message"] for line in lines()] == ["no end"]


def test_what_the_command_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why it ends is a JSON line, too."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "")
    worker = ["worker", "--log-format", "json", "--domain", "d", "--task-list", "t", "no_such"]
    with unconfigured():
        code = main(worker)
    assert code == ExitCode.REFUSED
    line, *_ = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert line["message"].startswith("flowy: Cannot import no_such: ")


def test_a_package_that_configures_the_root_logger(capsys: pytest.CaptureFixture[str]) -> None:
    """Its handler gets Flowy's lines from the level on that the command was given."""
    with unconfigured():
        configure_logging("info")
        logging.config.dictConfig(
            {
                "version": 1,
                "disable_existing_loggers": False,
                "handlers": {"own": {"class": "logging.StreamHandler"}},
                "root": {"level": "ERROR", "handlers": ["own"]},
            }
        )
        say_if_silenced()
        logging.getLogger("flowy.swf.worker").info("Worker started.")
        logging.getLogger("shop").warning("Not said.")
    assert capsys.readouterr().err == "Worker started.\n"


def test_a_package_that_leaves_the_root_logger_without_a_handler(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """If Flowy's lines would be lost, one line says so."""
    with unconfigured():
        configure_logging("info")
        own = {"version": 1, "disable_existing_loggers": False, "root": {"level": "INFO"}}
        logging.config.dictConfig(own)
        say_if_silenced()
    assert capsys.readouterr().err == (
        "flowy: Only warnings are logged from here on: a package has configured logging without "
        "a handler for the root logger.\n"
    )


def test_a_standard_error_that_is_closed_from_the_start(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the command says does not go to standard output instead."""
    monkeypatch.setattr(sys, "stderr", None)
    say("A message.")
    assert capsys.readouterr().out == ""


def test_the_library_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line says what to install, before anything else happens."""
    monkeypatch.delitem(sys.modules, JSONFormatter.__module__)
    monkeypatch.setitem(sys.modules, "pythonjsonlogger.core", None)
    with unconfigured():
        assert main(["demo", "--log-format", "json"]) == ExitCode.REFUSED
    captured = capsys.readouterr()
    assert captured.err.startswith("flowy: Cannot log as JSON: ")
    assert "Install python-json-logger, Flowy's extra json-logs" in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(("level", "shown"), [("info", False), ("debug", True)])
def test_the_stacks_of_botocore(
    level: str, shown: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """botocore logs stacks of errors that Flowy reports in a line: they are for debugging."""
    with unconfigured():
        configure_logging(level)
        for name in ("botocore.credentials", "shop.orders"):
            try:
                raise OSError(f"for {name}")
            except OSError:
                logging.getLogger(name).warning("Refreshing failed.", exc_info=True)
    err = capsys.readouterr().err
    assert err.count("Refreshing failed.") == 2
    assert "OSError: for shop.orders" in err
    assert ("OSError: for botocore.credentials" in err) is shown
