"""The calls to SWF that Flowy makes, through boto3; its faults become Flowy's errors.

Three boto3 clients serve best. SWF holds a poll for up to 60 s, so polls need a socket timeout of
70 s; and a poll that botocore repeats by itself may leave a task with the connection that is
gone, so polls go out once. Answers want the opposite: a short timeout and several attempts. And
an activity must not hang in its heartbeat: that has a shorter timeout still, and one attempt.

boto3 is imported when a client is made, not before.
"""

from __future__ import annotations

import contextlib
import logging
import platform
import threading
import weakref
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from .._version import __version__
from .faults import repeats_values, translated, unreadable
from .values import (
    NOT_SET,
    ActivityDefaults,
    ActivityTask,
    ActivityType,
    timeout_from_text,
    timeout_text,
)

logger = logging.getLogger(__name__)

#: SWF holds a poll for up to 60 s and asks for a socket timeout of at least 70 s (API reference,
#: PollForActivityTask).
POLL_READ_TIMEOUT_SECONDS = 70

#: Below this a client that was passed in cuts polls short.
LEAST_POLL_READ_TIMEOUT_SECONDS = 65

#: Answers and heartbeats are small: a call that takes longer than this is tried again.
ANSWER_READ_TIMEOUT_SECONDS = 10
ANSWER_ATTEMPTS = 4
CONNECT_TIMEOUT_SECONDS = 5

#: A heartbeat is tried again by who sends it, who waits for 5 s at most; or twice as long where
#: the last of the tries hangs.
BEAT_READ_TIMEOUT_SECONDS = 4

#: A boto3 ``swf`` client, or any object with those of its methods that are used. No protocol:
#: the types that boto3-stubs gives a client would not fit one.
Layer1: TypeAlias = Any


