"""Call one activity without writing a workflow.

For scripts, tests and a look at what an activity does: ``call_activity`` starts an execution of
a workflow type of its own, plays its decider until the activity has ended, and returns the
value. The execution has a task list to itself, so that any number of callers in any number of
processes never see each other's decisions; and finite timeouts, so that one whose caller was
killed ends by itself.
"""

from __future__ import annotations

import logging
import os
import platform
import uuid
from collections.abc import Mapping
from typing import Any

from ..exception import (
    ActivityCanceledError,
    ActivityFailedError,
    ActivityTimedOutError,
    AlreadyExistsError,
    CallError,
    OutOfReachError,
    SWFError,
    TooLongError,
    UnknownResourceError,
)
from ..retry import Backoff, Deadline
from ..shutdown import StopFlag
from ..transport import decode_result, encode_input
from .client import Layer1, SWFClient, connect
from .decider import Ending, EndingKind, decide, ending
from .values import (
    MAX_INPUT_CHARS,
    MAX_NAME_CHARS,
    MAX_VERSION_CHARS,
    ActivityType,
    name_text,
    timeout_seconds,
)

logger = logging.getLogger(__name__)

#: The workflow type of which each call is one execution.
WORKFLOW_NAME = "flowy.call_activity"
WORKFLOW_VERSION = "1"

#: How long one decision may take, in seconds; they are made in microseconds.
DECISION_SECONDS = 30

#: How long a call goes on where SWF is out of reach after its timeout, in seconds.
PATIENCE_SECONDS = 60.0


def call_activity(
    domain: object,
    name: object,
    version: object,
    *args: Any,
    kwargs: Mapping[str, Any] | None = None,
    task_list: object = None,
    timeout: Any = 3600,
    workflow_id: object = None,
    layer1: Layer1 | None = None,
) -> Any:
    """Let a worker run one activity, wait for its end, and return its value.

    Args:
        domain: the SWF domain.
        name, version: which activity; a worker must have registered it.
        args: its positional arguments.
        kwargs: its keyword arguments.
        task_list: where to schedule it; None for the type's default list.
        timeout: how long the whole call may take, in seconds from 1 up to a year; SWF closes the
            execution then, which closes the task.
        workflow_id: the id of the execution, unique among the open ones of the domain; None for
            a new one.
        layer1: as for ``start_activity_worker``.

    Interrupted by an exception, a KeyboardInterrupt too, it terminates the execution.

    Raises:
        ActivityFailedError: it failed; the error has its reason and details.
        ActivityTimedOutError: one of its timeouts fired.
        ActivityCanceledError: it was canceled.
        CallError: it could not be scheduled, or its execution was closed from outside.
        SerializationError, TooLongError: the arguments cannot travel.
        SWFError: SWF refuses the call, or is out of reach for long.
        ValueError: an argument that cannot be used.
    """
    seconds = timeout_seconds(timeout, "timeout")
    if seconds is None:
        raise ValueError(
            "Cannot call without a timeout: an execution whose caller was killed would stay open. "
            "Give seconds."
        )
    call = _Call(
        connect(layer1),
        name_text(domain, "domain", trimmed=True),
        ActivityType(name_text(name, "name"), name_text(version, "version", MAX_VERSION_CHARS)),
        _input(args, kwargs or {}),
        None if task_list is None else name_text(task_list, "task_list", trimmed=True),
        None if workflow_id is None else name_text(workflow_id, "workflow_id"),
        seconds,
    )
    return call.value()


