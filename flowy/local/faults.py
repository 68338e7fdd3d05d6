"""Faults on request: what networks and services do to a worker sooner or later.

Each fault stands for something that was seen with SWF: an answer that was lost on its
way though SWF had acted, so that the repeated call draws UnknownResourceFault; a task
handed to a poller whose connection was breaking, so that nobody runs it; throttles; 500s.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterable

from flowy.local.quotas import AWS_BUCKETS

#: The two actions that hand out tasks.
POLLS = ("PollForActivityTask", "PollForDecisionTask")

#: HTTP status and JSON text.
Refusal = tuple[int, str]

_THROTTLED: Refusal = (
    400,
    '{"__type": "com.amazon.coral.availability#ThrottlingException", "message": "Rate exceeded"}',
)
_FAILED: Refusal = (500, '{"__type": "com.amazon.coral.service#InternalFailure"}')


class Fault:
    """One fault that was asked for.

    Attributes:
        happened: how many calls it has hit.
    """

    def __init__(
        self, kind: str, actions: frozenset[str], count: int | None, rate: float, seed: int
    ) -> None:
        self._kind = kind
        self._actions = actions
        self._left = count
        self._rate = rate
        self._random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self.happened = 0

    def __repr__(self) -> str:
        left = "any number" if self._left is None else self._left
        return f"<Fault {self._kind}: {self.happened} happened, {left} to come>"

    def hits(self, kind: str, action: str) -> bool:
        """Whether this call is hit; it then counts."""
        if kind != self._kind or self._left == 0 or action not in self._actions:
            return False
        if self._rate < 1 and self._random.random() >= self._rate:
            return False
        self.happened += 1
        if self._left is not None:
            self._left -= 1
        return True


class Faults:
    """The faults of a local SWF: ask for them, and take them back.

    Each method takes the actions to hit by name ("RecordActivityTaskHeartbeat"; none
    means all), and how often: the next ``count`` calls, a share ``rate`` of them (above
    0, at most 1), or both; the very next call where neither is given.  ``seed`` makes the
    choice repeatable.  What they return counts what has ``happened``.

    Example::

        lost = swf.faults.drop_answer("RespondActivityTaskCompleted")
        ...
        assert lost.happened == 1
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def throttle(
        self, *actions: str, count: int | None = None, rate: float | None = None, seed: int = 0
    ) -> Fault:
        """Answer ThrottlingException, and do nothing."""
        return self._add("throttle", actions, count, rate, seed)

    def fail(
        self, *actions: str, count: int | None = None, rate: float | None = None, seed: int = 0
    ) -> Fault:
        """Answer HTTP 500, and do nothing."""
        return self._add("fail", actions, count, rate, seed)

    def break_connection(
        self, *actions: str, count: int | None = None, rate: float | None = None, seed: int = 0
    ) -> Fault:
        """Close the connection without an answer, and do nothing."""
        return self._add("break_connection", actions, count, rate, seed)

    def drop_answer(
        self, *actions: str, count: int | None = None, rate: float | None = None, seed: int = 0
    ) -> Fault:
        """Act, then close the connection without an answer."""
        return self._add("drop_answer", actions, count, rate, seed)

    def lose_task(
        self, *actions: str, count: int | None = None, rate: float | None = None, seed: int = 0
    ) -> Fault:
        """Hand out a task and close the connection on it; empty polls are let alone.

        SWF has started the task, and nobody runs it.  The actions are the two polls.
        """
        return self._add("lose_task", actions or POLLS, count, rate, seed)

    def clear(self) -> None:
        """Take all of them back."""
        with self._lock:
            self._faults.clear()

    # -- for the endpoint --

    def before(self, action: str) -> tuple[bool, Refusal | None]:
        """Whether to go on with a call; where not, the answer, None for none at all."""
        if self._hit("throttle", action):
            return False, _THROTTLED
        if self._hit("fail", action):
            return False, _FAILED
        return not self._hit("break_connection", action), None

    def drops(self, action: str, answer: str) -> bool:
        """Whether the answer of a call that was acted on is lost."""
        if self._hit("drop_answer", action):
            return True
        if action not in POLLS or not self._faults or not json.loads(answer).get("taskToken"):
            return False
        return self._hit("lose_task", action)

    def _hit(self, kind: str, action: str) -> bool:
        if not self._faults:
            return False
        with self._lock:
            return any(fault.hits(kind, action) for fault in self._faults)

    def _add(
        self, kind: str, actions: Iterable[str], count: int | None, rate: float | None, seed: int
    ) -> Fault:
        wanted = frozenset(actions) or frozenset(AWS_BUCKETS)
        unknown = sorted(wanted - (frozenset(POLLS if kind == "lose_task" else AWS_BUCKETS)))
        if unknown:
            hands_out = " that hands out tasks" if kind == "lose_task" else ""
            raise ValueError(f"Cannot {kind} {', '.join(unknown)}: no action of SWF's{hands_out}.")
        if count is not None and count < 0:
            raise ValueError(f"count must be 0 or more, not {count}")
        if rate is not None and not 0 < rate <= 1:
            raise ValueError(f"rate must be above 0 and at most 1, not {rate}")
        if count is None and rate is None:
            count = 1
        fault = Fault(kind, wanted, count, 1.0 if rate is None else rate, seed)
        with self._lock:
            self._faults.append(fault)
        return fault


def throttled() -> Refusal:
    """SWF's answer to a call too many."""
    return _THROTTLED
