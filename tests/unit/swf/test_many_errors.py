"""Many errors in one: a long chain of them, a circle, a group."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from flowy import reasons
from tests.unit.stand_ins import task_answer
from tests.unit.swf.served import TaskList, serve

PACKAGE = "tests.faults.rough_activities"

#: SWF takes details of this length, in characters.
MAX_DETAILS_CHARS = 32_768

#: How many errors stand behind one, and how many of them its details have at most.
LINKS, MAX_TOLD = 20_000, 20

both_kinds = pytest.mark.parametrize("kind", ["", "-async"], ids=["thread", "coroutine"])


def task(token: str, name: str, *args: Any) -> dict[str, Any]:
    return task_answer(token, name, input=json.dumps([args, {}]))


@pytest.mark.parametrize("links", [LINKS, 0], ids=["a-long-chain", "a-circle"])
@pytest.mark.parametrize("by", ["__context__", "__cause__"])
def test_a_chain_of_errors_is_bounded(by: str, links: int) -> None:
    """However many errors stand behind the one that was raised, few are told.

    The newest error is never cut from the details.
    """
    tasks = TaskList(task("1", "chained", links, by))
    serve(tasks, PACKAGE)
    assert tasks.kinds("1") == ["failed"]
    answer = tasks.answer("1")
    assert answer["reason"] == "the newest"
    assert len(answer["details"]) <= MAX_DETAILS_CHARS
    assert answer["details"].count("ValueError: ") <= MAX_TOLD
    assert answer["details"].endswith("ValueError: the newest\n")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups of errors came with Python 3.11")
@pytest.mark.parametrize("cancel_requested", [False, True])
class TestGroups:
    """A group with nothing but one word that steers in it counts as that word."""

    @both_kinds
    @pytest.mark.parametrize(
        "content", [["suspend"], [["suspend"]], ["suspend", ["suspend"]]], ids=str
    )
    def test_suspend_task_alone(
        self, content: list[Any], kind: str, cancel_requested: bool
    ) -> None:
        """It sends no answer, though several of a TaskGroup's tasks raised it."""
        tasks = TaskList(task("1", f"grouped{kind}", content), cancel_requested=cancel_requested)
        report = serve(tasks, PACKAGE)
        assert tasks.answers == []
        assert report.suspended == 1

    @both_kinds
    @pytest.mark.parametrize("content", [["cancel"], [["cancel"]], ["cancel", ["cancel"]]], ids=str)
    def test_cancel_task_alone(self, content: list[Any], kind: str, cancel_requested: bool) -> None:
        """It answers *canceled* if that was requested; otherwise it is a failure that says so."""
        tasks = TaskList(task("1", f"grouped{kind}", content), cancel_requested=cancel_requested)
        serve(tasks, PACKAGE)
        if cancel_requested:
            assert tasks.kinds("1") == ["canceled"]
            assert tasks.answer("1")["details"] == "because"
        else:
            assert tasks.kinds("1") == ["failed"]
            assert tasks.answer("1")["reason"].startswith(reasons.CANCEL_NOT_REQUESTED)

    @both_kinds
    @pytest.mark.parametrize("error", ["error", "unheard"])
    @pytest.mark.parametrize("word", ["suspend", "cancel"])
    @pytest.mark.parametrize("nested", [False, True], ids=["flat", "nested"])
    def test_together_with_an_error(
        self, word: str, error: str, nested: bool, kind: str, cancel_requested: bool
    ) -> None:
        """An error beside it fails the task, and the details have that error."""
        content = [word, [error]] if nested else [word, error]
        tasks = TaskList(task("1", f"grouped{kind}", content), cancel_requested=cancel_requested)
        serve(tasks, PACKAGE)
        assert tasks.kinds("1") == ["failed"]
        assert ("not found" if error == "error" else "not heard of") in tasks.answer("1")["details"]
