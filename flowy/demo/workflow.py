"""The demo's workflow: schedule all activities, wait for them, close; then read its history.

SWF runs an activity only if a workflow schedules it. Whenever something happens in a workflow,
SWF asks a *decider* what to do. A decider is a function from the history to decisions.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..invocation.outcome import TaskOutcome
from ..swf.history import ActivityRecord, Ending, Event, activity_records, closes_execution
from ..tables import cut_middle, table_lines
from ..texts import printable
from ..transport import decode_result, encode_input, encode_result
from .files import MAX_READ_BYTES, Selection, facts_of

#: The domain, and the type of the workflow; they name the two task lists too.
DOMAIN, WORKFLOW = "demo", "flowy.demo"

#: The keys of what a program reads about each activity.
KEYS = ("activity", "outcome", "size", "lines", "words", "sha256", "note")

#: Titles that take more columns of a terminal lose their middle.
MAX_TITLE_COLUMNS = 44


@dataclass(frozen=True)
class Planned:
    """An activity to schedule, its title for people, and how it should end."""

    id: str
    name: str
    args: tuple[Any, ...]
    title: str
    expected: Ending

    def decision(self) -> dict[str, Any]:
        """Return the decision that schedules the activity on its type's default task list."""
        type_, text = {"name": self.name, "version": "1"}, encode_input(self.args, {})
        attributes = {"activityId": self.id, "activityType": type_, "input": text}
        key = "scheduleActivityTaskDecisionAttributes"
        return {"decisionType": "ScheduleActivityTask", key: attributes}

    def input_has_changed(self) -> bool:
        """Return whether the file has changed since it was selected, so any facts may be right."""
        try:
            return self.name == "describe" and self.expected != _completed(facts_of(*self.args))
        except OSError:
            return True


def plan_of(selection: Selection, store: str, approver: int) -> list[Planned]:
    """Return what to schedule: an activity for each file, one that fails, and one that suspends.

    The last writes its token to *store*, and the process with the id *approver* completes it.
    """
    approved = _completed({"approved": True, "by_process": approver})
    failed = Ending(TaskOutcome.FAILED, reason="Can't echo 1.")
    plan = []
    for number, (path, facts) in enumerate(selection.files.items(), start=1):
        title = cut_middle(printable(os.path.relpath(path, selection.folder)), MAX_TITLE_COLUMNS)
        plan.append(Planned(f"file-{number}", "describe", (path,), title, _completed(facts)))
    plan.append(Planned("echo", "echo", (1,), "(echo 1)", failed))
    plan.append(Planned("approve", "approve", ("the demo", store), "(approve the demo)", approved))
    return plan


def decide(history: Sequence[Event], plan: Sequence[Planned]) -> list[dict[str, Any]]:
    """Return the decisions to send now: schedule all of *plan*, wait, or close the workflow."""
    outcomes = [record.outcome for record in activity_records(history)]
    if not outcomes:
        return [planned.decision() for planned in reversed(plan)]  # the one that waits begins first
    return [] if None in outcomes else [{"decisionType": "CompleteWorkflowExecution"}]


def play(client: Any, plan: Sequence[Planned]) -> Iterator[Sequence[Event]]:
    """Start the workflow and play its decider; yield its history after each poll until the end."""
    client.register_workflow_type(domain=DOMAIN, name=WORKFLOW, version="1")
    started = client.start_workflow_execution(
        domain=DOMAIN,
        workflowId=WORKFLOW,
        workflowType={"name": WORKFLOW, "version": "1"},
        taskList={"name": WORKFLOW},
        executionStartToCloseTimeout="3600",
        taskStartToCloseTimeout="3600",
        childPolicy="TERMINATE",
    )
    run = {"workflowId": WORKFLOW, "runId": started["runId"]}
    history: Sequence[Event] = []
    while not any(map(closes_execution, history)):
        task = client.poll_for_decision_task(domain=DOMAIN, taskList={"name": WORKFLOW})
        if task.get("taskToken"):  # without one, the poll was empty
            decisions = decide(task["events"], plan)
            client.respond_decision_task_completed(taskToken=task["taskToken"], decisions=decisions)
        history = client.get_workflow_execution_history(domain=DOMAIN, execution=run)["events"]
        yield history


def progress(history: Sequence[Event], plan: Sequence[Planned]) -> str:
    """Return a bar and the number of activities that have ended."""
    done = len([record for record in activity_records(history) if record.outcome])
    return f"[{'#' * (30 * done // len(plan)):.<30}] {done}/{len(plan)}"


def report(
    history: Sequence[Event], plan: Sequence[Planned], trouble: Sequence[str] = ()
) -> tuple[list[str], bool]:
    """Return lines on how the activities ended, or why not, and whether all ended as expected."""
    rows = list[tuple[str, ...]]()
    closed = any(event["eventType"] == "WorkflowExecutionCompleted" for event in history)
    problems = [] if closed else [*trouble, "The workflow has not completed."]
    for planned, said in zip(plan, facts(history, plan), strict=True):
        row, right = _row(said), _row(_facts(planned.title, planned.expected))
        if row[1] != right[1] or (row != right and not planned.input_has_changed()):
            shown, should = (" ".join(filter(None, cells[1:])) for cells in (row, right))
            problems.append(f"{planned.title}: {shown}; expected: {should}")
        rows.append(row)
    lines = [f"SWF's history of the workflow, {len(history)} events, says:", ""]
    lines += table_lines((*KEYS[:5], "sha-256", ""), rows, right=range(2, 5))
    counts = Counter(outcome for _, outcome, *_ in rows)
    lines += ["", ", ".join(f"{count} {outcome}" for outcome, count in counts.items()) + "."]
    verdict = "Not as expected:" if problems else "All activities ended as expected."
    return [*lines, verdict, *(f"- {problem}" for problem in problems)], not problems


def facts(history: Sequence[Event], plan: Sequence[Planned]) -> list[dict[str, Any]]:
    """Return the facts of each activity in the history, by ``KEYS``; None for missing ones."""
    found = {record.activity_id: record for record in activity_records(history)}
    return [_facts(planned.title, found.get(planned.id)) for planned in plan]


def _facts(title: str, ended: ActivityRecord | Ending | None) -> dict[str, Any]:
    known = dict.fromkeys(KEYS) | {"activity": title}
    if ended is None or ended.outcome is None:
        return known | {"outcome": "open" if ended else "never scheduled"}
    known["outcome"] = ended.outcome.value
    value = decode_result(ended.text) if ended.outcome is TaskOutcome.COMPLETED else None
    if not value:
        return known | {"note": ended.reason}
    if "sha256" not in value:
        return known | {"note": f"by process {value['by_process']}"}
    note = None if value["whole"] else f"of the first {MAX_READ_BYTES // 1024**2} MB"
    return known | {key: value[key] for key in KEYS if key in value} | {"note": note}


def _row(known: dict[str, Any]) -> tuple[str, ...]:
    numbers = ("" if known[key] is None else f"{known[key]:,}" for key in KEYS[2:5])
    digest, note = known["sha256"] or "", known["note"] or ""
    return known["activity"], known["outcome"], *numbers, digest[:12], printable(note)


def _completed(value: Any) -> Ending:
    return Ending(TaskOutcome.COMPLETED, text=encode_result(value))
