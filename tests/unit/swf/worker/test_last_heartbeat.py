"""The details of the last heartbeat, written into a failure and read from it."""

from __future__ import annotations

import pytest

from flowy.invocation import Failed
from flowy.swf.worker.last_heartbeat import last_heartbeat_in, with_last_heartbeat

TRACEBACK = "Traceback (most recent call last):\n...\nValueError: no"


@pytest.mark.parametrize("details", [TRACEBACK, None, ""])
@pytest.mark.parametrize("last", ['{"copied": 3}', "half", None])
def test_what_is_written_is_read(details: str | None, last: str | None) -> None:
    """Whatever the failure's own details are; without a heartbeat they stay as they are."""
    sent = with_last_heartbeat(Failed("no", details), last)
    assert last_heartbeat_in(sent.details) == last
    if last is None:
        assert sent.details == details


def test_a_reason_that_is_hidden_comes_after_them() -> None:
    """The envelope adds it to the details; it does not belong to the heartbeat's."""
    sent = with_last_heartbeat(Failed("no", TRACEBACK), "half")
    assert last_heartbeat_in(f"{sent.details}\nReason: no", hides_reasons=True) == "half"


def test_an_exception_cannot_pose_as_a_heartbeat() -> None:
    """Its text may come from an input, and the next attempt would skip work that was not done."""
    posing = f'{TRACEBACK}\nLast heartbeat: {{"copied": 99}}'
    assert last_heartbeat_in(with_last_heartbeat(Failed("no", posing), None).details) is None
    assert last_heartbeat_in(with_last_heartbeat(Failed("no", posing), "half").details) == "half"


def test_a_format_of_its_own_is_left_alone() -> None:
    """More text would break what its decider parses."""
    answer = Failed("no", "Last heartbeat: mine", own_format=True)
    assert with_last_heartbeat(answer, "half") is answer
