"""The workflow: one purchase needs one approval. Flowy has no deciders, so this is plain boto3."""

from __future__ import annotations

import contextlib
import json
import logging
import uuid
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from flowy.concurrency.interruption import Interruption
from flowy.concurrency.signals import stop_signals
from flowy.concurrency.stop import StopFlag

from . import settings

logger = logging.getLogger(__name__)

#: For each event that ends the activity: the decision that ends the workflow, and the names of its
#: attributes with those of the event's from which they come.
ENDINGS = {
    "ActivityTaskCompleted": ("CompleteWorkflowExecution", {"result": "result"}),
    "ActivityTaskFailed": ("FailWorkflowExecution", {"reason": "reason"}),
    "ActivityTaskTimedOut": ("FailWorkflowExecution", {"reason": "timeoutType"}),
    "ActivityTaskCanceled": ("CancelWorkflowExecution", {"details": "details"}),
}


def client(**config: Any) -> Any:
    """Return a boto3 client for SWF with these settings."""
    return boto3.client("swf", config=Config(**config))


def register(swf: Any) -> None:
    """Register domain and workflow type, if they are not registered yet."""
    with contextlib.suppress(swf.exceptions.DomainAlreadyExistsFault):
        swf.register_domain(name=settings.DOMAIN, workflowExecutionRetentionPeriodInDays="30")
    with contextlib.suppress(swf.exceptions.TypeAlreadyExistsFault):
        swf.register_workflow_type(
            domain=settings.DOMAIN,
            name=settings.WORKFLOW_NAME,
            version=settings.WORKFLOW_VERSION,
            defaultTaskList={"name": settings.DECISIONS},
            defaultTaskStartToCloseTimeout="30",
            defaultExecutionStartToCloseTimeout=str(32 * 24 * 3_600),
            defaultChildPolicy="TERMINATE",
        )


def start(swf: Any, title: str, amount: str, who: str, seconds: int) -> str:
    """Ask for an approval that may take *seconds*; return the workflow id."""
    workflow_id = f"purchase-{uuid.uuid4().hex[:8]}"
    asked = {"title": title, "amount": amount, "who": who, "seconds": seconds}
    swf.start_workflow_execution(
        domain=settings.DOMAIN,
        workflowId=workflow_id,
        workflowType={"name": settings.WORKFLOW_NAME, "version": settings.WORKFLOW_VERSION},
        input=json.dumps(asked),
    )
    return workflow_id


def withdraw(swf: Any, workflow_id: str) -> None:
    """Request that a purchase be canceled: its decider passes that on to the activity."""
    swf.request_cancel_workflow_execution(domain=settings.DOMAIN, workflowId=workflow_id)


def decisions(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what to do next, from the whole history."""
    said = {event["eventType"]: _attributes(event) for event in events}
    for kind, (decision, keys) in ENDINGS.items():
        if kind in said:
            return [
                _decision(
                    decision, **{k: said[kind][v] for k, v in keys.items() if v in said[kind]}
                )
            ]
    if "WorkflowExecutionCancelRequested" in said:
        if "ActivityTaskScheduled" not in said:
            return [_decision("CancelWorkflowExecution")]
        if "ActivityTaskCancelRequested" not in said:
            return [_decision("RequestCancelActivityTask", activityId="approval")]
    if "ActivityTaskScheduled" in said:
        return []
    asked = json.loads(said["WorkflowExecutionStarted"]["input"])
    return [
        _decision(
            "ScheduleActivityTask",
            activityId="approval",
            activityType={"name": "request_approval", "version": "1"},
            input=json.dumps([[], asked]),
            startToCloseTimeout=str(asked["seconds"]),
        )
    ]


def decide(stop: StopFlag) -> None:
    """Decide for all purchases until a stop is asked for."""
    swf = client(read_timeout=70, retries={"total_max_attempts": 1})
    interruption = Interruption()
    with stop_signals(stop, interruption=interruption):
        logger.info("Decider started.")
        while not stop.is_set():
            try:
                interruption.call(lambda: _decide_one(swf))
            except (BotoCoreError, ClientError) as error:
                logger.warning("No decision made (%s); trying again.", type(error).__name__)
                stop.wait(1.0)


def _decide_one(swf: Any) -> None:
    task = swf.poll_for_decision_task(
        domain=settings.DOMAIN, taskList={"name": settings.DECISIONS}, maximumPageSize=1000
    )
    if task.get("taskToken"):
        swf.respond_decision_task_completed(
            taskToken=task["taskToken"], decisions=decisions(task["events"])
        )


def _attributes(event: dict[str, Any]) -> dict[str, Any]:
    kind = event["eventType"]
    return dict(event.get(f"{kind[0].lower()}{kind[1:]}EventAttributes", {}))


def _decision(kind: str, **attributes: Any) -> dict[str, Any]:
    return {
        "decisionType": kind,
        f"{kind[0].lower()}{kind[1:]}DecisionAttributes": attributes,
    }
