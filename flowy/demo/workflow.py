"""The demo's workflow: schedule everything, wait for it all, and end.

SWF runs activities only where a workflow asks for them, and asks a *decider* what to do whenever
something has happened in it. A decider is a function from a history to decisions; to write large
ones is another library's business, and Flowy brings only one for a single activity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from flowy.exception import UnknownResourceError
from flowy.swf.client import SWFClient
from flowy.swf.decider import EndingKind, ending
from flowy.transport import decode_input, decode_result, encode_input

#: The workflow type; of the demo's only execution.
NAME, VERSION = "flowy.demo", "1"

#: SWF closes the execution after this, whatever happens here, in seconds.
EXECUTION_SECONDS = 60

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Planned:
    """An activity to schedule: its id in the execution, its type's name, its arguments."""

    activity_id: str
    name: str
    args: tuple[Any, ...]

    @property
    def decision(self) -> dict[str, Any]:
        """The decision that schedules it, on its type's default task list."""
        return {
            "decisionType": "ScheduleActivityTask",
            "scheduleActivityTaskDecisionAttributes": {
                "activityId": self.activity_id,
                "activityType": {"name": self.name, "version": "1"},
                "input": encode_input(self.args, {}),
            },
        }


@dataclass(frozen=True)
class Outcome:
    """What the history says of one activity; the kind is None while it is open."""

    activity_id: str
    name: str
    args: tuple[Any, ...]
    kind: EndingKind | None = None
    reason: str = ""
    value: Any = None

    @property
    def text(self) -> str:
        """The kind in a word or two."""
        return "open" if self.kind is None else self.kind.value


def outcomes(history: Sequence[Event]) -> dict[str, Outcome]:
    """Return what became of each activity of a history, by activity id, in its order."""
    scheduled: dict[int, Outcome] = {}
    for event in history:
        said = _attributes(event)
        ended = ending([event])
        if event["eventType"] == "ActivityTaskScheduled":
            scheduled[event["eventId"]] = Outcome(
                said["activityId"], said["activityType"]["name"], tuple(_args(said))
            )
        elif event["eventType"] == "ScheduleActivityTaskFailed":
            scheduled[event["eventId"]] = Outcome(
                said["activityId"],
                said["activityType"]["name"],
                (),
                EndingKind.NOT_SCHEDULED,
                said["cause"],
            )
        elif ended is not None and "scheduledEventId" in said:
            open_ = scheduled[said["scheduledEventId"]]
            completed = ended.kind is EndingKind.COMPLETED
            scheduled[said["scheduledEventId"]] = Outcome(
                open_.activity_id,
                open_.name,
                open_.args,
                ended.kind,
                ended.reason,
                decode_result(ended.text) if completed else None,
            )
    return {outcome.activity_id: outcome for outcome in scheduled.values()}


def decide(history: Sequence[Event], plan: Sequence[Planned]) -> list[dict[str, Any]]:
    """Return what is to be done now: schedule all of *plan*, wait, or end."""
    known = outcomes(history)
    if not known:
        return [planned.decision for planned in plan]
    if any(outcome.kind is None for outcome in known.values()):
        return []
    return [{"decisionType": "CompleteWorkflowExecution"}]


class Execution:
    """The one execution of the demo's workflow.

    Args:
        client: what speaks to SWF.
        domain: where it runs.
        plan: the activities to schedule.
    """

    def __init__(self, client: SWFClient, domain: str, plan: Sequence[Planned]) -> None:
        self._client = client
        self._domain = domain
        self._plan = plan
        self._run_id = ""

    @property
    def size(self) -> int:
        """How many activities it has."""
        return len(self._plan)

    def start(self) -> None:
        """Register the workflow type and start the execution."""
        self._client.register_workflow_type(self._domain, NAME, VERSION)
        self._run_id = self._client.start_workflow_execution(
            domain=self._domain,
            workflowId=NAME,
            workflowType={"name": NAME, "version": VERSION},
            taskList={"name": NAME},
            executionStartToCloseTimeout=str(EXECUTION_SECONDS),
            taskStartToCloseTimeout=str(EXECUTION_SECONDS),
            childPolicy="TERMINATE",
        )

    def step(self) -> Sequence[Event] | None:
        """Wait for something to happen, decide, and return the history; None if nothing did."""
        task = self._client.poll_for_decision_task(self._domain, NAME, "flowy demo")
        if task is None:
            return None
        token, history = task
        self._client.respond_decision_task_completed(token, decide(history, self._plan))
        return history

    def terminate(self, reason: str) -> None:
        """Close the execution from outside, where it is open."""
        with suppress(UnknownResourceError):  # it is closed already
            self._client.terminate_workflow_execution(self._domain, NAME, reason)

    def history(self) -> Sequence[Event]:
        """Return all that SWF holds of it."""
        return self._client.get_workflow_execution_history(self._domain, NAME, self._run_id)


def is_closed(history: Sequence[Event]) -> bool:
    """Whether the execution has completed."""
    return any(event["eventType"] == "WorkflowExecutionCompleted" for event in history)


def _attributes(event: Event) -> Mapping[str, Any]:
    """Return what an event says; SWF names the key after the event's type."""
    return next((said for key, said in event.items() if key.endswith("EventAttributes")), {})


def _args(scheduled: Mapping[str, Any]) -> Sequence[Any]:
    return decode_input(scheduled.get("input"))[0]
