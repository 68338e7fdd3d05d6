"""Faults on request, of the kinds that every worker meets sooner or later.

Each kind was seen with SWF. An answer was lost after SWF had acted, so the repeated call got an
UnknownResourceFault. A task was sent to a poller whose connection was breaking, so it never ran.
And SWF throttles calls and answers HTTP 500.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterable

from .quotas import AWS_BUCKETS
from .wire_faults import FAILED, THROTTLED, Answer

#: The two actions that return tasks.
POLLS = ("PollForActivityTask", "PollForDecisionTask")


class Fault:
    """One fault that was asked for.

    Attributes:
        happened: the number of calls it has hit.
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
        """Decide whether this fault hits a call, and count the call if so."""
        if kind != self._kind or self._left == 0 or action not in self._actions:
            return False
        if self._rate < 1 and self._random.random() >= self._rate:
            return False
        self.happened += 1
        if self._left is not None:
            self._left -= 1
        return True


class Faults:
    """Adds faults to a local SWF and removes them.

    Each method takes the names of the actions to hit ("RecordActivityTaskHeartbeat"; no name
    means every action) and how often to hit them: the next ``count`` calls, a share ``rate`` of
    the calls (above 0, at most 1), or both. Without ``count`` and ``rate`` only the next call is
    hit. ``seed`` makes a ``rate`` repeatable. The fault returned counts the calls it has hit.

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
        """Answer ThrottlingException without acting."""
        return self._add("throttle", actions, count, rate, seed)

    def fail(
        self, *actions: str, count: int | None = None, rate: float | None = None, seed: int = 0
    ) -> Fault:
        """Answer HTTP 500 without acting."""
        return self._add("fail", actions, count, rate, seed)

    def break_connection(
        self, *actions: str, count: int | None = None, rate: float | None = None, seed: int = 0
    ) -> Fault:
        """Close the connection without acting."""
        return self._add("break_connection", actions, count, rate, seed)

    def drop_answer(
        self, *actions: str, count: int | None = None, rate: float | None = None, seed: int = 0
    ) -> Fault:
        """Act, then close the connection without an answer."""
        return self._add("drop_answer", actions, count, rate, seed)

    def lose_task(
        self, *actions: str, count: int | None = None, rate: float | None = None, seed: int = 0
    ) -> Fault:
        """Start a task for a poll, then close the connection; empty polls are not hit.

        SWF counts the task as started, but it never runs. *actions* may name only the two polls.
        """
        return self._add("lose_task", actions or POLLS, count, rate, seed)

    def clear(self) -> None:
        """Remove every fault."""
        with self._lock:
            self._faults.clear()

    def before(self, action: str) -> tuple[bool, Answer | None]:
        """Decide what happens to a call before SWF acts on it.

        Returns:
            Whether SWF should act; and if not, the answer, or None to close the connection.
        """
        if self._hit("throttle", action):
            return False, THROTTLED
        if self._hit("fail", action):
            return False, FAILED
        return not self._hit("break_connection", action), None

    def drops(self, action: str, answer: str) -> bool:
        """Return whether the answer to a call is lost, now that SWF has acted on it."""
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
        known = frozenset(POLLS if kind == "lose_task" else AWS_BUCKETS)
        if not wanted <= known:
            raise ValueError(
                f"Cannot {kind} {', '.join(sorted(wanted - known))}: not an action of SWF"
                f"{' that returns tasks' if kind == 'lose_task' else ''}. "
                f"Use {', '.join(sorted(known))}."
            )
        if count is not None and count < 0:
            raise ValueError(f"Cannot use count={count}: give 0 or more.")
        if rate is not None and not 0 < rate <= 1:
            raise ValueError(f"Cannot use rate={rate}: give a number above 0 and at most 1.")
        if count is None and rate is None:
            count = 1
        fault = Fault(kind, wanted, count, 1.0 if rate is None else rate, seed)
        with self._lock:
            self._faults.append(fault)
        return fault
