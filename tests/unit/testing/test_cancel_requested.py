"""Reading ``cancel_requested`` tells the activity of the request, as the documentation says."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from flowy import Activity, CancelTask, activity
from flowy.testing import ActivityEnvironment, Answer, Canceled

logger = logging.getLogger(__name__)


@activity("logs", 1, "tasks", heartbeat=30, auto_heartbeat=True)
class Logs(Activity):
    """Writes what it knows into a log line, and does as *then* says."""

    def run(self, then: str) -> Any:
        logger.info("Cancellation requested: %s.", self.cancel_requested)
        if then == "beat":
            assert not self.heartbeat()
        elif then == "raise":
            raise CancelTask("seen")
        return "done" if then == "return" else None


@pytest.fixture
def env() -> ActivityEnvironment:
    """The environment of an activity whose cancellation was requested before it looked."""
    env = ActivityEnvironment()
    env.cancel()
    return env


def test_none_after_a_look_is_a_cancellation(env: ActivityEnvironment) -> None:
    """An activity that has read True and returns None has given up."""
    assert env.run(Logs, "finish") == Canceled()


def test_none_after_a_look_without_a_request_completes_the_task() -> None:
    """An activity that has read False has not been told of anything."""
    env = ActivityEnvironment()
    assert env.run(Logs, "finish") is None
    assert env.answer == Answer("completed", result="null")


def test_a_value_after_a_look_completes_the_task(env: ActivityEnvironment) -> None:
    """As any value does."""
    assert env.run(Logs, "return") == "done"


def test_none_after_a_heartbeat_that_said_no_is_a_cancellation(env: ActivityEnvironment) -> None:
    """``heartbeat()`` is what tells an activity to give up."""
    assert env.run(Logs, "beat") == Canceled()


def test_cancel_task_after_a_look_is_a_cancellation(env: ActivityEnvironment) -> None:
    """An activity that says that it was canceled, and knew of the request, was."""
    assert env.run(Logs, "raise") == Canceled("seen")
