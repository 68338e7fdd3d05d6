"""A ``Tracing`` that is fed with the events and the run of a task."""

from __future__ import annotations

from typing import Any

from flowy import Activity
from flowy.context import ActivityInfo
from flowy.invocation import TaskOutcome
from flowy.middleware import Run
from flowy.observer import (
    CallEnded,
    CallStarted,
    PollEnded,
    PollStarted,
    TaskEnded,
    TaskStarted,
)
from flowy.otel import Tracing
from tests.suspended import an_info

CHARGE = an_info(name="charge", run_id="run-1", started_event_id=6)

POLL = "PollForActivityTask orders"
PROCESS = "process charge"


def poll(tracing: Tracing, info: ActivityInfo | None, seconds: float = 2.0) -> None:
    """Let a poll bring a task, or nothing."""
    tracing.poll_started(PollStarted("orders"))
    which = (info.run_id, info.started_event_id) if info else (None, None)
    result: Any = "task" if info else "empty"
    tracing.poll_ended(PollEnded("orders", result, seconds, None, *which))


def answer(tracing: Tracing, action: str, *faults: str | None) -> None:
    """Let an answer be tried, once for each fault."""
    for fault in faults:
        tracing.call_started(CallStarted(action))
        tracing.call_ended(CallEnded(action, 0.0, fault))


def live(
    tracing: Tracing,
    outcome: TaskOutcome = TaskOutcome.COMPLETED,
    error: BaseException | None = None,
    *,
    action: str = "RespondActivityTaskCompleted",
    faults: tuple[str | None, ...] = (None,),
    run: Any = lambda run: None,
) -> Any:
    """Let a poll bring a task, run it, and answer for it; return the run's value."""
    poll(tracing, CHARGE)
    tracing.task_started(TaskStarted(CHARGE))
    value = tracing.run(Run(Activity(None, Any, "token"), CHARGE, (), {}), run)  # type: ignore[arg-type]
    answer(tracing, action, *faults)
    tracing.task_ended(TaskEnded(CHARGE, outcome, 3.0, 0.05, error))
    return value


def operation(name: str, kind: str) -> dict[str, Any]:
    """Return the attributes of a span for what it does."""
    return {"messaging.operation.name": name, "messaging.operation.type": kind}
