"""Polls whose answers are not what SWF sends: none of them ends a worker.

A proxy, an emulator or a client of another making may say anything. A worker that stops for it
stops serving all other tasks.
"""

from __future__ import annotations

from typing import Any

import pytest

from flowy import Activity, activity
from flowy.swf.worker.report import StopReport
from flowy.task import AsyncActivity
from tests.unit.stand_ins import task_answer
from tests.unit.swf.served import TaskList, serve

#: What is neither text nor an object.
NUMBER, LIST, NULL = 7, ["echo"], None


@activity("echo", 1, "list")
class Echo(Activity):
    def run(self, value: Any) -> Any:
        return value


@activity("echo later", 1, "list")
class EchoLater(AsyncActivity):
    async def run(self, value: Any) -> Any:
        return value


def strange(**fields: Any) -> dict[str, Any]:
    """The answer to a poll with these fields in place of SWF's own."""
    return {**task_answer("strange"), **fields}


def of_type(name: Any = "echo", version: Any = "1") -> dict[str, Any]:
    return strange(activityType={"name": name, "version": version})


def served(answer: Any, concurrency: int) -> tuple[TaskList, StopReport]:
    """Serve it, and a good task after it."""
    tasks = TaskList(answer, task_answer("good"))
    report = serve(tasks, __name__, loop=2, concurrency=concurrency)
    assert tasks.kinds("good") == ["completed"]
    return tasks, report


def assert_failed_or_lost(answer: Any, concurrency: int) -> None:
    tasks, report = served(answer, concurrency)
    if tasks.kinds("strange"):
        assert tasks.kinds("strange") == ["failed"]
        assert report.failed == 1
    else:
        assert len(report.polls_lost) == 1


both = pytest.mark.parametrize("concurrency", [1, 2])


@both
@pytest.mark.parametrize("value", [NUMBER, LIST, NULL, {}], ids=repr)
@pytest.mark.parametrize("part", ["name", "version"])
def test_a_type_that_is_no_text(part: str, value: Any, concurrency: int) -> None:
    """Its task is failed, or its poll is counted as lost."""
    assert_failed_or_lost(of_type(**{part: value}), concurrency)


@both
@pytest.mark.parametrize("value", [NUMBER, LIST, NULL, "echo 1"], ids=repr)
def test_a_type_that_is_no_object(value: Any, concurrency: int) -> None:
    """The same holds if the whole type is something else."""
    assert_failed_or_lost(strange(activityType=value), concurrency)


@both
@pytest.mark.parametrize("name", ["echo", "echo later"])
@pytest.mark.parametrize("value", [NUMBER, ["[[1], {}]"], {"args": [1]}], ids=repr)
def test_input_that_is_no_text(name: str, value: Any, concurrency: int) -> None:
    """The same holds for the input; no input at all is None, and legal."""
    answer = {**of_type(name), "input": value}
    assert_failed_or_lost(answer, concurrency)


@both
@pytest.mark.parametrize("value", [NUMBER, LIST, NULL, "flow"], ids=repr)
def test_an_execution_that_is_no_object(value: Any, concurrency: int) -> None:
    """An execution only names the task: that may be run as well, and answered once."""
    tasks, report = served(strange(workflowExecution=value), concurrency)
    assert len(tasks.kinds("strange")) + len(report.polls_lost) == 1


@both
@pytest.mark.parametrize("value", [NUMBER, LIST, NULL], ids=repr)
@pytest.mark.parametrize("field", ["activityId", "startedEventId"])
def test_ids_of_another_kind(field: str, value: Any, concurrency: int) -> None:
    """The ids only name it, too."""
    tasks, report = served(strange(**{field: value}), concurrency)
    assert len(tasks.kinds("strange")) + len(report.polls_lost) == 1


@both
@pytest.mark.parametrize("value", [NUMBER, LIST, {}], ids=repr)
def test_a_token_that_is_no_text(value: Any, concurrency: int) -> None:
    """Nothing can be answered with it that SWF takes: such a poll ends no worker."""
    served(strange(taskToken=value), concurrency)


@both
@pytest.mark.parametrize("answer", [LIST, NUMBER, "no object"], ids=repr)
def test_an_answer_that_is_no_object(answer: Any, concurrency: int) -> None:
    """It may have cost a task, or was none: the worker polls on."""
    served(answer, concurrency)