class SWFClient:
    """One method for each SWF action used; snake case in, values out, ``SWFError`` raised.

    Args:
        polls: the client for polls.
        answers: the client for everything else.
        beats: the client for heartbeats; None for that of the answers.
    """

    def __init__(self, polls: Layer1, answers: Layer1, beats: Layer1 | None = None) -> None:
        self._polls = polls
        self._answers = answers
        self._beats = answers if beats is None else beats

    # Activity tasks

    def poll_for_activity_task(
        self, domain: str, task_list: str, identity: str
    ) -> ActivityTask | None:
        """Wait up to 60 s for a task; None where none came."""
        answer = self._call(
            self._polls,
            "poll_for_activity_task",
            domain=domain,
            taskList={"name": task_list},
            identity=identity,
        )
        return ActivityTask.from_answer(answer)

    def record_activity_task_heartbeat(self, task_token: str, details: str | None) -> bool:
        """Return whether the cancellation of the task was requested."""
        answer = self._call(
            self._beats,
            "record_activity_task_heartbeat",
            taskToken=task_token,
            **_present(details=details),
        )
        return bool(answer.get("cancelRequested"))

    def respond_activity_task_completed(self, task_token: str, result: str) -> None:
        """Answer *completed*."""
        self._call(
            self._answers, "respond_activity_task_completed", taskToken=task_token, result=result
        )

    def respond_activity_task_failed(
        self, task_token: str, reason: str, details: str | None
    ) -> None:
        """Answer *failed*."""
        self._call(
            self._answers,
            "respond_activity_task_failed",
            taskToken=task_token,
            reason=reason,
            **_present(details=details),
        )

    def respond_activity_task_canceled(self, task_token: str, details: str | None) -> None:
        """Answer *canceled*."""
        self._call(
            self._answers,
            "respond_activity_task_canceled",
            taskToken=task_token,
            **_present(details=details),
        )

    # Types

    def register_activity_type(
        self, domain: str, type: ActivityType, defaults: ActivityDefaults
    ) -> None:
        """Register a type with all its defaults; ``NONE`` for a timeout without a limit."""
        self._call(
            self._answers,
            "register_activity_type",
            domain=domain,
            name=type.name,
            version=type.version,
            defaultTaskList={"name": defaults.task_list},
            defaultTaskHeartbeatTimeout=timeout_text(defaults.heartbeat),
            defaultTaskScheduleToCloseTimeout=timeout_text(defaults.schedule_to_close),
            defaultTaskScheduleToStartTimeout=timeout_text(defaults.schedule_to_start),
            defaultTaskStartToCloseTimeout=timeout_text(defaults.start_to_close),
        )

    def describe_activity_type(
        self, domain: str, type: ActivityType
    ) -> tuple[ActivityDefaults, bool]:
        """Return what SWF holds of a type, and whether it is deprecated."""
        answer = self._call(
            self._answers,
            "describe_activity_type",
            domain=domain,
            activityType={"name": type.name, "version": type.version},
        )
        held = answer.get("configuration", {})
        defaults = ActivityDefaults(
            task_list=held.get("defaultTaskList", {}).get("name", ""),
            heartbeat=timeout_from_text(held.get("defaultTaskHeartbeatTimeout")),
            schedule_to_close=_held_timeout(held.get("defaultTaskScheduleToCloseTimeout")),
            schedule_to_start=_held_timeout(held.get("defaultTaskScheduleToStartTimeout")),
            start_to_close=_held_timeout(held.get("defaultTaskStartToCloseTimeout")),
        )
        return defaults, answer.get("typeInfo", {}).get("status") == "DEPRECATED"

    def register_workflow_type(self, domain: str, name: str, version: str) -> None:
        """Register a workflow type without defaults: every start says its own."""
        self._call(
            self._answers, "register_workflow_type", domain=domain, name=name, version=version
        )

    # Executions

    def start_workflow_execution(self, **parameters: Any) -> str:
        """Start an execution with SWF's own *parameters* and return its run id."""
        return str(self._call(self._answers, "start_workflow_execution", **parameters)["runId"])

    def poll_for_decision_task(
        self, domain: str, task_list: str, identity: str
    ) -> tuple[str, list[dict[str, Any]]] | None:
        """Wait up to 60 s for a decision; return its token and the whole history, or None."""
        parameters: dict[str, Any] = {
            "domain": domain,
            "taskList": {"name": task_list},
            "identity": identity,
        }
        answer = self._call(self._polls, "poll_for_decision_task", **parameters)
        token = answer.get("taskToken")
        if not token:
            return None
        events = list(answer.get("events", ()))
        while page := answer.get("nextPageToken"):
            answer = self._call(
                self._polls, "poll_for_decision_task", nextPageToken=page, **parameters
            )
            events.extend(answer.get("events", ()))
        return str(token), events

    def respond_decision_task_completed(
        self, task_token: str, decisions: Sequence[Mapping[str, Any]]
    ) -> None:
        """Send the *decisions*, in SWF's own words."""
        self._call(
            self._answers,
            "respond_decision_task_completed",
            taskToken=task_token,
            decisions=list(decisions),
        )

    def get_workflow_execution_history(
        self, domain: str, workflow_id: str, run_id: str
    ) -> list[dict[str, Any]]:
        """Return all events of an execution, oldest first."""
        parameters: dict[str, Any] = {
            "domain": domain,
            "execution": {"workflowId": workflow_id, "runId": run_id},
        }
        answer = self._call(self._answers, "get_workflow_execution_history", **parameters)
        events = list(answer.get("events", ()))
        while page := answer.get("nextPageToken"):
            answer = self._call(
                self._answers, "get_workflow_execution_history", nextPageToken=page, **parameters
            )
            events.extend(answer.get("events", ()))
        return events

    def request_cancel_workflow_execution(
        self, domain: str, workflow_id: str, run_id: str | None
    ) -> None:
        """Ask the open execution of this id to cancel what it does; its decider learns of it."""
        self._call(
            self._answers,
            "request_cancel_workflow_execution",
            domain=domain,
            workflowId=workflow_id,
            **_present(runId=run_id),
        )

    def terminate_workflow_execution(
        self, domain: str, workflow_id: str, reason: str, *, run_id: str | None = None
    ) -> None:
        """Close the open execution of this id from outside."""
        self._call(
            self._answers,
            "terminate_workflow_execution",
            domain=domain,
            workflowId=workflow_id,
            reason=reason,
            **_present(runId=run_id),
        )

    def _call(self, client: Layer1, method: str, **parameters: Any) -> Mapping[str, Any]:
        logger.debug("Calling %s.", method)
        try:
            answer: Mapping[str, Any] | None = getattr(client, method)(**parameters)
        except Exception as error:
            # Of what repeats the values that it refuses, a traceback must not show the text.
            raise translated(error, method) from None if repeats_values(error) else error
        if answer and _is_unreadable(answer):
            raise unreadable(method)
        return answer or {}


