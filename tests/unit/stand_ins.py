"""What stands in for SWF: an object with a client's methods, as an author may pass for ``layer1``.

Nothing of our own is replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from flowy.swf.client import SWFClient
from flowy.swf.client.errors import action_of
from flowy.swf.values import ActivityDefaults, ActivityImplementation, ActivityType
from flowy.task import Activity

#: What a call of a ``ScriptedLayer1`` comes to: an answer, an error, or a function of the call.
Line = dict[str, Any] | BaseException | Callable[..., dict[str, Any] | None] | None


class ScriptedLayer1:
    """An object with a client's methods: each call takes the next line of the script.

    The last line is said again for ever.
    """

    def __init__(self, *script: Line) -> None:
        self._script = list(script) or [{}]
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, method: str) -> Callable[..., dict[str, Any] | None]:
        if method.startswith("_") or method == "meta":
            raise AttributeError(method)

        def call(**parameters: Any) -> dict[str, Any] | None:
            self.calls.append((method, parameters))
            line = self._script.pop(0) if len(self._script) > 1 else self._script[0]
            if isinstance(line, ClientError) and not line.operation_name:
                raise ClientError(line.response, action_of(method))
            if isinstance(line, BaseException):
                raise line
            return line(**parameters) if callable(line) else line

        return call

    @property
    def methods(self) -> list[str]:
        """The names of the methods called, in order."""
        return [method for method, _ in self.calls]

    def client(self) -> SWFClient:
        """Return a client of ours that calls this object."""
        return SWFClient(self, self)


def fault(code: str, message: str = "", *, status: int = 400, operation: str = "") -> ClientError:
    """Return what boto3 raises for a fault.

    Args:
        operation: SWF's name of the action that it answers, or another service's; empty if a
            ``ScriptedLayer1`` raises it, which knows.
    """
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status},  # type: ignore[typeddict-item]
        },
        operation,
    )


THROTTLE = fault("ThrottlingException", "Rate exceeded")
CLOSED = fault("UnknownResourceFault", "Unknown activity, scheduledEventId = 5")
REFUSAL = fault("ValidationException", "1 validation error detected: 'SECRET'")


DEFAULTS = ActivityDefaults(
    task_list="list", heartbeat=None, schedule_to_close=420, schedule_to_start=120,
    start_to_close=300,
)  # fmt: skip


def implementation(
    factory: Callable[..., Callable[[], None]] = Activity,
    name: str = "echo",
    version: str = "1",
    *,
    defaults: ActivityDefaults = DEFAULTS,
    line: int = 1,
) -> ActivityImplementation:
    """Return what a scan would have found."""
    return ActivityImplementation(
        ActivityType(name, version), defaults, factory, "activities.py", line
    )


def task_answer(token: str = "token", name: str = "echo", **more: Any) -> dict[str, Any]:
    """Return what SWF answers to a poll that brings a task."""
    return {
        "taskToken": token,
        "activityId": "7",
        "startedEventId": 6,
        "workflowExecution": {"workflowId": "flow", "runId": "run"},
        "activityType": {"name": name, "version": "1"},
        "input": "[[1], {}]",
        **more,
    }