class _Call:
    def __init__(
        self,
        client: SWFClient,
        domain: str,
        type_: ActivityType,
        input_: str,
        task_list: str | None,
        workflow_id: str | None,
        timeout_seconds_: int,
    ) -> None:
        self._client = client
        self._domain = domain
        self._type = type_
        self._input = input_
        self._task_list = task_list
        self._own_id = workflow_id is None
        self._workflow_id = workflow_id or f"flowy-call-{uuid.uuid4()}"
        self._timeout_seconds = timeout_seconds_
        self._decisions_list = f"flowy-call-{uuid.uuid4()}"
        self._identity = f"{platform.node()}:{os.getpid()} call"[:MAX_NAME_CHARS]
        self._run_id: str | None = None
        self._deadline = Deadline(timeout_seconds_ + PATIENCE_SECONDS)
        self._backoff = Backoff(first_seconds=0.2, cap_seconds=5.0)

    def value(self) -> Any:
        """Run the execution to its end and return the value, or raise."""
        try:
            self._run_id = self._start()
            ended = self._play_decider()
        except BaseException as error:
            # An execution that has this id already is another's, unless nobody else knows the
            # id: then it is ours, started by a request whose answer was lost.
            if self._own_id or not isinstance(error, AlreadyExistsError):
                self._terminate()
            raise
        return self._value_of(ended)

    def _start(self) -> str:
        try:
            return self._start_execution()
        except UnknownResourceError:
            self._register_workflow_type()
            return self._start_execution()

    def _start_execution(self) -> str:
        return self._client.start_workflow_execution(
            domain=self._domain,
            workflowId=self._workflow_id,
            workflowType={"name": WORKFLOW_NAME, "version": WORKFLOW_VERSION},
            taskList={"name": self._decisions_list},
            executionStartToCloseTimeout=str(self._timeout_seconds),
            taskStartToCloseTimeout=str(DECISION_SECONDS),
            childPolicy="TERMINATE",
        )

    def _register_workflow_type(self) -> None:
        try:
            self._client.register_workflow_type(self._domain, WORKFLOW_NAME, WORKFLOW_VERSION)
        except AlreadyExistsError:
            pass  # another caller was faster
        except UnknownResourceError as error:
            raise UnknownResourceError(
                f"Cannot call {self._type}: there is no domain {self._domain!r} in this region.",
                fault=error.fault,
            ) from error

    def _play_decider(self) -> Ending:
        """Decide until the activity has ended and the execution is closed."""
        while True:
            try:
                task = self._client.poll_for_decision_task(
                    self._domain, self._decisions_list, self._identity
                )
                self._backoff.reset()
                ended = self._look() if task is None else self._decide(*task)
            except OutOfReachError as error:
                pause = self._backoff.next_seconds()
                if self._deadline.passed:
                    raise
                logger.warning("The call goes on in %.1f s (%s).", pause, error.fault)
                StopFlag().wait(pause)
                continue
            if ended is not None:
                return ended

    def _decide(self, token: str, events: list[dict[str, Any]]) -> Ending | None:
        decisions = decide(events, self._type, self._input, self._task_list)
        try:
            self._client.respond_decision_task_completed(token, decisions)
        except UnknownResourceError:
            return self._look()  # the decision timed out, or the execution is closed
        # SWF does not close an execution for which something new has come meanwhile.
        return self._look() if ending(events) is not None else None

    def _look(self) -> Ending | None:
        """Return how it ended if the execution is closed."""
        events = self._client.get_workflow_execution_history(
            self._domain, self._workflow_id, self._run_id or ""
        )
        closed = any(event["eventType"] in _CLOSES for event in events)
        return ending(events) if closed else None

    def _terminate(self) -> None:
        try:
            self._client.terminate_workflow_execution(
                self._domain, self._workflow_id, "The caller was interrupted.", run_id=self._run_id
            )
        except UnknownResourceError:
            pass  # it is closed, or was never started
        except SWFError as error:
            logger.error(
                "Execution %s not terminated (%s): it ends by its timeout.",
                self._workflow_id,
                error.fault,
            )

    def _value_of(self, ended: Ending) -> Any:
        if ended.kind is EndingKind.COMPLETED:
            return decode_result(ended.text)
        said = f": {ended.reason}" if ended.reason else ""
        kind = _ERRORS.get(ended.kind, CallError)
        raise kind(
            f"Activity {self._type} {ended.kind.value}{said}",
            reason=ended.reason,
            details=ended.text,
            workflow_id=self._workflow_id,
            run_id=self._run_id,
        )


#: Events that close an execution.
_CLOSES = frozenset(
    {
        "WorkflowExecutionCompleted",
        "WorkflowExecutionFailed",
        "WorkflowExecutionCanceled",
        "WorkflowExecutionTimedOut",
        "WorkflowExecutionTerminated",
    }
)

_ERRORS: dict[EndingKind, type[CallError]] = {
    EndingKind.FAILED: ActivityFailedError,
    EndingKind.TIMED_OUT: ActivityTimedOutError,
    EndingKind.CANCELED: ActivityCanceledError,
}


def _input(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    text = encode_input(args, kwargs)
    if len(text) > MAX_INPUT_CHARS:
        raise TooLongError(
            f"the input has {len(text):,} characters, SWF takes {MAX_INPUT_CHARS:,}.",
            length=len(text),
            limit=MAX_INPUT_CHARS,
        )
    return text
