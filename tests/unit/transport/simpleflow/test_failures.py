"""What a decider of simpleflow reads of a failure."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowy import reasons
from flowy.transport.simpleflow.failures import MAX_DETAILS_CHARS, failure_texts, shortened


class OwnError(Exception):
    pass


class Unprintable(Exception):
    def __str__(self) -> str:
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("error", "reason", "error_type", "message"),
    [
        (ValueError("why"), "ValueError: why", "ValueError", "why"),
        (ValueError(), "ValueError", "ValueError", ""),
        (OwnError("why"), "OwnError: why", f"{__name__}.OwnError", "why"),
        (KeyError("order"), "KeyError: 'order'", "KeyError", "'order'"),
        (
            Unprintable(),
            "Unprintable: <unprintable Unprintable object>",
            f"{__name__}.Unprintable",
            "<unprintable Unprintable object>",
        ),
    ],
)
def test_an_authors_error(error: Exception, reason: str, error_type: str, message: str) -> None:
    """The reason is the last line of its traceback, and the details have four members."""
    said, members = failure_texts(error, "as Flowy has it", "Traceback\n  line\n")
    assert said == reason
    assert members == {
        "error": type(error).__name__,
        "error_type": error_type,
        "message": message,
        "traceback": ["Traceback\n", "  line\n"],
    }


def test_a_reason_of_flowys_own() -> None:
    """A decider knows it by its constant, so it stays; it is the message, too."""
    reason = f"{reasons.INPUT_MISFIT}run() too many positional arguments"
    said, members = failure_texts(TypeError("too many"), reason, None)
    assert said == reason
    assert members is not None
    assert (members["message"], members["traceback"]) == (reason, [])


def test_a_failure_without_an_exception() -> None:
    """It has no details, or those that Flowy gives it."""
    assert failure_texts(None, "why", None) == ("why", None)
    assert failure_texts(None, "why", "more") == (
        "why",
        {"error": "", "error_type": "", "message": "why", "traceback": ["more"]},
    )


@pytest.mark.parametrize("message", ["why", "\U0001f600" * 100_000])
def test_long_details_stay_json(message: str) -> None:
    """The end of the traceback, which names the error, and the start of the message are kept."""
    members: dict[str, Any] = {
        "error": "E",
        "error_type": "E",
        "message": message,
        "traceback": [f"line {number}\n" for number in range(10_000)],
    }
    text = shortened(members)
    assert MAX_DETAILS_CHARS - 20 <= len(text) <= MAX_DETAILS_CHARS
    read = json.loads(text)
    assert read["traceback"][-1] == "line 9999\n"
    assert read["message"][:3] == message[:3]
