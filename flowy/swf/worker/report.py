"""The report: how the tasks of a worker ended, and what its stop left.

The tasks that a stop leaves time out later. The report names each of them, so that an operator
knows why.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime, timezone

from ...invocation.outcome import TaskOutcome
from ...nouns import counted

#: How many of the newest entries are kept of a list that grows while a worker runs.
KEPT_ENTRIES = 1_000


@dataclass(frozen=True)
class LostPoll:
    """A poll that may have lost a task: SWF may have sent one that did not arrive."""

    at: str  #: When the worker gave the poll up: ISO 8601, UTC.
    identity: str  #: The poller's name in SWF's history.
    fault: str  #: Why the worker gave it up.

    def __str__(self) -> str:
        return f"{self.at} by {self.identity} ({self.fault})"


@dataclass(frozen=True)
class StopReport:
    """How the tasks of a worker ended, from its start to its end.

    Numbers count tasks; tuples name them, by activity type, activity id and workflow id.
    ``unanswered`` and ``polls_lost`` contain the newest 1,000 at most; ``more_unanswered`` and
    ``more_polls_lost`` count the others.
    """

    completed: int = 0
    failed: int = 0
    canceled: int = 0
    suspended: int = 0
    closed: int = 0  #: Closed at SWF before the answer: timed out, or the workflow had ended.
    unknown_left: int = 0  #: Of types that the worker does not serve; left to their timeouts.
    failed_by_stop: tuple[str, ...] = ()  #: Still running after the grace; failed.
    abandoned: tuple[str, ...] = ()  #: Still running after the grace; left to their timeouts.
    unanswered: tuple[str, ...] = ()  #: Their answers were given up, or may not have arrived.
    polls_lost: tuple[LostPoll, ...] = ()  #: Polls that may have lost a task.
    more_unanswered: int = 0
    more_polls_lost: int = 0
    handed_over: int = 0  #: Other code has ended them, or will end them.

    @property
    def clean(self) -> bool:
        """Whether each task has its answer, as far as the worker knows."""
        return not (self.failed_by_stop or self.abandoned or self.unanswered or self.polls_lost)

    def __add__(self, other: StopReport) -> StopReport:
        return StopReport(
            **{
                field.name: getattr(self, field.name) + getattr(other, field.name)
                for field in fields(self)
            }
        )

    def __str__(self) -> str:
        counts = ", ".join(
            f"{getattr(self, name)} {text}"
            for name, text in _COUNTED.items()
            if getattr(self, name) or name == "completed"
        )
        return "; ".join([counts, *(self._left(name) for name in _NAMED if getattr(self, name))])

    def _left(self, name: str) -> str:
        entries = getattr(self, name)
        more = getattr(self, f"more_{name}", 0)
        newest = f", the newest {len(entries):,}" if more else ""
        shown = _grouped_polls(entries) if name == "polls_lost" else _grouped(entries)
        return f"{counted(len(entries) + more, *_NAMED[name])}{newest}: {', '.join(shown)}"


def _grouped(entries: Iterable[str]) -> Iterator[str]:
    """Yield each distinct entry once, with its number."""
    for entry, count in Counter(entries).items():
        yield entry if count == 1 else f"{entry} ({count:,} times)"


def _grouped_polls(polls: Iterable[LostPoll]) -> Iterator[str]:
    """Yield one text for all polls of the same poller that were given up for the same reason."""
    groups: dict[tuple[str, str], list[LostPoll]] = {}
    for poll in polls:
        groups.setdefault((poll.identity, poll.fault), []).append(poll)
    for (identity, fault), group in groups.items():
        if len(group) == 1:
            yield str(group[0])
            continue
        first, last = min(poll.at for poll in group), max(poll.at for poll in group)
        when = f"at {first}" if first == last else f"from {first} to {last}"
        yield f"{len(group):,} polls of {identity}, {fault}, {when}"


_COUNTED = {
    "completed": "completed",
    "failed": "failed",
    "canceled": "canceled",
    "suspended": "suspended",
    "handed_over": "handed over",
    "closed": "closed before their answer",
    "unknown_left": "of an unknown type left to their timeouts",
}
_NAMED = {
    "failed_by_stop": ("failed by the stop", "failed by the stop"),
    "abandoned": ("abandoned by the stop", "abandoned by the stop"),
    "unanswered": ("answer given up", "answers given up"),
    "polls_lost": ("poll that may have cost a task", "polls that may have cost a task"),
}
_COUNTED_OUTCOMES = {
    TaskOutcome.COMPLETED: "completed",
    TaskOutcome.FAILED: "failed",
    TaskOutcome.CANCELED: "canceled",
    TaskOutcome.SUSPENDED: "suspended",
    TaskOutcome.HANDED_OVER: "handed_over",
    TaskOutcome.CLOSED: "closed",
    TaskOutcome.LEFT_UNKNOWN: "unknown_left",
}


class Tally:
    """Counts the outcomes while a worker runs; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[TaskOutcome] = Counter()
        self._named: dict[TaskOutcome, deque[str]] = {
            TaskOutcome.FAILED_BY_STOP: deque(),
            TaskOutcome.ABANDONED: deque(),
            TaskOutcome.UNANSWERED: deque(maxlen=KEPT_ENTRIES),
        }
        self._polls_lost: deque[LostPoll] = deque(maxlen=KEPT_ENTRIES)
        self._polls_lost_count = 0

    def note(self, outcome: TaskOutcome, subject: object) -> None:
        """Count one task, which the report names by ``str(subject)`` if it was left."""
        with self._lock:
            self._counts[outcome] += 1
            named = self._named.get(outcome)
            if named is not None:
                named.append(str(subject))

    def poll_lost(self, identity: str, fault: str) -> None:
        """Record a poll that may have cost a task."""
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        with self._lock:
            self._polls_lost.append(LostPoll(now, identity, fault))
            self._polls_lost_count += 1

    def counts(self) -> dict[TaskOutcome, int]:
        """Return how many tasks have ended with each outcome that a worker's tasks can have."""
        with self._lock:
            return {
                outcome: self._counts[outcome] for outcome in (*_COUNTED_OUTCOMES, *self._named)
            }

    def report(self) -> StopReport:
        """Return what was counted so far."""
        with self._lock:
            named = {outcome: tuple(subjects) for outcome, subjects in self._named.items()}
            unanswered = named[TaskOutcome.UNANSWERED]
            return StopReport(
                **{name: self._counts[outcome] for outcome, name in _COUNTED_OUTCOMES.items()},
                failed_by_stop=named[TaskOutcome.FAILED_BY_STOP],
                abandoned=named[TaskOutcome.ABANDONED],
                unanswered=unanswered,
                polls_lost=tuple(self._polls_lost),
                more_unanswered=self._counts[TaskOutcome.UNANSWERED] - len(unanswered),
                more_polls_lost=self._polls_lost_count - len(self._polls_lost),
            )
