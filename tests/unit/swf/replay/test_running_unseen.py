"""What a replay keeps from SWF, from stores and from other programs: nothing is changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowy import (
    Activity,
    AsyncActivity,
    HandOverTask,
    activity,
    async_scheduler,
    call_activity,
)
from flowy.context import current, replaying
from flowy.exception import RefusedError
from flowy.invocation import TaskOutcome
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.unit.swf.replay.recorded import one, run


@activity("talk", 1, "work")
class Talk(Activity):
    def run(self, name: str) -> Any:
        """Try to change something at SWF."""
        assert replaying()
        try:
            TALKS[name](self)
        except RefusedError as error:
            return str(error)
        return "done"


LAYER1: Any = object()

TALKS: dict[str, Callable[[Activity], object]] = {
    "complete": lambda self: async_scheduler("shop", layer1=LAYER1).complete(self.token, 7),
    "call": lambda self: call_activity("shop", "charge", 1, 7, layer1=LAYER1),
}


@pytest.mark.parametrize("name", sorted(TALKS))
def test_calls_are_refused(name: str) -> None:
    """Whatever client of Flowy's an activity has, it can only read in a replay."""
    value = run(one("talk", name), Talk).now.value
    assert "a replay makes no calls that change anything at SWF" in value
    assert not replaying()


def test_info_and_token() -> None:
    """The ids are the recorded ones; the token shows that it is not real."""

    @activity("info", 1, "elsewhere")
    class Info(Activity):
        def run(self, order: Any) -> Any:
            """Return what is known."""
            info = current()
            return [info.workflow_id, info.run_id, info.activity_id, info.domain, info.task_list,
                    info.started_event_id, info.identity, self.token]  # fmt: skip

    assert run(one("info", 7), Info).now.value == [
        "order-7", "run-1", "a", "shop", "work", 3, "replay", "replay of event 2"
    ]  # fmt: skip


@activity("ask", 1, "work")
class Ask(Activity):
    def run(self, file: str) -> Any:
        """Suspend the task, and keep it in a store."""
        self.suspend(SQLiteTokenStore(file), "a note")


@activity("ask later", 1, "work")
class AskLater(AsyncActivity):
    async def run(self, file: str) -> Any:
        """Suspend the task, and keep it in a store."""
        await self.suspend(SQLiteTokenStore(file))


@pytest.mark.parametrize(("name", "implementation"), [("ask", Ask), ("ask later", AskLater)])
def test_suspended(tmp_path: Path, name: str, implementation: type[Activity]) -> None:
    """The run ends as in a worker, and the store has no task."""
    file = tmp_path / "tokens.db"
    replay = run(one(name, str(file), result='"yes"'), implementation)
    assert (replay.now.outcome, replay.equal) == (TaskOutcome.SUSPENDED, None)
    assert replay.verdict == "Nothing to compare with: somebody else answers for the task."
    assert SQLiteTokenStore(file).pending() == []


def test_handed_over() -> None:
    """Somebody else has answered."""

    @activity("hand", 1, "work")
    class Hand(Activity):
        def run(self, order: Any) -> Any:
            """Hand the task over."""
            raise HandOverTask

    assert run(one("hand", 7, result="1"), Hand).equal is None
