"""Reasons and details: of any exception at all, something that SWF takes."""

from __future__ import annotations

import sys

import pytest

from flowy.failure import (
    MAX_PIECE_CHARS,
    cut_end,
    cut_start,
    details_of,
    reason_of,
    sendable,
)


class Evil(BaseException):
    """Its message cannot be read, for reading it raises one more of its kind."""

    def __str__(self) -> str:
        raise Evil


class Textless(Exception):
    def __str__(self) -> str:
        return 1  # type: ignore[return-value]


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("Can't echo 1."), "Can't echo 1."),
        (ValueError(), "ValueError"),
        (ValueError(""), "ValueError"),
        (KeyError("k"), "'k'"),
        (SystemExit(3), "3"),
        (GeneratorExit(), "GeneratorExit"),
        (ValueError("\u00e4\U0001f600"), "\u00e4\U0001f600"),
        (ValueError("half \ud800"), "half \\ud800"),
        (Textless(), "Textless (its message cannot be read: TypeError)"),
        (Evil(), "Evil (its message cannot be read: Evil)"),
    ],
)
def test_reason(error: BaseException, reason: str) -> None:
    """The reason is the exception's text, or its class where there is none that can be sent."""
    assert reason_of(error) == reason
    reason_of(error).encode()


def test_details_are_the_traceback() -> None:
    """Frames, causes and the message, the last line last."""
    try:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            raise ValueError("outer") from inner
    except ValueError as error:
        details = details_of(error)
    assert details.startswith("Traceback (most recent call last):")
    assert "KeyError: 'inner'" in details
    assert "direct cause" in details
    assert details.endswith("ValueError: outer\n")


def test_frames_of_the_caller_are_left_out() -> None:
    """Leading frames of one file are skipped, but never all of them."""
    error = raised(ValueError("here"))
    assert error.__traceback__ is not None
    assert __file__ in details_of(error)
    assert __file__ in details_of(error, skip_file=__file__)
    details = details_of(raised(raised_by_json()), skip_file=__file__)
    assert __file__ not in details
    assert "decoder.py" in details


def raised_by_json() -> BaseException:
    import json

    try:
        json.loads("{")
    except ValueError as error:
        return error
    raise AssertionError


def test_a_long_message_leaves_the_frames_in() -> None:
    """Each piece of a traceback is cut by itself."""
    details = details_of(raised(ValueError("x" * 100_000)))
    assert len(details) < 2 * MAX_PIECE_CHARS
    assert __file__ in details
    assert details.endswith("x ...")


@pytest.mark.parametrize("error", [Evil(), Textless(), ValueError("\udfff")])
def test_details_of_an_exception_that_cannot_be_read(error: BaseException) -> None:
    """There is a traceback, and it can be sent."""
    details = details_of(raised(error))
    assert __file__ in details
    details.encode()


class Uncaused(Exception):
    """Formatting it fails: what its cause is cannot be told."""

    @property
    def __cause__(self) -> BaseException | None:  # type: ignore[override]
        raise RuntimeError

    @property
    def __suppress_context__(self) -> bool:  # type: ignore[override]
        raise RuntimeError


def test_a_traceback_that_cannot_be_formatted() -> None:
    """The details then name the class, and what came between."""
    assert details_of(raised(Uncaused())) == "Uncaused (no traceback: RuntimeError)"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups are younger than Python 3.10")
def test_groups() -> None:
    """Of a group of exceptions every member is in the details."""
    group = ExceptionGroup("both", [ValueError("one"), KeyError("two")])  # noqa: F821
    details = details_of(raised(group))
    assert "ValueError: one" in details
    assert "KeyError: 'two'" in details
    assert reason_of(group) == "both (2 sub-exceptions)"


def test_sendable() -> None:
    """What has a UTF-8 form stays as it is, lone surrogates become escapes."""
    assert sendable("\u00e4\U0001f600") == "\u00e4\U0001f600"
    assert sendable("a\ud800b") == "a\\ud800b"


def test_cutting() -> None:
    """A cut text has the limit's length and a mark where it was cut; a short one stays."""
    assert cut_end("12345678", 8) == cut_start("12345678", 8) == "12345678"
    assert cut_end("123456789", 8) == "1234 ..."
    assert cut_start("123456789", 8) == "... 6789"
