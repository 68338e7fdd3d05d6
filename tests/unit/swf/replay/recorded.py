"""Histories of one execution, made by hand, and activities that are recorded in them."""

from __future__ import annotations

import json
from typing import Any

from flowy import Activity, AsyncActivity, activity
from flowy.concurrency.clock import SYSTEM_CLOCK
from flowy.swf.replay import RecordedTask, Replay, recording_of, replayed
from flowy.swf.scanner import declared
from tests.unit.swf.history_events import event

#: When the first event happened, in seconds since the epoch.
BEGAN_AT = 1_700_000_000.0

RUN = {"domain": "shop", "workflow_id": "order-7", "run_id": "run-1"}


class History:
    """Events, each a second after the one before; ``events`` has them."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self._at = BEGAN_AT
        self.add("WorkflowExecutionStarted", 0.0)

    def add(self, kind: str, after: float = 1.0, **said: Any) -> int:
        """Add an event *seconds* after the last one; return its number."""
        self._at += after
        number = len(self.events) + 1
        self.events.append({"eventId": number, "eventTimestamp": self._at, **event(kind, **said)})
        return number

    def schedule(
        self, name: str, *args: Any, activity_id: str = "a", input: str | None = None
    ) -> int:
        """Add the event that schedules a task; *input* stands for the arguments."""
        return self.add(
            "ActivityTaskScheduled",
            activityType={"name": name, "version": "1"},
            activityId=activity_id,
            input=json.dumps([args, {}]) if input is None else input,
            taskList={"name": "work"},
            scheduleToStartTimeout="NONE",
            scheduleToCloseTimeout="NONE",
            startToCloseTimeout="60",
            heartbeatTimeout="NONE",
        )

    def start(self, scheduled: int) -> int:
        """Add the event that a worker took a task."""
        return self.add("ActivityTaskStarted", scheduledEventId=scheduled, identity="worker-1")

    def end(self, kind: str, scheduled: int, after: float = 1.0, **said: Any) -> int:
        """Add the event that ended a task: ``Completed``, for example."""
        return self.add(
            f"ActivityTask{kind}",
            after,
            scheduledEventId=scheduled,
            startedEventId=scheduled + 1,
            **said,
        )


def one(
    name: str, *args: Any, kind: str | None = "Completed", after: float = 1.0, **said: Any
) -> RecordedTask:
    """Return the only task of a history: started, and ended unless *kind* is None."""
    history = History()
    scheduled = history.schedule(name, *args, input=said.pop("input", None))
    history.start(scheduled)
    if kind is not None:
        history.end(kind, scheduled, after, **said)
    (task,) = recording_of(history.events, **RUN).tasks
    return task


def run(task: RecordedTask, implementation: type[Activity], **options: Any) -> Replay:
    """Replay a task by a class."""
    (found,) = declared(implementation)
    return replayed(task, found, **{"clock": SYSTEM_CLOCK, **options})


@activity("charge", 1, "work")
class Charge(Activity):
    def run(self, order: Any) -> Any:
        """Charge, beating twice; fail for the order 8."""
        for step in (1, 2):
            if not self.heartbeat({"step": step}):
                return None
        if order == 8:
            raise ValueError("No such order.")
        return {"paid": order}


@activity("ship", 1, "work")
class Ship(AsyncActivity):
    async def run(self, order: Any) -> Any:
        """Ship, beating once."""
        return [order] if await self.heartbeat("packing") else None
