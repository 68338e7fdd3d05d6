"""SWF's limits, and the checks of names and timeouts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any

import botocore.loaders
import pytest

from flowy.swf import limits
from flowy.swf.limits import name_text, timeout_from_text, timeout_seconds, timeout_text


@pytest.mark.parametrize(
    ("constant", "shape", "members"),
    [
        ("MAX_INPUT_CHARS", "ScheduleActivityTaskDecisionAttributes", ["input"]),
        ("MAX_RESULT_CHARS", "RespondActivityTaskCompletedInput", ["result"]),
        ("MAX_DETAILS_CHARS", "RespondActivityTaskFailedInput", ["details"]),
        ("MAX_DETAILS_CHARS", "RespondActivityTaskCanceledInput", ["details"]),
        ("MAX_HEARTBEAT_DETAILS_CHARS", "RecordActivityTaskHeartbeatInput", ["details"]),
        ("MAX_REASON_CHARS", "RespondActivityTaskFailedInput", ["reason"]),
        ("MAX_REASON_CHARS", "TerminateWorkflowExecutionInput", ["reason"]),
        ("MAX_TOKEN_CHARS", "RespondActivityTaskFailedInput", ["taskToken"]),
        ("MAX_NAME_CHARS", "RegisterActivityTypeInput", ["domain", "name"]),
        ("MAX_NAME_CHARS", "TaskList", ["name"]),
        ("MAX_NAME_CHARS", "PollForActivityTaskInput", ["identity"]),
        ("MAX_NAME_CHARS", "StartWorkflowExecutionInput", ["workflowId"]),
        ("MAX_VERSION_CHARS", "RegisterActivityTypeInput", ["version"]),
        ("MAX_DESCRIPTION_CHARS", "RegisterActivityTypeInput", ["description"]),
        ("MAX_TIMEOUT_CHARS", "RegisterActivityTypeInput", ["defaultTaskHeartbeatTimeout"]),
    ],
)
def test_limits_are_those_of_the_model(constant: str, shape: str, members: list[str]) -> None:
    """Each limit is the one in the service model that botocore brings."""
    shapes = botocore.loaders.Loader().load_service_model("swf", "service-2")["shapes"]
    for member in members:
        kind = shapes[shape]["members"][member]["shape"]
        assert getattr(limits, constant) == shapes[kind]["max"]


class Lists(str, Enum):
    IMAGES = "images"


class Versions(IntEnum):
    SECOND = 2


class Sixty:
    """Has a whole number, but is not one."""

    def __int__(self) -> int:
        return 60


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("echo", "echo"),
        (1, "1"),
        (Decimal("1.10"), "1.10"),
        (Lists.IMAGES, "images"),
        (Versions.SECOND, "2"),
        ("\u00e4 b", "\u00e4 b"),
        (" a", " a"),
    ],
)
def test_names(value: Any, text: str) -> None:
    """A name is text, or the text of a number; of an enumeration's member, its value."""
    assert name_text(value, "name") == text
    assert type(name_text(value, "name")) is str


def test_a_float_as_a_name() -> None:
    """It is warned of, in the author's line: 1.10 is 1.1."""
    with pytest.warns(
        UserWarning, match='version 1.1 is a float.*Give text: version="1.1"'
    ) as seen:
        assert name_text(1.10, "version") == "1.1"
    assert seen[0].filename == __file__


@pytest.mark.parametrize(
    "value",
    [None, True, b"list", [], ["list"], {}, object, float("nan"), float("inf"), Decimal("nan"), 1j],
)
def test_what_is_no_name(value: Any) -> None:
    """None above all: an unset environment variable would register a list named "None"."""
    with pytest.raises(
        ValueError, match="^Cannot use .* as task_list: give text, or a number"
    ) as it:
        name_text(value, "task_list", trimmed=True)
    assert ("environment variable" in str(it.value)) is (value is None)


@pytest.mark.parametrize(
    "value", ["", "x" * 257, "a:b", "a/b", "a|b", "a\nb", "a\x7f", "\x9f", "arn"]
)
def test_names_that_swf_refuses(value: str) -> None:
    """What SWF would refuse is refused here, and the text says what is allowed."""
    with pytest.raises(ValueError, match="SWF takes 1 to 256 characters") as caught:
        name_text(value, "task_list")
    assert "task_list" in str(caught.value)


def test_the_length_of_a_name() -> None:
    """The limit counts, to the character."""
    assert name_text("x" * 256, "name") == "x" * 256
    assert name_text("x" * 64, "version", 64)
    with pytest.raises(ValueError, match="a version of 65 characters: SWF takes 1 to 64"):
        name_text("x" * 65, "version", 64)


@pytest.mark.parametrize("value", [" a", "a ", "\u2003a"])
def test_white_space_at_the_ends(value: str) -> None:
    """Domains and task lists have none at either end."""
    with pytest.raises(ValueError, match="no white space at either end"):
        name_text(value, "domain", trimmed=True)
    assert name_text("a b", "domain", trimmed=True) == "a b"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        (1, 1),
        ("300", 300),
        (2.0, 2),
        (Decimal(60), 60),
        (timedelta(minutes=5), 300),
        (99_999_999, 99_999_999),
    ],
)
def test_timeouts(value: Any, seconds: int | None) -> None:
    """A timeout is a whole number over 0, its text, or a timedelta; None means no limit."""
    assert timeout_seconds(value, "heartbeat") == seconds


@pytest.mark.parametrize(
    "value",
    [
        *(0, -1, 0.5, 1.9, 100_000_000, "abc", "NONE", "", "1.9", [], float("inf"), float("nan")),
        *(True, b"60", timedelta(0), timedelta(milliseconds=1500), Sixty()),
    ],
)
def test_timeouts_that_swf_refuses(value: Any) -> None:
    """Anything else is refused, naming which timeout and what is allowed."""
    with pytest.raises(ValueError, match="as start_to_close: give whole seconds from 1"):
        timeout_seconds(value, "start_to_close")


def test_timeouts_as_swf_writes_them() -> None:
    """Digits, and NONE for no limit; a default that SWF does not have means no limit, too."""
    assert [timeout_text(each) for each in (5, None)] == ["5", "NONE"]
    assert [timeout_from_text(each) for each in ("5", "NONE", None)] == [5, None, None]


def test_a_name_without_utf_8_form() -> None:
    """It cannot be sent, and the error says so in characters that can be printed."""
    with pytest.raises(ValueError, match="a character that UTF-8 cannot encode") as caught:
        name_text("\ud800", "name")
    assert "\\ud800" in str(caught.value)


class Evil:
    """Neither its number nor its text can be had."""

    def __int__(self) -> int:
        raise ZeroDivisionError

    def __repr__(self) -> str:
        raise ZeroDivisionError


@pytest.mark.parametrize(("value", "said"), [(Evil(), "this Evil"), ("9" * 5_000, " ...")])
def test_timeouts_that_cannot_be_shown(value: object, said: str) -> None:
    """The error is short, and there is one."""
    with pytest.raises(ValueError, match="Cannot use") as caught:
        timeout_seconds(value, "heartbeat")
    assert said in str(caught.value)
    assert len(str(caught.value)) < 250
