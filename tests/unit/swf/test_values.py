"""SWF's nouns and limits."""

from __future__ import annotations

from typing import Any

import botocore.loaders
import pytest

from flowy.swf import values
from flowy.swf.values import (
    ActivityTask,
    ActivityType,
    name_text,
    timeout_from_text,
    timeout_seconds,
    timeout_text,
)
from tests.unit.stand_ins import DEFAULTS, implementation, task_answer


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
        ("MAX_TIMEOUT_CHARS", "RegisterActivityTypeInput", ["defaultTaskHeartbeatTimeout"]),
    ],
)
def test_limits_are_those_of_the_model(constant: str, shape: str, members: list[str]) -> None:
    """Each limit is the one in the service model that botocore brings."""
    shapes = botocore.loaders.Loader().load_service_model("swf", "service-2")["shapes"]
    for member in members:
        kind = shapes[shape]["members"][member]["shape"]
        assert getattr(values, constant) == shapes[kind]["max"]


@pytest.mark.parametrize(
    ("value", "text"),
    [("echo", "echo"), (1, "1"), (1.5, "1.5"), ("\u00e4 b", "\u00e4 b"), (" a", " a")],
)
def test_names(value: object, text: str) -> None:
    """A name is any object's text."""
    assert name_text(value, "name") == text


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
    ("value", "seconds"), [(None, None), (1, 1), ("300", 300), (2.9, 2), (99_999_999, 99_999_999)]
)
def test_timeouts(value: Any, seconds: int | None) -> None:
    """A timeout is whatever ``int()`` takes, over 0; None is no limit."""
    assert timeout_seconds(value, "heartbeat") == seconds


@pytest.mark.parametrize(
    "value", [0, -1, 0.5, 100_000_000, "abc", "NONE", "", [], float("inf"), float("nan")]
)
def test_timeouts_that_swf_refuses(value: Any) -> None:
    """Anything else is refused, naming which timeout and what is allowed."""
    with pytest.raises(ValueError, match="as start_to_close: give whole seconds from 1"):
        timeout_seconds(value, "start_to_close")


def test_timeouts_as_swf_writes_them() -> None:
    """Digits, and NONE for no limit; a default that SWF does not hold is no limit either."""
    assert [timeout_text(each) for each in (5, None)] == ["5", "NONE"]
    assert [timeout_from_text(each) for each in ("5", "NONE", None)] == [5, None, None]


def test_differences() -> None:
    """Each default that differs is named with both values."""
    assert DEFAULTS.differences(DEFAULTS) == []
    other = values.ActivityDefaults("other", 5, 420, 120, None)
    assert DEFAULTS.differences(other) == [
        "task_list is 'list' here, 'other' at SWF",
        "heartbeat is None here, 5 at SWF",
        "start_to_close is 300 here, None at SWF",
    ]


def test_a_task() -> None:
    """What a poll brings, in our words."""
    task = ActivityTask.from_answer(task_answer())
    assert task == ActivityTask(
        type=ActivityType("echo", "1"), task_token="token", activity_id="7", workflow_id="flow",
        run_id="run", started_event_id=6, input="[[1], {}]",
    )  # fmt: skip
    assert str(task) == "echo 1 (activity 7 of workflow flow)"


def test_a_task_without_input() -> None:
    """SWF leaves the key out where there is none."""
    answer = task_answer()
    del answer["input"]
    task = ActivityTask.from_answer(answer)
    assert task is not None
    assert task.input is None


@pytest.mark.parametrize(
    "answer", [{}, {"taskToken": ""}, {"taskToken": None, "startedEventId": 0}]
)
def test_an_empty_poll(answer: dict[str, Any]) -> None:
    """SWF's empty token, an absent one and an unreadable answer are no task."""
    assert ActivityTask.from_answer(answer) is None


def test_a_place() -> None:
    """The place of an implementation is one that editors open."""
    assert implementation(line=12).place == "activities.py:12"
