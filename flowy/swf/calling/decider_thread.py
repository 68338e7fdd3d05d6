"""Decides for one execution, in a thread of its own.

SWF answers any open poll with a decision task, and repeats the task only after its timeout. So the
thread waits for its last poll even if the caller was interrupted meanwhile: an abandoned poll could
swallow the decision task with which the decider passes on the caller's cancellation.
"""

from __future__ import annotations

import threading

from ...concurrency.clock import SYSTEM_CLOCK, Clock
from ...concurrency.retry import Backoff, Deadline
from ...exception import TransientError, UnknownResourceError
from ...safe_logging import get_logger
from ..history import Event
from .decider import Plan, closes, decide, given_up
from .execution import ActivityExecution

logger = get_logger(__name__)

#: How long the decider goes on after the call's timeout and grace if SWF is out of reach, in
#: seconds.
PATIENCE_SECONDS = 60.0

#: The longest pause after an empty poll that came back at once, in seconds.
EMPTY_POLL_SECONDS = 1.0


class DeciderThread:
    """Decides until the execution is closed.

    Args:
        execution: the execution, which must be started before ``start`` is called.
        plan: what to call.
        clock: measures the call and its polls.
    """

    def __init__(
        self, execution: ActivityExecution, plan: Plan, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._execution = execution
        self._plan = plan
        self._clock = clock
        self._deadline = Deadline(
            plan.timeout_seconds + plan.grace_seconds + PATIENCE_SECONDS, clock=clock
        )
        self._trouble = Backoff(first_seconds=0.2, cap_seconds=5.0)
        self._empty_polls = Backoff(first_seconds=0.05, cap_seconds=EMPTY_POLL_SECONDS)
        self._error: BaseException | None = None
        self._ended = threading.Event()
        self._left = threading.Event()

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name="flowy-call-decider", daemon=True).start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the execution is closed.

        Args:
            seconds: for how long at most; None for no limit.

        Returns:
            Whether it is closed.

        Raises:
            SWFError: SWF refuses the decider, or was out of reach for too long.
        """
        if not self._ended.wait(seconds):
            return False
        if self._error is not None:
            raise self._error
        return True

    def leave(self) -> None:
        """Let the thread end when its current poll returns."""
        self._left.set()

    def _run(self) -> None:
        try:
            while not self._left.is_set():
                if self._take_turn():
                    return
        except BaseException as error:
            self._error = error
        finally:
            self._ended.set()

    def _take_turn(self) -> bool:
        """Wait for one decision task and answer it; return whether the execution is closed."""
        started = self._clock.now()
        try:
            task = self._execution.poll()
            self._trouble.reset()
            if task is not None:
                self._empty_polls.reset()
                return self._decide(*task)
            if self._clock.now() - started < EMPTY_POLL_SECONDS / 2:
                # SWF keeps a poll open for 60 s. An emulator that answers at once must not be
                # flooded.
                self._left.wait(self._empty_polls.next_seconds())
            return self._execution.look()
        except TransientError as error:
            pause = self._trouble.next_seconds()
            if self._deadline.passed:
                raise
            logger.warning("The call goes on in %.1f s (%s).", pause, error.fault)
            self._left.wait(pause)
            return False

    def _decide(self, token: str, events: list[Event]) -> bool:
        if given_up(events):
            self._execution.terminate(
                f"The activity had not ended {self._plan.grace_seconds} s after it was asked to "
                "cancel."
            )
            return self._execution.look()
        decisions = decide(events, self._plan)
        try:
            self._execution.respond(token, decisions)
        except UnknownResourceError:
            return self._execution.look()  # the decision timed out, or the execution is closed
        # SWF does not close an execution if its history grew while the decision was made.
        return closes(decisions) and self._execution.look()
