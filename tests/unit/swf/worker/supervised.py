"""A supervisor, and children that have ended."""

from __future__ import annotations

import dataclasses
import multiprocessing
from typing import Any

from flowy import Activity, activity
from flowy.concurrency.children import Child, Message
from flowy.invocation import TaskOutcome
from flowy.observer import (
    Observer,
    ProcessEnded,
    ProcessStarted,
    StopRequested,
    TaskEnded,
    WorkerStopped,
)
from flowy.swf.worker import StopReport, WorkerOptions
from flowy.swf.worker.child import WorkerSpec
from flowy.swf.worker.supervisor import Supervisor
from tests.suspended import an_info
from tests.unit.swf.worker.stop_clock import StopClock
from tests.unit.swf.worker.task_list_swf import TaskListSWF

#: The task with the token "a", as a report names it.
TASK_A = str(an_info(name="a"))


@activity("idle", 1, "tasks")
class Idle(Activity):
    """What the children serve."""

    def run(self) -> None:
        """Do nothing."""


class Process:
    """What is left of a child."""

    def __init__(self, exitcode: int) -> None:
        self.pid = 4711
        self.exitcode = exitcode

    def kill(self) -> None:
        """It has ended already."""


class Pipe:
    """What a child is told."""

    def __init__(self) -> None:
        self.told: list[bytes] = []
        self._ends = multiprocessing.Pipe()

    def fileno(self) -> int:
        """It has room."""
        return self._ends[0].fileno()

    def send_bytes(self, message: bytes) -> None:
        self.told.append(message)


@dataclasses.dataclass
class Number:
    value: int = 0


class Seen(Observer):
    """Keeps what the supervisor tells."""

    def __init__(self) -> None:
        self.events: list[object] = []

    def process_started(self, event: ProcessStarted) -> None:
        self.events.append(event)

    def process_ended(self, event: ProcessEnded) -> None:
        self.events.append(event)

    def stop_requested(self, event: StopRequested) -> None:
        self.events.append(event)

    def worker_stopped(self, event: WorkerStopped) -> None:
        self.events.append(event)

    def task_ended(self, event: TaskEnded) -> None:
        self.events.append(event)


class Case:
    """A supervisor, and children that have ended."""

    def __init__(self, **options: Any) -> None:
        self.swf = TaskListSWF()
        self.clock = StopClock()
        self.seen = Seen()
        given = {"processes": 2, "observers": [self.seen], "activities": [Idle], **options}
        spec = WorkerSpec(WorkerOptions("domain", "tasks", **given))
        self.supervisor = Supervisor(self.swf.client(), spec, clock=self.clock)

    def child(self, exitcode: int = 0, polls_out: int = 0) -> Child:
        return Child(Process(exitcode), Pipe(), Number(polls_out), slot=1, started_at=0.0)

    def hear(self, child: Child, *told: Message) -> None:
        for message in told:
            self.supervisor._heard(child, message)

    def die(self, child: Child) -> bool:
        """Return whether it is to be replaced."""
        return self.supervisor._died(child)

    def report(self) -> StopReport:
        return self.supervisor._report()

    @property
    def is_stopping(self) -> bool:
        return self.supervisor._stop.is_set()


def opened(token: str) -> Message:
    return {"opened": token, "info": vars(an_info(name=token))}


def settled(token: str, outcome: TaskOutcome = TaskOutcome.COMPLETED) -> Message:
    return {"settled": token, "outcome": outcome.name}
