"""A worker with the default client, against an SWF that misbehaves."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from flowy import Activity, activity, start_activity_worker
from tests.acceptance.processes import Process
from tests.unit.scripted_swf import Says, ScriptedSWF, says_fault
from tests.unit.stand_ins import task_answer


@activity("echo", 1, "list")
class Echo(Activity):
    """What the scan of this module finds."""

    def run(self, value: int) -> int:
        self.heartbeat()
        return value


def test_through_all_trouble(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Throttles, server errors, broken connections and rubbish end neither poll nor answer.

    The polls that may have cost a task are in the report.
    """
    throttle = says_fault("ThrottlingException", "Rate exceeded")
    lines = [
        throttle,  # a poll
        Says({}, then="drop"),
        Says("<html>welcome</html>"),
        Says(task_answer()),
        Says("<html>bad gateway</html>", 502),  # its heartbeat, which the client repeats
        Says({"cancelRequested": False}),
        Says({}, then="drop"),  # its answer, which the client repeats
        Says(),
        Says({"taskToken": "", "startedEventId": 0}),  # and so on
    ]
    with ScriptedSWF(*lines) as swf:
        for name, value in swf.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        report = start_activity_worker("domain", "list", reg_remote=False, loop=2)
    assert swf.actions == [
        *["PollForActivityTask"] * 4,
        *["RecordActivityTaskHeartbeat"] * 2,
        *["RespondActivityTaskCompleted"] * 2,
        "PollForActivityTask",
    ]
    assert swf.requests[-2].parameters == {"taskToken": "token", "result": "1"}
    warnings = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    failed, recovered, stopped = warnings
    assert failed.startswith("Poll failed (ThrottlingException): Cannot poll_for_activity_task: ")
    assert "Rate exceeded. Region us-east-1, endpoint http://127.0.0.1:" in failed
    assert recovered.startswith("Polling list works again after ")
    assert recovered.endswith(" s; 3 polls had failed.")
    assert stopped.startswith("Worker stopped: 1 completed; ")
    assert [poll.fault for poll in report.polls_lost] == [
        "ConnectionClosedError",
        "UnreadableAnswer",
    ]


SCRIPT = """
from flowy import Activity, activity, start_activity_worker

@activity('echo', 1, 'list')
class Echo(Activity):
    def run(self):
        pass

start_activity_worker('no such domain', 'list', reg_remote=False)
"""


@pytest.mark.parametrize(
    ("changed", "last_line"),
    [
        (
            {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None},
            "no AWS credentials were found",
        ),
        ({"AWS_DEFAULT_REGION": None}, "no AWS region is set"),
        ({}, "aws swf register-domain --name no such domain"),
    ],
    ids=["no credentials", "no region", "unknown domain"],
)
def test_a_worker_that_is_set_up_wrongly(
    process: Callable[..., Process],
    write: Callable[..., Path],
    changed: dict[str, None],
    last_line: str,
) -> None:
    """It ends at its first poll, with an error that says what to do, rather than trying on."""
    worker = process(write("worker.py", SCRIPT, log=True), **changed)
    assert worker.wait() == 1
    assert worker.lines[-1].startswith("flowy.exception.")
    assert last_line in worker.lines[-1]
