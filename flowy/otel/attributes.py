"""The attributes of spans: OpenTelemetry's messaging conventions, and ``flowy.`` for all else.

They are those of ``flowy.metrics.otel``, and ids besides, which metrics must not have. A task list
is the destination, a poll receives, a run processes, and an answer settles a message.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from ..context import ActivityInfo, replaying

Attributes: TypeAlias = dict[str, str | int | float]

#: Whose tasks they are.
SYSTEM: Attributes = {"messaging.system": "aws_swf"}


def of_task(info: ActivityInfo) -> Attributes:
    """Return the attributes of each span of a task."""
    return {
        **SYSTEM,
        "messaging.destination.name": info.task_list,
        "messaging.client.id": info.identity,
        "flowy.activity": info.name,
        "flowy.version": info.version,
        "flowy.activity_id": info.activity_id,
        "flowy.workflow_id": info.workflow_id,
        "flowy.run_id": info.run_id,
        "flowy.domain": info.domain,
        "flowy.started_event_id": info.started_event_id,
    }


def of_run(info: ActivityInfo | None) -> Attributes:
    """Return the attributes of a run: whether it is a replay, and how long its task was queued.

    The latter is known if the history of the task was read.
    """
    if replaying():
        return {"flowy.replay": True}
    if info is None or info.scheduled_at is None or info.started_at is None:
        return {}
    return {"flowy.queue.seconds": round(max(0.0, info.started_at - info.scheduled_at), 3)}


def of_operation(name: str, kind: Literal["receive", "process", "settle"]) -> Attributes:
    """Return the attributes of a span for what it does."""
    return {"messaging.operation.name": name, "messaging.operation.type": kind}


def of_error(error: BaseException | None) -> Attributes:
    """Return the class of an exception, as attribute; never its text."""
    return {} if error is None else {"error.type": type(error).__qualname__}
