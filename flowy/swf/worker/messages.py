"""The messages between a worker process and its supervisor, as JSON objects.

A child sends a message before it starts a task, and another with the task's outcome. So the
supervisor can answer for the open tasks of a child that died.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...concurrency.children import Link, Message
from ...concurrency.stop import StopLevel
from ...context import ActivityInfo
from ...exception import RefusedError, SWFError
from ...invocation.outcome import TaskOutcome
from .report import LostPoll, StopReport, Tally

if TYPE_CHECKING:
    from ...health.vitals import Vitals


def ready() -> Message:
    """Return the message that a child is ready, and can be stopped."""
    return {"ready": True}


def refused(error: SWFError) -> Message:
    """Return the message that the first polls of a child were refused."""
    return {"refused": str(error), "fault": error.fault}


def reported(report: StopReport) -> Message:
    """Return the message that a child has stopped."""
    return {"report": dataclasses.asdict(report)}


def stop(level: StopLevel) -> Message:
    """Return the message by which a supervisor stops a child."""
    return {"stop": int(level)}


def stop_level(message: Message) -> StopLevel:
    """Return the level in a message of ``stop``."""
    return StopLevel(message["stop"])


def vitals(vitals: Vitals) -> Message:
    """A child tells how it is."""
    return {"vitals": dataclasses.asdict(vitals)}


def status(status: dict[str, Any]) -> Message:
    """A child answers what it does."""
    return {"status": status}


#: A supervisor asks a child what it does.
ASK_STATUS: Message = {"ask": "status"}

#: A supervisor asks a child to print what it does, with all stacks.
PRINT_STATE: Message = {"ask": "print"}


class SupervisedJournal:
    """The ``TaskJournal`` of a child, which its supervisor reads."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def opened(self, token: str, info: ActivityInfo) -> None:
        """Record a task that is about to start, or that was not suspended after all."""
        self._link.send({"opened": token, "info": vars(info)})

    def suspending(self, token: str) -> None:
        """Record that a task is being put into a store."""
        self._link.send({"suspending": token})

    def beaten(self, token: str, details: str) -> None:
        """Record the details of a heartbeat."""
        self._link.send({"beaten": token, "details": details})

    def settled(self, token: str, outcome: TaskOutcome) -> None:
        """Record the outcome of a task."""
        self._link.send({"settled": token, "outcome": outcome.name})

    def poll_lost(self, identity: str, fault: str) -> None:
        """Record a poll that may have cost a task."""
        self._link.send({"lost": identity, "fault": fault})


@dataclass(frozen=True)
class OpenTask:
    """A task that a child has not settled; ``since`` is when the supervisor got its message."""

    info: ActivityInfo
    since: float

    def __str__(self) -> str:
        return str(self.info)


@dataclass
class Account:
    """What the messages of one child have told.

    Attributes:
        open: its open tasks, by token.
        suspending: the tokens of those that may be in a store.
        beats: by token, the newest details of their heartbeats, for the next attempt.
        tally: the outcomes of its tasks, in case it dies before it reports.
        report: its report; None before its end.
        refusal: why its first polls were refused; None if they were not.
        vitals: its last report of its health, as JSON; None before the first one.
        status: its last status, as JSON; None if it was not asked.
        asked: whether it still has to answer a request for its status.
        heard_at: when its last message came, by the supervisor's clock.
    """

    open: dict[str, OpenTask] = field(default_factory=dict)
    suspending: set[str] = field(default_factory=set)
    beats: dict[str, str] = field(default_factory=dict, repr=False)
    tally: Tally = field(default_factory=Tally)
    report: StopReport | None = None
    refusal: SWFError | None = None
    vitals: dict[str, Any] | None = None
    status: dict[str, Any] | None = None
    asked: bool = False
    heard_at: float = 0.0

    @property
    def tasks(self) -> list[OpenTask]:
        """Its open tasks; any thread may read them."""
        return list(self.open.values())

    def hear(self, message: Message, at: float = 0.0) -> None:
        """Record what a message tells that came at this time, by the supervisor's clock."""
        self.heard_at = at
        if "opened" in message:
            info = ActivityInfo(**message["info"])
            self.open[message["opened"]] = OpenTask(info, at)
            self.suspending.discard(message["opened"])
        elif "suspending" in message:
            self.suspending.add(message["suspending"])
        elif "beaten" in message:
            if message["beaten"] in self.open:
                self.beats[message["beaten"]] = message["details"]
        elif "settled" in message:
            token = message["settled"]
            self.suspending.discard(token)
            self.beats.pop(token, None)
            self.tally.note(TaskOutcome[message["outcome"]], self.open.pop(token, ""))
        elif "vitals" in message:
            self.vitals = message["vitals"]
        elif "status" in message:
            self.status, self.asked = message["status"], False
        elif "lost" in message:
            self.tally.poll_lost(message["lost"], message["fault"])
        elif "report" in message:
            self.report = _report_from(message["report"])
        elif "refused" in message:
            self.refusal = RefusedError(message["refused"], fault=message["fault"])


def _report_from(told: dict[str, Any]) -> StopReport:
    """Return a child's report from its JSON, which has lists for tuples."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in told.items()
    }
    values["polls_lost"] = tuple(LostPoll(**poll) for poll in told["polls_lost"])
    return StopReport(**values)
