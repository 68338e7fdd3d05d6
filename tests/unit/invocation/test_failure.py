"""Reasons and details: of any exception at all, something that SWF takes."""

from __future__ import annotations

import gc
import json
import sys
import weakref

import pytest

from flowy.invocation.failure import (
    MAX_CHAIN,
    MAX_PIECE_CHARS,
    details_of,
    reason_of,
)


class Evil(BaseException):
    """Its message cannot be read: reading it raises one more of its kind."""

    def __str__(self) -> str:
        raise Evil


class Textless(Exception):
    def __str__(self) -> str:
        return 1  # type: ignore[return-value]


class Missing(KeyError):
    """Has the text of KeyError: the key alone."""


class Worded(KeyError):
    """Has a text of its own."""

    def __str__(self) -> str:
        return f"no order {self.args[0]}"


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
        (ValueError(" \n"), "ValueError"),
        (KeyError("k"), "KeyError: 'k'"),
        (KeyError(7), "KeyError: 7"),
        (ValueError(KeyError("k")), "ValueError: 'k'"),
        (ValueError(b"k"), "ValueError: b'k'"),
        (ValueError("'k' is not in 'keys'"), "'k' is not in 'keys'"),
        (Missing("k"), "Missing: 'k'"),
        (Worded("k"), "no order k"),
        (LookupError("k"), "k"),
        (SystemExit(3), "SystemExit: 3"),
        (ValueError(-1.5), "ValueError: -1.5"),
        (ValueError(1e300), "ValueError: 1e+300"),
        (ValueError("(1, 2)"), "ValueError: (1, 2)"),
        (ValueError(None), "ValueError: None"),
        (ValueError("3 orders"), "3 orders"),
        (ValueError("\u6ca1\u6709"), "\u6ca1\u6709"),
        (GeneratorExit(), "GeneratorExit"),
        (ValueError("\u00e4\U0001f600"), "\u00e4\U0001f600"),
        (ValueError("\U0001f600"), "ValueError: \U0001f600"),
        (ValueError("half \ud800"), "half \\ud800"),
        (Textless(), "Textless (its message cannot be read: TypeError)"),
        (Evil(), "Evil (its message cannot be read: Evil)"),
    ],
)
def test_reason(error: BaseException, reason: str) -> None:
    """The reason is the exception's text, with its class if the text alone says nothing."""
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


def raised_by_json() -> BaseException:
    try:
        json.loads("{")
    except ValueError as error:
        return error
    raise AssertionError


def test_frames_of_the_caller_are_left_out() -> None:
    """The author's frames begin below the code that ran them; at least one frame stays."""
    error = raised_by_json()
    assert __file__ in details_of(error)
    details = details_of(error, run_by={raised_by_json.__code__})
    assert __file__ not in details
    assert "decoder.py" in details
    lowest = raised(ValueError("here"))
    assert __file__ in details_of(lowest, run_by={raised.__code__})


def test_the_caller_may_be_called_again() -> None:
    """What counts is the last of its frames: an activity may run another one."""

    def run(depth: int) -> None:
        raised_below() if depth == 0 else run(depth - 1)

    def raised_below() -> None:
        raise ValueError("here")

    with pytest.raises(ValueError, match="here") as caught:
        run(3)
    details = details_of(caught.value, run_by={run.__code__})
    assert "in raised_below" in details
    assert "in run" not in details


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
    """It cannot be formatted: asking for its cause raises."""

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


@pytest.mark.parametrize("exceptions", [None, 3, ["text"], (ValueError(), None)])
def test_no_group_in_spite_of_its_attribute(exceptions: object) -> None:
    """An author's exception may have an attribute of this name, whatever is in it."""
    error = ValueError("why")
    error.exceptions = exceptions  # type: ignore[attr-defined]
    assert "in raised\n" in details_of(raised(error))


@pytest.mark.parametrize("attribute", ["__cause__", "__context__"])
def test_a_long_chain_is_cut(attribute: str) -> None:
    """The latest 20 exceptions are shown, the last of them last; the chain itself is cut."""
    error = newest = raised(ValueError("number 0"))
    for number in range(1, 100):
        older = raised(ValueError(f"number {number}"))
        setattr(error, attribute, older)
        error = older
    details = details_of(newest)
    assert details.count("Traceback") == MAX_CHAIN
    assert details.endswith("ValueError: number 0\n")
    assert f"number {MAX_CHAIN - 1}\n" in details
    assert f"number {MAX_CHAIN}\n" not in details


def test_a_circle() -> None:
    """Exceptions that are each other's cause are shown once each."""
    first, second = raised(ValueError("first")), raised(ValueError("second"))
    first.__cause__, second.__cause__ = second, first
    assert details_of(first).count("Traceback") == 2


@pytest.mark.parametrize("inside", [False, True])
def test_the_frames_of_a_memory_error_are_cleared(inside: bool) -> None:
    """They hold what has used up the memory, and the answer needs some."""

    class Much:
        pass

    kept: list[weakref.ref[Much]] = []

    def use_up() -> None:
        much = Much()
        kept.append(weakref.ref(much))
        try:
            raise MemoryError("no more")
        except MemoryError as error:
            if not inside:
                raise
            raise ValueError("so") from error

    def run() -> BaseException:
        try:
            use_up()
        except Exception as error:
            return error
        raise AssertionError

    error = run()
    assert "MemoryError: no more" in details_of(error, run_by={run.__code__})
    gc.collect()
    assert kept[0]() is None
