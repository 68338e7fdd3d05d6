"""What a history tells of an activity that is waited for, or timed out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from flowy.swf.calling.waiting import not_taken, why_timed_out
from tests.unit.swf.history_events import event

SINCE = datetime(2026, 1, 1, 12, 30, 15).astimezone()
SCHEDULED: dict[str, Any] = {
    **event(
        "ActivityTaskScheduled",
        taskList={"name": "orders"},
        scheduleToStartTimeout="120",
        scheduleToCloseTimeout="420",
        startToCloseTimeout="300",
        heartbeatTimeout="30",
    ),
    "eventTimestamp": SINCE,
}
STARTED = event("ActivityTaskStarted", identity="host:7")


def test_not_taken() -> None:
    """Scheduled and not started: which list, and since when."""
    assert not_taken([SCHEDULED]) == (
        "no worker has taken it from task list 'orders' since 12:30:15"
    )
    assert not_taken([SCHEDULED, STARTED]) == ""
    assert not_taken([]) == ""


@pytest.mark.parametrize(
    ("kind", "started", "said"),
    [
        (
            "SCHEDULE_TO_START",
            False,
            "No worker took it from task list 'orders' within 120 s. Does a worker "
            "poll this list, and does it have a free slot?",
        ),
        (
            "SCHEDULE_TO_CLOSE",
            False,
            "It had not ended within 420 s of its scheduling, waiting included; no worker had "
            "taken it.",
        ),
        (
            "START_TO_CLOSE",
            True,
            "It had not ended within 300 s of its start; host:7 had taken it.",
        ),
        ("HEARTBEAT", True, "No heartbeat came for 30 s; host:7 had taken it."),
        ("SOMETHING_NEW", True, ""),
    ],
)
def test_why_it_timed_out(kind: str, started: bool, said: str) -> None:
    """Which limit passed, how long it was, and who had the task."""
    assert why_timed_out([SCHEDULED, *([STARTED] if started else [])], kind) == said
