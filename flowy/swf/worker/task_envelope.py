"""The envelope of one task: waits for key services and stores as a worker waits for SWF.

Only tasks of activities with codecs or a store have one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from ...claims import Place
from ...concurrency.retry import Backoff, Deadline
from ...concurrency.stop import StopLevel
from ...context import ActivityInfo
from ...envelope import Envelope
from ...exception import CodecError, UnavailableError
from ...invocation import (
    Answer,
    NoAnswer,
    StatusRecord,
    TaskStatus,
    answer_of_giving_up,
    cut_end,
)
from ...logs import log_keys
from ...safe_logging import get_logger
from ..limits import MAX_HEARTBEAT_DETAILS_CHARS, MAX_RESULT_CHARS
from .heartbeats import Heartbeats
from .responder import LEAST_ANSWER_SECONDS, UNLIMITED_ANSWER_SECONDS, StopPolicy
from .worker_context import WorkerContext

logger = get_logger(__name__)

#: How long heartbeats go without details after these could not be encoded, in seconds.
WITHOUT_DETAILS_SECONDS = 30.0


class Run(Protocol):
    """The part of a ``TaskRun`` that its envelope uses."""

    info: ActivityInfo
    status: StatusRecord
    heartbeats: Heartbeats


class TaskEnvelope:
    """The ``flowy.invocation.Sealing`` of one task in a worker.

    Args:
        envelope: what its activity declares.
        worker: the context of its worker.
        run: the task.
        sent: called after each heartbeat that is sent while something is waited for.
    """

    def __init__(
        self, envelope: Envelope, worker: WorkerContext, run: Run, *, sent: Callable[[], object]
    ) -> None:
        self._envelope = envelope
        self._worker = worker
        self._run = run
        self._sent = sent
        self._info = info = run.info
        self._clock = worker.clock
        self._policy: StopPolicy = worker.policy
        self._place = Place(info.domain, info.workflow_id, info.run_id)
        seconds = info.start_to_close or UNLIMITED_ANSWER_SECONDS
        self._deadline = Deadline(max(seconds, LEAST_ANSWER_SECONDS), clock=worker.clock)
        self._backoff = Backoff(first_seconds=0.5, cap_seconds=20.0)
        self._has_run = False
        self._result: str | None = None
        self._sealed: tuple[str, str] | None = None
        self._no_details = Deadline(0.0, clock=worker.clock)

    def task_ends_in(self, seconds: float | None) -> None:
        """Wait until the task times out, which takes *seconds*; None for no limit."""
        left = UNLIMITED_ANSWER_SECONDS if seconds is None else seconds
        self._deadline = Deadline(left, clock=self._clock)

    @property
    def encrypts(self) -> bool:
        """Whether one of the codecs encrypts."""
        return self._envelope.encrypts

    def waiting(self) -> AbstractContextManager[object]:
        """Return a context manager in which heartbeats go on, if any are declared."""
        return self._worker.auto_heartbeats.while_waiting(
            self._run.heartbeats,
            timeout_seconds=self._run.info.heartbeat,  # the one in force, once it is known
            sent=self._sent,
        )

    def opened(self, text: str) -> str:
        """Return an input with the values of its envelopes in their places."""
        return self._envelope.opened(text)

    def sealed(self, text: str) -> str:
        """Return what is sent for a result."""
        self._has_run = True
        self._result = self._envelope.sealed(text, place=self._place, limit=MAX_RESULT_CHARS)
        return self._result

    def has_sealed(self, text: str) -> bool:
        """Return whether *text* is the sealed result."""
        return text == self._result

    def sealed_note(self, text: str) -> str:
        """Return the JSON text that is kept for a note."""
        return self._envelope.sealed_note(text)

    def sealed_details(self, text: str) -> str:
        """Return what is sent for details of a cancellation."""
        self._has_run = True
        return self._envelope.sealed_details(text)

    def shown_reason(self, reason: str, kind: str) -> str:
        """Return what is sent as reason of a failure."""
        return self._envelope.shown_reason(reason, kind)

    def sealed_failure(self, reason: str, details: str | None, kind: str) -> tuple[str, str | None]:
        """Return what is sent as reason and details of a failure."""
        self._has_run = True
        return self._envelope.sealed_failure(reason, details, kind)

    def heartbeat_details(self, text: str | None) -> str | None:
        """Return what is sent for the details of a heartbeat; None if they cannot be encoded.

        The heartbeat is more urgent than its details, so nothing is waited for.
        """
        if text is None or not self._envelope.encrypts:
            return text
        known = self._sealed
        if known is not None and known[0] == text:
            return known[1]
        if not self._no_details.passed:
            return None
        try:
            sealed = self._envelope.sealed_details(text, MAX_HEARTBEAT_DETAILS_CHARS, cut_end)
        except (CodecError, UnavailableError) as error:
            self._no_details = Deadline(WITHOUT_DETAILS_SECONDS, clock=self._clock)
            fault = getattr(error, "fault", type(error).__name__)
            logger.warning(
                "Heartbeats of %s are sent without their details, which cannot be encoded (%s).",
                self._info,
                fault,
                extra=log_keys("value_waits", self._info, fault=fault),
            )
            return None
        self._sealed = text, sealed
        return sealed

    def pause_after(self, error: UnavailableError) -> float | Answer | None:
        """Return how many seconds to wait for the next try; the task's answer; or None to fail.

        What is known of the task ends the waiting as it would end the activity. Once the activity
        has run, only its closing and the stop do: a result is worth waiting for.
        """
        status = self._run.status.current
        if status is TaskStatus.CLOSED or status is TaskStatus.STOPPING:
            return NoAnswer(status)
        if status is not TaskStatus.ACTIVE and not self._has_run:
            return answer_of_giving_up(status)
        if self._deadline.passed:
            return None
        pause = self._backoff.next_seconds()
        logger.warning(
            "A value of %s waits for a key service or a store (%s); trying again in %.1f s.",
            self._info,
            error.fault,
            pause,
            extra=log_keys("value_waits", self._info, fault=error.fault),
        )
        return pause

    def pause(self, seconds: float) -> None:
        """Wait; the end of a stop's grace ends it early."""
        self._policy.flag.wait(seconds, StopLevel.CANCEL)
