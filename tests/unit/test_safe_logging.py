"""Loggers whose calls never raise, whatever handlers and filters do."""

from __future__ import annotations

import io
import logging
import sys
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flowy.safe_logging import SafeLogger, enable_loggers, get_logger


class Struck(BaseException):
    """What no ``except Exception`` catches."""


def raising(error: BaseException) -> Callable[..., Any]:
    def strike(*_: Any, **__: Any) -> Any:
        raise error

    return strike


class Breaking(logging.Handler):
    """A handler that raises."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def emit(self, record: logging.LogRecord) -> None:
        raise self._error


def break_handler(logger: SafeLogger, error: BaseException) -> None:
    logger.logger.addHandler(Breaking(error))


def break_handlers_filter(logger: SafeLogger, error: BaseException) -> None:
    handler = logging.StreamHandler(io.StringIO())
    handler.addFilter(raising(error))
    logger.logger.addHandler(handler)


def break_loggers_filter(logger: SafeLogger, error: BaseException) -> None:
    logger.logger.addFilter(raising(error))


@pytest.fixture
def logger() -> Iterator[SafeLogger]:
    made = get_logger(f"flowy.test.{uuid.uuid4().hex}")
    yield made
    made.logger.handlers.clear()
    made.logger.filters.clear()


@pytest.mark.parametrize("error", [OSError(28, "No space"), SystemExit(3), Struck()], ids=repr)
@pytest.mark.parametrize("place", [break_handler, break_handlers_filter, break_loggers_filter])
def test_a_broken_log_is_told_on_standard_error(
    logger: SafeLogger,
    place: Callable[[SafeLogger, BaseException], None],
    error: BaseException,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Nothing is raised; one line names the error, without its text or the record's."""
    place(logger, error)
    logger.warning("SECRET of %s", "someone")
    said = f"flowy: a log line was lost: {type(error).__name__} in a log handler\n"
    assert capfd.readouterr().err == said


def test_ctrl_c_passes(logger: SafeLogger) -> None:
    """A KeyboardInterrupt comes from a signal, and must not be lost."""
    break_handler(logger, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        logger.warning("anything")


def test_a_closed_standard_error(logger: SafeLogger, monkeypatch: pytest.MonkeyPatch) -> None:
    """``logging`` reports a handler's trouble there, and raises if that is closed."""
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    logger.logger.addHandler(logging.StreamHandler(closed))
    with pytest.raises(ValueError):
        logger.logger.warning("a logger that is not safe")
    logger.warning("anything")


def test_a_file_descriptor_that_is_closed(
    logger: SafeLogger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon may have closed all three: then nobody is told, and nothing is raised."""
    monkeypatch.setattr("flowy.safe_logging._STDERR", -1)
    break_handler(logger, ValueError())
    logger.warning("anything")


CALLS: list[Callable[[SafeLogger], None]] = [
    lambda logger: logger.debug("said"),
    lambda logger: logger.info("said"),
    lambda logger: logger.warning("said"),
    lambda logger: logger.error("said"),
    lambda logger: logger.exception("said"),  # noqa: LOG004
    lambda logger: logger.critical("said"),
    lambda logger: logger.log(logging.INFO, "said"),
]


@pytest.mark.parametrize("call", CALLS)
def test_a_record_names_the_line_that_logs(
    logger: SafeLogger, call: Callable[[SafeLogger], None], caplog: pytest.LogCaptureFixture
) -> None:
    """Not a line of Flowy's wrapper, nor one of ``logging``: on every Python."""
    caplog.set_level(logging.DEBUG)
    call(logger)
    (record,) = caplog.records
    assert record.getMessage() == "said"
    assert record.name == logger.logger.name
    assert (record.pathname, record.lineno) == (__file__, call.__code__.co_firstlineno)
    assert record.funcName == "<lambda>"


def test_what_a_record_has(logger: SafeLogger, caplog: pytest.LogCaptureFixture) -> None:
    """Arguments, ``extra`` and the exception are as the caller gave them."""
    try:
        raise ValueError("why")
    except ValueError as error:
        raised = error
        logger.exception("%s and %d", "one", 2, extra={"activity_id": "7"})
    (record,) = caplog.records
    assert record.getMessage() == "one and 2"
    assert record.__dict__["activity_id"] == "7"
    assert record.exc_info is not None
    assert record.exc_info[1] is raised


def test_loggers_that_a_configuration_disabled(caplog: pytest.LogCaptureFixture) -> None:
    """They log again, and say so; other loggers stay as they are."""
    own, mine = logging.getLogger("flowy.test_disabled"), logging.getLogger("flowy_shop")
    enable_loggers()
    before = list(caplog.records)
    own.disabled = mine.disabled = True
    try:
        caplog.set_level(logging.INFO)
        enable_loggers()
        assert (own.disabled, mine.disabled) == (False, True)
        enable_loggers()
        (record,) = caplog.records[len(before) :]
        assert "Set disable_existing_loggers to False" in record.getMessage()
    finally:
        own.disabled = mine.disabled = False


def test_a_configuration_while_activities_run(
    logger: SafeLogger, caplog: pytest.LogCaptureFixture
) -> None:
    """A module that an activity imports late does not silence the worker."""
    caplog.set_level(logging.INFO)
    names = ["flowy", "flowy.safe_logging", logger.logger.name]
    loggers = list(map(logging.getLogger, names))
    try:
        for _ in range(2):
            for each in loggers:  # as logging.config does
                each.disabled = True
            assert logger.isEnabledFor(logging.INFO)
            logger.info("a task has ended")
    finally:
        for each in loggers:
            each.disabled = False
    told, said, told_again, said_again = caplog.messages
    assert "Set disable_existing_loggers to False" in told
    assert (told_again, said, said_again) == (told, "a task has ended", "a task has ended")


def test_a_level_that_is_off_costs_nothing(
    logger: SafeLogger, capfd: pytest.CaptureFixture[str]
) -> None:
    """No record is made, so that no filter sees one."""
    logger.logger.setLevel(logging.ERROR)
    break_loggers_filter(logger, Struck())
    logger.info("anything")
    assert capfd.readouterr().err == ""
