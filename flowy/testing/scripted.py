"""One task in a test's hands: what its SWF says, and what its worker makes of it.

The worker's side is the real one (``TaskScheduler``, with the limits of ``ActivityScheduler``);
SWF's is a few fields that the test sets.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from ..exception import UnknownResourceError
from ..heartbeat import Verdict
from ..shutdown import StopFlag, StopLevel
from ..swf.client import SWFClient
from ..swf.delivery import NoLedger, StopPolicy, TaskScheduler
from ..swf.scheduler import ActivityScheduler
from .outcomes import Answer


class RecordingClient(SWFClient):
    """The calls of one task, written down; and SWF's side of it, set by the test."""

    def __init__(self) -> None:
        super().__init__(None, None)
        self.cancel_requested = False
        self.closed = False
        self.heartbeats: list[str | None] = []
        self.answer: Answer | None = None

    def record_activity_task_heartbeat(self, task_token: str, details: str | None) -> bool:
        """Write down a heartbeat."""
        self._check_open("heartbeat")
        self.heartbeats.append(details)
        return self.cancel_requested

    def respond_activity_task_completed(self, task_token: str, result: str) -> None:
        """Take *completed*."""
        self._take(Answer("completed", result=result))

    def respond_activity_task_failed(
        self, task_token: str, reason: str, details: str | None
    ) -> None:
        """Take *failed*."""
        self._take(Answer("failed", reason=reason, details=details))

    def respond_activity_task_canceled(self, task_token: str, details: str | None) -> None:
        """Take *canceled*."""
        self._take(Answer("canceled", details=details))

    def _take(self, answer: Answer) -> None:
        self._check_open("answer")
        self.answer = answer
        self.closed = True

    def _check_open(self, what: str) -> None:
        if self.closed:
            raise UnknownResourceError(
                f"Cannot {what}: the test has closed the task.", fault="UnknownResourceFault"
            )


class ScriptedTask(TaskScheduler):
    """A task whose SWF does what the test says; each heartbeat goes out, none coalesces.

    Args:
        token: its token.
        subject: names it in log lines.
        on_stop: ``"abandon"`` or ``"fail"``.
        learns_at_once: whether its activity's background heartbeats would learn what happens.
        script: for the number of a heartbeat, from 1 on, what happens before it is answered.
        on_heartbeat: called with each heartbeat's details, before it is answered.
    """

    def __init__(
        self,
        token: str,
        *,
        subject: str,
        on_stop: str,
        learns_at_once: bool,
        script: Mapping[int, Sequence[Callable[[ScriptedTask], None]]],
        on_heartbeat: Callable[[str | None], object],
    ) -> None:
        self.client = RecordingClient()
        self.stop = StopFlag()
        #: The details of every progress() the activity has reported.
        self.reports: list[str | None] = []
        #: Cancels the coroutine that runs; None where none does.
        self.interrupt: Callable[[], None] | None = None
        self._learns_at_once = learns_at_once
        self._script = script
        self._on_heartbeat = on_heartbeat
        self._beats = 0
        self._in_heartbeat = False
        self._lock_of_events = threading.RLock()
        super().__init__(
            ActivityScheduler(self.client),
            token,
            subject=subject,
            heartbeat_seconds=None,
            start_to_close_seconds=None,
            policy=StopPolicy(self.stop, None, on_stop),
            ledger=NoLedger(),
        )

    def heartbeat(self, token: str, details: str | None = None, *, now: bool = False) -> Verdict:
        """Send a heartbeat, after what the script says of it."""
        with self._lock_of_events:
            self._in_heartbeat = True
            try:
                self._beats += 1
                for happens in self._script.get(self._beats, ()):
                    happens(self)
                self._on_heartbeat(details)
                self.heartbeats.progress(details)
                if self.heartbeats.verdict is not Verdict.LOST:
                    self.heartbeats.send()
                return self.verdict(token)
            finally:
                self._in_heartbeat = False

    def progress(self, token: str, details: str | None = None) -> None:
        """Write down that the activity gets on."""
        self.reports.append(details)
        super().progress(token, details)

    def request_cancel(self) -> None:
        """Let SWF ask for its cancellation."""
        with self._lock_of_events:
            self.client.cancel_requested = True
            self._learn(Verdict.CANCEL_REQUESTED)

    def close(self) -> None:
        """Let SWF close it: it timed out, or its workflow ended."""
        with self._lock_of_events:
            self.client.closed = True
            self._learn(Verdict.CLOSED)

    def lose(self) -> None:
        """Let no heartbeat be accepted any more."""
        with self._lock_of_events:
            self.heartbeats.verdict = Verdict.LOST
            if self._learns_at_once:
                self._interrupt()

    def stop_worker(self, level: StopLevel) -> None:
        """Let its worker be told to stop."""
        with self._lock_of_events:
            self.stop.raise_to(level)
            if level >= StopLevel.HURRY:
                self._interrupt()

    def _learn(self, verdict: Verdict) -> None:
        if self._learns_at_once:
            self.heartbeats.verdict = verdict
            self._interrupt()

    def _interrupt(self) -> None:
        # A heartbeat that is under way tells it, and what is told so is not canceled besides.
        if self.interrupt is not None and not self._in_heartbeat:
            self.interrupt()
