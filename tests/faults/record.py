"""What has come to the endpoint and what became of it: calls, tasks, answers."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .plan import Step
from .wire import Connection


@dataclass(frozen=True)
class Task:
    """What a test schedules: text as SWF would hand it out."""

    token: str
    name: str
    version: str
    input: str | None

    def answer(self) -> bytes:
        """Return the body by which a poll hands it out."""
        said = {
            "taskToken": self.token,
            "activityId": f"a-{self.token}",
            "activityType": {"name": self.name, "version": self.version},
            "workflowExecution": {"workflowId": f"w-{self.token}", "runId": f"r-{self.token}"},
            "startedEventId": 7,
        }
        if self.input is not None:
            said["input"] = self.input
        return json.dumps(said).encode()


@dataclass
class Poll:
    """One poll, from its arrival to its answer."""

    connection: Connection
    identity: str
    arrived_at: float
    fault: Step = None
    timer: asyncio.TimerHandle | None = None


@dataclass
class Handed:
    """A task that a poll took. Times are ``time.monotonic``."""

    task: Task
    identity: str
    connection: int
    at: float
    delivered_at: float | None = None  #: When the poll's answer was sent, None if it was lost.


@dataclass(frozen=True)
class Answer:
    """The answer of a token that was accepted, or one that came too late."""

    action: str
    body: Mapping[str, Any]
    at: float
    connection: int  #: The number of the connection on which it came.


@dataclass(frozen=True)
class Call:
    """One call that is carried out."""

    action: str
    body: dict[str, Any]
    connection: int

    def as_answer(self) -> Answer:
        """Return what the record keeps of it."""
        return Answer(self.action, self.body, time.monotonic(), self.connection)


@dataclass
class Supply:
    """Tasks that are made when a poll asks for them, as many as *left*."""

    name: str
    version: str
    input: str
    left: int
    made: int = 0


@dataclass
class Record:
    """What has happened so far; a test reads it while the endpoint writes it."""

    calls: Counter[str] = field(default_factory=Counter)  #: Calls that came, by action.
    handed: dict[str, Handed] = field(default_factory=dict)  #: Tasks that polls took, by token.
    lost: dict[str, Handed] = field(default_factory=dict)  #: Those whose worker never saw them.
    answers: dict[str, Answer] = field(default_factory=dict)  #: Accepted answers, by token.
    refused: list[tuple[str, Answer]] = field(default_factory=list)  #: Those for a closed token.
    beats: dict[str, list[Answer]] = field(default_factory=dict)  #: Heartbeats taken, by token.
    closed: set[str] = field(default_factory=set)  #: Tokens closed by ``close``.
    repeated: Counter[str] = field(default_factory=Counter)  #: Calls that botocore repeated.
    unknown: list[str] = field(default_factory=list)  #: Actions that are not spoken here.
    types: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    polls_peak: int = 0  #: Polls out at once, at most.
    polls_empty: int = 0  #: Polls that were held until their end, and brought nothing.
    identities: set[str] = field(default_factory=set)  #: Who polled.
    #: Where each answer went that was sent in place of SWF's: the action, and the connection.
    replied: list[tuple[str, int]] = field(default_factory=list)
    requests: int = 0

    def is_open(self, token: str) -> bool:
        """Return whether a task was handed out, has no answer yet, and was not closed."""
        return token in self.handed and token not in self.answers and token not in self.closed

    @property
    def open(self) -> set[str]:
        """Tokens that were handed out, were not lost, and have no answer yet."""
        return self.handed.keys() - self.answers.keys() - self.lost.keys() - self.closed

    def outcomes(self) -> Counter[str]:
        """Return how often each kind of answer was accepted."""
        return Counter(answer.action for answer in self.answers.values())
