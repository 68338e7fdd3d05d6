"""The shapes of answers and events as Amazon SWF sent them, and what differs from them.

They come from recordings of SWF in the test suites of two public projects: 369 answers and 6,856
events of the years 2013 to 2023. A key that stands in no shape was never sent.

In a shape, each word is the path of a value. A mark says what it is, if it is not text: ``#`` a
whole number, ``!`` a boolean, ``@`` a time stamp, which has whole milliseconds, ``[]`` a list.
``?`` marks what SWF sends in some cases only, as the request or the history has it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, ServiceModel, Shape, StructureShape

#: Event type -> the shape of its attributes.
EVENTS: dict[str, str] = {
    "ActivityTaskCompleted": "result? scheduledEventId# startedEventId#",
    "ActivityTaskFailed": "reason? scheduledEventId# startedEventId#",
    "ActivityTaskScheduled": (
        "activityId activityType.name activityType.version decisionTaskCompletedEventId# "
        "heartbeatTimeout input? scheduleToCloseTimeout scheduleToStartTimeout "
        "startToCloseTimeout taskList.name"
    ),
    "ActivityTaskStarted": "identity? scheduledEventId#",
    "ActivityTaskTimedOut": "scheduledEventId# startedEventId# timeoutType",
    "ChildWorkflowExecutionCompleted": (
        "initiatedEventId# result? startedEventId# workflowExecution.runId "
        "workflowExecution.workflowId workflowType.name workflowType.version"
    ),
    "ChildWorkflowExecutionFailed": (
        "details? initiatedEventId# reason? startedEventId# workflowExecution.runId "
        "workflowExecution.workflowId workflowType.name workflowType.version"
    ),
    "ChildWorkflowExecutionStarted": (
        "initiatedEventId# workflowExecution.runId workflowExecution.workflowId "
        "workflowType.name workflowType.version"
    ),
    "ChildWorkflowExecutionTimedOut": (
        "initiatedEventId# startedEventId# timeoutType workflowExecution.runId "
        "workflowExecution.workflowId workflowType.name workflowType.version"
    ),
    "DecisionTaskCompleted": "executionContext? scheduledEventId# startedEventId#",
    "DecisionTaskScheduled": "scheduleToStartTimeout? startToCloseTimeout taskList.name",
    "DecisionTaskStarted": "identity? scheduledEventId#",
    "MarkerRecorded": "decisionTaskCompletedEventId# details? markerName",
    "ScheduleActivityTaskFailed": (
        "activityId activityType.name activityType.version cause decisionTaskCompletedEventId#"
    ),
    "StartChildWorkflowExecutionFailed": (
        "cause decisionTaskCompletedEventId# initiatedEventId# workflowId workflowType.name "
        "workflowType.version"
    ),
    "StartChildWorkflowExecutionInitiated": (
        "childPolicy decisionTaskCompletedEventId# executionStartToCloseTimeout input? "
        "taskList.name taskStartToCloseTimeout workflowId workflowType.name "
        "workflowType.version"
    ),
    "TimerCanceled": "decisionTaskCompletedEventId# startedEventId# timerId",
    "TimerFired": "startedEventId# timerId",
    "TimerStarted": "decisionTaskCompletedEventId# startToFireTimeout timerId",
    "WorkflowExecutionCancelRequested": "externalInitiatedEventId#",
    "WorkflowExecutionCanceled": "decisionTaskCompletedEventId#",
    "WorkflowExecutionCompleted": "decisionTaskCompletedEventId# result?",
    "WorkflowExecutionFailed": "decisionTaskCompletedEventId# details? reason?",
    "WorkflowExecutionSignaled": "externalInitiatedEventId# input? signalName",
    "WorkflowExecutionStarted": (
        "childPolicy continuedExecutionRunId? executionStartToCloseTimeout input? "
        "parentInitiatedEventId# parentWorkflowExecution.runId? "
        "parentWorkflowExecution.workflowId? tagList[]? taskList.name taskStartToCloseTimeout "
        "workflowType.name workflowType.version"
    ),
}

#: Action -> the shape of its answer; an empty one has no body.
ANSWERS: dict[str, str] = {
    "DescribeActivityType": (
        "configuration.defaultTaskHeartbeatTimeout configuration.defaultTaskList.name "
        "configuration.defaultTaskScheduleToCloseTimeout "
        "configuration.defaultTaskScheduleToStartTimeout "
        "configuration.defaultTaskStartToCloseTimeout typeInfo.activityType.name "
        "typeInfo.activityType.version typeInfo.creationDate@ typeInfo.status"
    ),
    "DescribeWorkflowExecution": (
        "executionConfiguration.childPolicy "
        "executionConfiguration.executionStartToCloseTimeout "
        "executionConfiguration.taskList.name executionConfiguration.taskStartToCloseTimeout "
        "executionInfo.cancelRequested! executionInfo.closeStatus? "
        "executionInfo.closeTimestamp@? executionInfo.execution.runId "
        "executionInfo.execution.workflowId executionInfo.executionStatus "
        "executionInfo.reopenGenerationId#? executionInfo.reopenable!? "
        "executionInfo.startTimestamp@ executionInfo.tagList[]? "
        "executionInfo.workflowType.name executionInfo.workflowType.version "
        "latestActivityTaskTimestamp@? latestExecutionContext? openCounts.openActivityTasks# "
        "openCounts.openChildWorkflowExecutions# openCounts.openDecisionTasks# "
        "openCounts.openLambdaFunctions# openCounts.openTimers#"
    ),
    "DescribeWorkflowType": (
        "configuration.defaultChildPolicy configuration.defaultExecutionStartToCloseTimeout "
        "configuration.defaultTaskList.name configuration.defaultTaskStartToCloseTimeout "
        "typeInfo.creationDate@ typeInfo.status typeInfo.workflowType.name "
        "typeInfo.workflowType.version"
    ),
    "GetWorkflowExecutionHistory": "events[]",
    "ListOpenWorkflowExecutions": (
        "executionInfos[].cancelRequested! executionInfos[].execution.runId "
        "executionInfos[].execution.workflowId executionInfos[].executionStatus "
        "executionInfos[].startTimestamp@ executionInfos[].workflowType.name "
        "executionInfos[].workflowType.version"
    ),
    "PollForActivityTask": (
        "activityId activityType.name activityType.version input? startedEventId# taskToken "
        "workflowExecution.runId workflowExecution.workflowId"
    ),
    "PollForDecisionTask": (
        "events[] nextPageToken? previousStartedEventId# startedEventId# taskToken "
        "workflowExecution.runId workflowExecution.workflowId workflowType.name "
        "workflowType.version"
    ),
    "RecordActivityTaskHeartbeat": "cancelRequested!",
    "RespondActivityTaskCompleted": "",
    "RespondActivityTaskFailed": "",
    "RespondDecisionTaskCompleted": "",
    "StartWorkflowExecution": "runId",
    "TerminateWorkflowExecution": "",
}

#: The answers to empty polls, from bug reports of three SDKs: without the key taskToken.
EMPTY_POLLS = (
    {"startedEventId": 0},
    {"previousStartedEventId": 0, "startedEventId": 0},
)

#: What the recorded programs did not use, and the API reference documents as optional.
UNUSED = frozenset(
    {
        "cause",
        "control",
        "defaultTaskPriority",
        "deprecationDate",
        "description",
        "details",
        "externalWorkflowExecution.runId",
        "externalWorkflowExecution.workflowId",
        "latestCancelRequestedEventId",
        "nextPageToken",
        "parent.runId",
        "parent.workflowId",
        "tagList[]",
        "taskList.name",
        "taskListScheduleToStartTimeout",
        "taskPriority",
    }
)

#: The defaults of a type, which may be registered without any.
_DEFAULTS = "configuration.default"

#: The parts of an answer whose members may be unused ones.
_PARTS = (
    "configuration.",
    "executionConfiguration.",
    "executionInfo.",
    "executionInfos[].",
    "typeInfo.",
)

_MODEL = ServiceModel(Loader().load_service_model("swf", "service-2"), "swf")


def differences(action: str, body: bytes) -> list[str]:
    """How an answer of status 200 and the events in it differ from what SWF sent, a line each."""
    if not body:
        return [f"{action} has no body"] if ANSWERS.get(action, "") else []
    answer = json.loads(body, parse_float=Decimal)
    if answer in EMPTY_POLLS:
        return []
    found = [f"{action}: {each}" for each in _event_differences(answer.get("events", []))]
    if action in ANSWERS:
        compared = _compare(ANSWERS[action], answer)
    else:
        shape = _MODEL.operation_model(action).output_shape
        assert shape is not None
        compared = _compare_with_model(shape, answer, "")
    return found + [f"{action}: {each}" for each in compared]


def _event_differences(events: list[dict[str, Any]]) -> Iterator[str]:
    for event in events:
        kind = event["eventType"]
        key = f"{kind[0].lower()}{kind[1:]}EventAttributes"
        if set(event) != {"eventId", "eventType", "eventTimestamp", key}:
            yield f"{kind} has the keys {sorted(event)}"
        if not _is("@", event["eventTimestamp"]):
            yield f"{kind}.eventTimestamp is {event['eventTimestamp']}"
        if kind in EVENTS:
            compared = _compare(EVENTS[kind], event[key])
        else:
            shape = _MODEL.shape_for(f"{kind}EventAttributes")
            compared = _compare_with_model(shape, event[key], "")
        yield from (f"{kind}.{each}" for each in compared)


def _compare(recorded: str, found: Any) -> Iterator[str]:
    kinds: dict[str, str] = {}
    must = set()
    for word in recorded.split():
        path = word.rstrip("?#!@")
        kinds[path] = word[len(path) :].rstrip("?")
        if not word.endswith("?"):
            must.add(path)
    values = list(_flat(found, ""))
    paths = {path for path, _ in values}
    for path in sorted(must - paths):
        # An empty list has no members.
        if not path.startswith(_DEFAULTS) and path.split("[]")[0] + "[]" not in paths:
            yield f"{path} is missing"
    for path, value in values:
        if any(each.startswith(f"{path}.") for each in kinds):
            continue  # an empty list of objects
        if path not in kinds:
            part = next((each for each in _PARTS if path.startswith(each)), "")
            last = path.removeprefix(part)
            if last not in UNUSED:
                yield f"{path} was never sent"
        elif not _is(kinds[path], value):
            yield f"{path} is {value!r}"


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _flat(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        # Events are compared one by one.
        objects = [each for each in value if isinstance(each, dict) and path != "events"]
        for each in objects:
            yield from _flat(each, f"{path}[]")
        if not objects:
            yield f"{path}[]", ""
    else:
        yield path, value


def _is(kind: str, value: Any) -> bool:
    if kind == "@":
        return isinstance(value, int) or (isinstance(value, Decimal) and value * 1000 % 1 == 0)
    if kind == "#":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, bool if kind == "!" else str)


def _compare_with_model(shape: Shape, found: Any, path: str) -> Iterator[str]:
    """For what was not recorded: as the API reference has it."""
    if isinstance(shape, StructureShape):
        if not isinstance(found, dict):
            yield f"{path} is {found!r}"
            return
        path = f"{path}." if path else ""
        yield from (f"{path}{each} is unknown" for each in found if each not in shape.members)
        absent = (each for each in shape.required_members if each not in found)
        yield from (f"{path}{each} is missing" for each in absent)
        for name, member in shape.members.items():
            if name in found:
                yield from _compare_with_model(member, found[name], f"{path}{name}")
    elif isinstance(shape, ListShape):
        for each in found:
            yield from _compare_with_model(shape.member, each, f"{path}[]")
    else:
        kind = {"timestamp": "@", "long": "#", "integer": "#", "boolean": "!"}
        if not _is(kind.get(shape.type_name, ""), found):
            yield f"{path} is {found!r}"