def connect(
    layer1: Layer1 | None = None, *, polls: bool = True, calls_at_once: int = 1
) -> SWFClient:
    """Return a client of SWF.

    Args:
        layer1: a boto3 ``swf`` client, or any object with its methods, used as it is for polls
            and answers; a callable that returns one; None makes three of the default session, for
            polls, for heartbeats, and for everything else.
        polls: whether polls will be made; without, one client is enough, and no warning is due.
        calls_at_once: how many calls may be in flight, for the size of the connection pools.

    Raises:
        RefusedError: boto3 cannot make a client, for want of a region, say.
    """
    if callable(layer1) and not hasattr(layer1, "poll_for_activity_task"):
        layer1 = layer1()
    if layer1 is not None:
        if polls:
            _warn_of_polls(layer1)
        return SWFClient(layer1, layer1)
    pool = max(10, calls_at_once + 2)
    answers = _boto3_client(
        read_timeout=ANSWER_READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ANSWER_ATTEMPTS},
        max_pool_connections=pool,
    )
    if not polls:
        return SWFClient(answers, answers)
    beats = _boto3_client(
        read_timeout=BEAT_READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 1},
        max_pool_connections=pool,
    )
    poll_client = _boto3_client(
        read_timeout=POLL_READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 1},
        max_pool_connections=pool,
    )
    return SWFClient(poll_client, answers, beats)


#: To use a client is safe in any thread, to make one of the default session is not (boto3 docs).
_making = threading.Lock()


def _boto3_client(**config: Any) -> Layer1:
    import boto3
    from botocore.config import Config

    try:
        with _making:
            client: Layer1 = boto3.client(
                "swf",
                config=Config(
                    connect_timeout=CONNECT_TIMEOUT_SECONDS,
                    tcp_keepalive=True,
                    # A static one spares botocore the work of building it for each request.
                    user_agent=f"flowy/{__version__} boto3/{boto3.__version__} "
                    f"python/{platform.python_version()}",
                    # What goes out is built here, of texts whose kinds are known.
                    parameter_validation=False,
                    **config,
                ),
            )
    except Exception as error:
        raise translated(error, "make a client") from error
    return client


#: The clients that were passed in and warned of already.
_warned_of: weakref.WeakSet[Any] = weakref.WeakSet()


def _warn_of_polls(layer1: Layer1) -> None:
    """Warn of a client that cuts polls short, or repeats them behind the worker's back; once."""
    with contextlib.suppress(TypeError):  # what takes no weak reference is warned of each time
        if layer1 in _warned_of:
            return
        _warned_of.add(layer1)
    config = getattr(getattr(layer1, "meta", None), "config", None)
    if config is None:
        return  # not botocore's: nothing is known of it
    problems = []
    read_timeout = getattr(config, "read_timeout", None)
    if isinstance(read_timeout, int | float) and read_timeout < LEAST_POLL_READ_TIMEOUT_SECONDS:
        problems.append(
            f"its read_timeout is {read_timeout:g} s, but SWF holds a poll for up to 60 s"
        )
    retries = getattr(config, "retries", None) or {}
    attempts = retries.get("total_max_attempts", retries.get("max_attempts", 2) + 1)
    if attempts > 1:
        problems.append(
            "it repeats a broken poll by itself, and SWF may hand a task to the poll that is gone"
        )
    if problems:
        logger.warning(
            "The client passed in may lose tasks: %s. Make it with botocore.config.Config("
            "read_timeout=70, retries={'total_max_attempts': 1}), or pass none.",
            "; ".join(problems),
        )


def _is_unreadable(answer: Mapping[str, Any]) -> bool:
    """Whether botocore made nothing of a body that had something in it.

    SWF says how long its answers are; what comes in chunks is a proxy's.
    """
    metadata = answer.get("ResponseMetadata")
    if metadata is None or len(answer) > 1:
        return False
    headers = metadata.get("HTTPHeaders", {})
    length = str(headers.get("content-length", ""))
    if not length.isdigit():
        return "transfer-encoding" in headers
    return int(length) > len("null")


def _held_timeout(text: str | None) -> int | None:
    """Return a default timeout that SWF holds; one that it lacks is not one without a limit.

    A workflow must then say it, or its decision fails. (A heartbeat timeout may be lacking.)
    """
    return NOT_SET if text is None else timeout_from_text(text)


def _present(**parameters: str | None) -> dict[str, str]:
    """Return the parameters that are not None: boto3 refuses None, an absent key is right."""
    return {key: value for key, value in parameters.items() if value is not None}
