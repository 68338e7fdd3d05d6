"""One execution of the one-activity workflow, from its start to its close.

Its decider is played in a thread of its own. SWF gives a decision to whichever poll it holds,
one whose caller has just been interrupted too, and a decision that is lost comes again only
after its timeout: a poll that is out must be seen to its end, if a cancellation is to pass
through this decider within a moment.
"""

from __future__ import annotations

import logging
import os
import platform
import threading
import time
import uuid
from typing import Any

from ..exception import (
    AlreadyExistsError,
    OutOfReachError,
    RefusedError,
    SWFError,
    UnknownResourceError,
)
from ..retry import Backoff, Deadline
from .client import SWFClient
from .decider import Ending, Event, Plan, closes, decide, ending, given_up
from .values import MAX_NAME_CHARS

logger = logging.getLogger(__name__)

#: The workflow type of which each call is one execution.
WORKFLOW_NAME = "flowy.call_activity"
WORKFLOW_VERSION = "1"

#: How long one decision may take, in seconds; they are made in microseconds.
DECISION_SECONDS = 30

#: How much longer than the call's timeout and its grace the execution may be open, in seconds:
#: nobody ends it if the caller was killed.
MARGIN_SECONDS = 60

#: The longest that SWF lets an execution be open, in seconds: a year.
LONGEST_EXECUTION_SECONDS = 365 * 24 * 3_600

#: How long a call goes on where SWF is out of reach after its timeout, in seconds.
PATIENCE_SECONDS = 60.0

#: The longest rest after an empty poll that came back at once, in seconds.
EMPTY_POLL_SECONDS = 1.0


