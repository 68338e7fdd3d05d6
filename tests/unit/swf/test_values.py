"""SWF's nouns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from flowy.swf.values import NOT_SET, ActivityDefaults, ActivityTask, ActivityType
from tests.unit.stand_ins import DEFAULTS, implementation, task_answer


def test_differences() -> None:
    """Each default that differs is named with both values."""
    assert DEFAULTS.differences(DEFAULTS) == []
    other = ActivityDefaults("other", 5, 420, 120, None)
    assert DEFAULTS.differences(other) == [
        "task_list is 'list' here, 'other' at SWF",
        "heartbeat is None here, 5 at SWF",
        "start_to_close is 300 here, None at SWF",
    ]
    bare = ActivityDefaults("list", None, NOT_SET, 120, 300)
    assert DEFAULTS.differences(bare) == ["schedule_to_close is 420 here, not set at SWF"]


@pytest.mark.parametrize(
    ("here", "there", "said"),
    [
        (None, None, None),
        (None, 5, None),
        (5, 5, None),
        (0, None, None),
        (5, None, "task_priority is 5 here, not set at SWF"),
        (5, 0, "task_priority is 5 here, 0 at SWF"),
        (0, 5, "task_priority is 0 here, 5 at SWF"),
    ],
)
def test_a_priority_is_compared(here: int | None, there: int | None, said: str | None) -> None:
    """If one is declared; SWF takes 0 for a type that has none."""
    ours, theirs = (replace(DEFAULTS, task_priority=each) for each in (here, there))
    assert ours.differences(theirs) == ([said] if said else [])


def test_a_task() -> None:
    """What a poll brings, in our words."""
    task = ActivityTask.from_answer(task_answer())
    assert task == ActivityTask(
        type=ActivityType("echo", "1"), task_token="token", activity_id="7", workflow_id="flow",
        run_id="run", started_event_id=6, input="[[1], {}]",
    )  # fmt: skip
    assert str(task) == "echo 1 (activity 7 of workflow flow)"


def test_a_task_without_input() -> None:
    """SWF leaves the key out if there is none."""
    answer = task_answer()
    del answer["input"]
    task = ActivityTask.from_answer(answer)
    assert task is not None
    assert task.input is None


@pytest.mark.parametrize(
    "answer",
    [{}, {"taskToken": ""}, {"taskToken": None, "startedEventId": 0}, {"taskToken": 7}],
)
def test_an_empty_poll(answer: dict[str, Any]) -> None:
    """A token that is absent, empty or not text means that no task came."""
    assert ActivityTask.from_answer(answer) is None


def test_a_place() -> None:
    """The place of an implementation is one that editors open."""
    assert implementation(line=12).place == "activities.py:12"


@pytest.mark.parametrize("strange", [None, 7, "text", ["a"], {"name": 5}])
def test_a_task_of_strange_fields(strange: Any) -> None:
    """Whatever came with a token is a task that needs an answer: other types become text."""
    answer: dict[str, Any] = dict.fromkeys(task_answer(), strange)
    task = ActivityTask.from_answer({**answer, "taskToken": "token"})
    assert task is not None
    assert task.task_token == "token"
    for text in (*task.type, task.activity_id, task.workflow_id, task.run_id):
        assert isinstance(text, str)
    assert isinstance(task.started_event_id, int)
