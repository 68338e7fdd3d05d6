"""What is remembered between two events: the tasks that have not ended, and tries of answers."""

from __future__ import annotations

import threading
import time

from opentelemetry.trace import Tracer

from ..context import ActivityInfo
from ..observer import CallEnded, PollEnded
from .task_spans import NANO, AnswerCall, TaskSpans

#: The calls of an answer begin when its run has ended; clocks may differ by this much, in
#: nanoseconds.
_SLACK = NANO // 10


class OpenTasks:
    """The tasks that a poll has brought and that have not ended; any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._polled: dict[tuple[str, int], tuple[int, int]] = {}
        self._started: dict[tuple[str, int], TaskSpans] = {}

    def __len__(self) -> int:
        return len(self._polled) + len(self._started)

    def polled(self, event: PollEnded) -> None:
        """Remember when the poll of a task began and ended."""
        if event.run_id is not None and event.started_event_id is not None:
            now = time.time_ns()
            with self._lock:
                key = event.run_id, event.started_event_id
                self._polled[key] = now - round(event.seconds * NANO), now

    def started(self, tracer: Tracer, info: ActivityInfo) -> None:
        """Remember when a task started."""
        now = time.time_ns()
        with self._lock:
            polled = self._polled.pop(_key(info), None)
            self._started[_key(info)] = TaskSpans(tracer, info, polled, now)

    def get(self, info: ActivityInfo | None) -> TaskSpans | None:
        """Return the spans of a task that has started; None for any other."""
        with self._lock:
            return None if info is None else self._started.get(_key(info))

    def ended(self, tracer: Tracer, info: ActivityInfo) -> TaskSpans:
        """Forget a task, and return its spans; new ones if it has not started in this process."""
        with self._lock:
            polled = self._polled.pop(_key(info), None)
            return self._started.pop(_key(info), None) or TaskSpans(tracer, info, polled)


class TriedAnswers:
    """The calls by which each thread tries an answer; any thread may use it."""

    def __init__(self) -> None:
        self._local = threading.local()

    def tried(self, event: CallEnded) -> None:
        """Remember a call of this thread, if it is one of an answer."""
        if event.action.startswith("RespondActivityTask"):
            now = time.time_ns()
            began_at = now - round(event.seconds * NANO)
            self._calls().append(AnswerCall(event.action, began_at, now, event.fault))

    def taken(self, answer_seconds: float) -> list[AnswerCall]:
        """Forget the calls of this thread, and return those of an answer that is settled now.

        Args:
            answer_seconds: how long it took; what was called before is another task's.
        """
        began_at = time.time_ns() - round(answer_seconds * NANO) - _SLACK
        calls = self._calls()
        found = [call for call in calls if call.began_at >= began_at]
        calls.clear()
        return found

    def _calls(self) -> list[AnswerCall]:
        found: list[AnswerCall] | None = getattr(self._local, "calls", None)
        if found is None:
            found = self._local.calls = []
        return found


def _key(info: ActivityInfo) -> tuple[str, int]:
    return info.run_id, info.started_event_id