class ActivityExecution:
    """Starts an execution, plays its decider until it is closed, and keeps how it ended.

    Args:
        client: what it speaks to SWF with.
        domain: the domain.
        plan: which activity, and how long there is patience for it.
        workflow_id: its id, unique among the open ones of the domain; None for a new one.
    """

    def __init__(
        self, client: SWFClient, domain: str, plan: Plan, workflow_id: str | None = None
    ) -> None:
        self._client = client
        self._domain = domain
        self._plan = plan
        self._own_id = workflow_id is None
        self.workflow_id = workflow_id or f"flowy-call-{uuid.uuid4()}"
        self.run_id: str | None = None
        #: How the activity ended, and the history that says so; None while it is open.
        self.ended: tuple[Ending, list[Event]] | None = None
        self._decisions_list = f"flowy-call-{uuid.uuid4()}"
        self._identity = f"{platform.node()}:{os.getpid()} call"[:MAX_NAME_CHARS]
        patience = plan.timeout_seconds + plan.grace_seconds + PATIENCE_SECONDS
        self._deadline = Deadline(patience)
        self._backoff = Backoff(first_seconds=0.2, cap_seconds=5.0)
        self._emptiness = Backoff(first_seconds=0.05, cap_seconds=EMPTY_POLL_SECONDS)
        self._error: BaseException | None = None
        self._over = threading.Event()
        self._left = threading.Event()

    def start(self) -> None:
        """Start the execution and its decider.

        Raises:
            SWFError: SWF refuses it, or is out of reach.
        """
        try:
            self.run_id = self._start()
        except (RefusedError, UnknownResourceError) as error:
            # Nothing was started; unless an id that nobody else knows is there already: then an
            # earlier try of the same request started it.
            if self._own_id and isinstance(error, AlreadyExistsError):
                self.terminate("The answer to its start was lost.")
            raise
        except BaseException:
            # It may have been started all the same. An id of the user's choice may just as well
            # be that of an execution which was there before.
            if self._own_id:
                self.terminate("The caller was interrupted.")
            raise
        threading.Thread(target=self._play, name="flowy-call-decider", daemon=True).start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the execution is closed; False if it is not after so many seconds.

        Raises:
            SWFError: SWF refuses the decider, or was out of reach for long.
        """
        if not self._over.wait(seconds):
            return False
        if self._error is not None:
            raise self._error
        return True

    def request_cancel(self) -> None:
        """Ask it to cancel its activity: its decider passes that on."""
        self._client.request_cancel_workflow_execution(self._domain, self.workflow_id, self.run_id)

    def terminate(self, reason: str) -> None:
        """Close it from outside, which closes the activity's task; log what stands against it."""
        try:
            self._client.terminate_workflow_execution(
                self._domain, self.workflow_id, reason, run_id=self.run_id
            )
        except UnknownResourceError:
            pass  # it is closed, or was never started
        except SWFError as error:
            logger.error(
                "Execution %s not terminated (%s): it ends by its timeout.",
                self.workflow_id,
                error.fault,
            )

    def leave(self) -> None:
        """Let its decider end with the poll that is out."""
        self._left.set()

    def look(self) -> bool:
        """Look whether it is closed, and keep how it ended."""
        events: list[Event] = list(
            self._client.get_workflow_execution_history(
                self._domain, self.workflow_id, self.run_id or ""
            )
        )
        ended = ending(events)
        if ended is None or not any(event["eventType"] in _CLOSES for event in events):
            return False
        self.ended = ended, events
        return True

    def _start(self) -> str:
        try:
            return self._start_execution()
        except UnknownResourceError:
            self._register_workflow_type()
            return self._start_execution()

    def _start_execution(self) -> str:
        plan = self._plan
        longest = plan.timeout_seconds + plan.grace_seconds + MARGIN_SECONDS
        return self._client.start_workflow_execution(
            domain=self._domain,
            workflowId=self.workflow_id,
            workflowType={"name": WORKFLOW_NAME, "version": WORKFLOW_VERSION},
            taskList={"name": self._decisions_list},
            executionStartToCloseTimeout=str(min(longest, LONGEST_EXECUTION_SECONDS)),
            taskStartToCloseTimeout=str(DECISION_SECONDS),
            childPolicy="TERMINATE",
        )

    def _register_workflow_type(self) -> None:
        try:
            self._client.register_workflow_type(self._domain, WORKFLOW_NAME, WORKFLOW_VERSION)
        except AlreadyExistsError:
            pass  # another caller was faster
        except UnknownResourceError as error:
            raise UnknownResourceError(
                f"Cannot call {self._plan.type}: there is no domain {self._domain!r} in this "
                "region.",
                fault=error.fault,
            ) from error

    def _play(self) -> None:
        """Decide until the execution is closed, or left."""
        try:
            while not self._left.is_set():
                if self._take_turn():
                    return
        except BaseException as error:
            self._error = error
        finally:
            self._over.set()

    def _take_turn(self) -> bool:
        """Wait for one decision and make it; return whether the execution is closed."""
        started = time.monotonic()
        try:
            task = self._client.poll_for_decision_task(
                self._domain, self._decisions_list, self._identity
            )
            self._backoff.reset()
            if task is not None:
                self._emptiness.reset()
                return self._decide(*task)
            if time.monotonic() - started < EMPTY_POLL_SECONDS / 2:
                # SWF holds a poll for 60 s; what answers at once must not be asked at once.
                self._left.wait(self._emptiness.next_seconds())
            return self.look()
        except OutOfReachError as error:
            pause = self._backoff.next_seconds()
            if self._deadline.passed:
                raise
            logger.warning("The call goes on in %.1f s (%s).", pause, error.fault)
            self._left.wait(pause)
            return False

    def _decide(self, token: str, events: list[dict[str, Any]]) -> bool:
        if given_up(events):
            self.terminate("The activity had not ended a moment after it was asked to cancel.")
            return self.look()
        decisions = decide(events, self._plan)
        try:
            self._client.respond_decision_task_completed(token, decisions)
        except UnknownResourceError:
            return self.look()  # the decision timed out, or the execution is closed
        # SWF does not close an execution for which something new has come meanwhile.
        return closes(decisions) and self.look()


#: Events that close an execution.
_CLOSES = frozenset(
    {
        "WorkflowExecutionCompleted",
        "WorkflowExecutionFailed",
        "WorkflowExecutionCanceled",
        "WorkflowExecutionTimedOut",
        "WorkflowExecutionTerminated",
    }
)
