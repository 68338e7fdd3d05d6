"""What a log line or a debugger shows of a value: never a token, an input, a result or a note."""

from __future__ import annotations

from typing import Any

import pytest

from flowy.context import ActivityInfo
from flowy.invocation import Canceled, Completed, Failed
from flowy.swf.values import ActivityTask
from flowy.testing import HandedOver, Suspended
from flowy.tokens import SuspendedTask
from tests.unit.stand_ins import task_answer

SECRET = "e2c5-nobody-is-to-read-this"

INFO = ActivityInfo(
    name="echo", version="1", activity_id="7", workflow_id="flow", run_id="run", domain="domain",
    task_list="list", started_event_id=6, identity="me", heartbeat=None, schedule_to_close=420,
    schedule_to_start=120, start_to_close=300,
)  # fmt: skip

VALUES = [
    ActivityTask.from_answer(task_answer(SECRET, input=f'[["{SECRET}"], {{}}]')),
    SuspendedTask(SECRET, INFO, note=SECRET),
    Suspended(SECRET),
    HandedOver(SECRET),
    Completed(f'"{SECRET}"'),
    Failed(SECRET, SECRET),
    Canceled(SECRET),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r}".format])
def test_no_secret_is_shown(value: Any, show: Any) -> None:
    """In no way in which Python shows a value."""
    assert SECRET not in show(value)
    assert type(value).__name__ in repr(value)


def test_what_is_not_shown_still_counts() -> None:
    """Two values that differ in a secret differ."""
    assert Suspended("one") != Suspended("another")
    assert Completed("1") != Completed("2")
