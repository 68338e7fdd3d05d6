"""One execution of the one-activity workflow: the calls to SWF that concern it.

Each execution has its own task list for decisions, so that several callers, also in several
processes, never get each other's decision tasks. Its timeouts are finite, so that it ends by itself
if its caller is killed.
"""

from __future__ import annotations

import logging
import os
import platform
import uuid
from collections.abc import Sequence

from ...exception import (
    AlreadyExistsError,
    RefusedError,
    SWFError,
    TransientError,
    UnknownResourceError,
)
from ...invocation.outcome import TaskOutcome
from ...safe_logging import get_logger
from ..client import SWFClient
from ..history import Ending, Event, closes_execution
from ..limits import MAX_NAME_CHARS
from ..values import ActivityType
from .decider import Decision, Plan, ending

logger = get_logger(__name__)

#: The workflow type of the executions.
WORKFLOW_NAME = "flowy.call_activity"
WORKFLOW_VERSION = "1"

#: The timeout of a decision task, in seconds; a decision takes microseconds.
DECISION_SECONDS = 30

#: How much longer than the call's timeout and grace the execution may be open, in seconds. SWF
#: closes it then, if the caller was killed.
MARGIN_SECONDS = 60

#: How long SWF lets an execution be open at most, in seconds: a year.
LONGEST_EXECUTION_SECONDS = 365 * 24 * 3_600


class ActivityExecution:
    """Starts one execution, sends its decisions to SWF, and reads how its activity ended.

    Args:
        client: makes the calls.
        domain: the SWF domain.
        plan: what to call.
        workflow_id: the execution's id, unique among the open ones of the domain; None for a new
            one.

    Attributes:
        workflow_id: its id.
        run_id: its run id; None before it was started.
        ended: how the activity ended, and the history that shows it; None while it is open.
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
        self.ended: tuple[Ending, Sequence[Event]] | None = None
        self._decisions_list = f"flowy-call-{uuid.uuid4()}"
        self._identity = f"{platform.node()}:{os.getpid()} call"[:MAX_NAME_CHARS]

    def start(self) -> None:
        """Start it at SWF.

        Raises:
            SWFError: SWF refuses it, or is out of reach.
        """
        try:
            self.run_id = self._start()
        except (RefusedError, UnknownResourceError) as error:
            # Nothing was started, unless an id that was made here exists already: then an earlier
            # try of this very request was accepted.
            if self._own_id and isinstance(error, AlreadyExistsError):
                self.terminate("The answer to its start was lost.")
            raise
        except BaseException as error:
            # It may have been started all the same. But an id that the user chose may belong to
            # another execution, which is left alone.
            if self._own_id:
                unsent = isinstance(error, TransientError) and not error.may_have_arrived
                self.terminate("The caller was interrupted.", quietly=unsent)
            raise

    def poll(self) -> tuple[str, list[Event]] | None:
        """Wait for a decision task; return its token and the history, or None after an empty poll.

        Raises:
            SWFError: SWF refuses the poll, or is out of reach.
        """
        task = self._client.poll_for_decision_task(
            self._domain, self._decisions_list, self._identity
        )
        return None if task is None else (task[0], list(task[1]))

    def respond(self, token: str, decisions: Sequence[Decision]) -> None:
        """Answer a decision task.

        Raises:
            UnknownResourceError: the decision timed out, or the execution is closed.
            SWFError: SWF refuses the answer, or is out of reach.
        """
        self._client.respond_decision_task_completed(token, decisions)

    def request_cancel(self) -> None:
        """Request the cancellation of the execution; its decider passes that on to the activity.

        Raises:
            SWFError: SWF refuses the request, or is out of reach.
        """
        self._client.request_cancel_workflow_execution(self._domain, self.workflow_id, self.run_id)

    def terminate(self, reason: str, *, quietly: bool = False) -> None:
        """Close the execution from outside, and with it the task; log the error if SWF refuses.

        Args:
            reason: why it is closed; the history shows it.
            quietly: whether it has probably not started, so that an error is not logged as ERROR.
        """
        try:
            self._client.terminate_workflow_execution(
                self._domain, self.workflow_id, reason, run_id=self.run_id
            )
        except UnknownResourceError:
            pass  # it was closed already, or never started
        except SWFError as error:
            logger.log(
                logging.INFO if quietly else logging.ERROR,
                "Execution %s not terminated (%s): it ends by its timeout.",
                self.workflow_id,
                error.fault,
            )

    def look(self) -> bool:
        """Read the history; if the execution is closed, keep how the activity ended.

        Returns:
            Whether it is closed.

        Raises:
            SWFError: SWF refuses to show it, or is out of reach.
        """
        events = self.history()
        ended = ending(events)
        if ended is None or not any(map(closes_execution, events)):
            return False
        self.ended = ended, events
        return True

    def look_for_end(self) -> bool:
        """Read the history; if SWF did not schedule the activity, keep why.

        Returns:
            Whether SWF did not schedule it.

        Raises:
            SWFError: SWF refuses to show the history, or is out of reach.
        """
        events = self.history()
        ended = ending(events)
        if ended is None or ended.outcome is not TaskOutcome.NOT_SCHEDULED:
            return False
        self.ended = ended, events
        return True

    def history(self) -> list[Event]:
        """Return its events, oldest first.

        Raises:
            SWFError: SWF refuses to show them, or is out of reach.
        """
        return list(
            self._client.get_workflow_execution_history(
                self._domain, self.workflow_id, self.run_id or ""
            )
        )

    def known_types(self) -> list[ActivityType]:
        """Return the activity types of the domain; an empty list if SWF does not list them."""
        try:
            return sorted(each.type for each in self._client.list_activity_types(self._domain))
        except SWFError as error:
            logger.info("Cannot list the types of domain %s (%s).", self._domain, error.fault)
            return []

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
            # All calls share one workflow type; the tag tells them apart in lists of executions.
            tagList=[plan.type.name],
        )

    def _register_workflow_type(self) -> None:
        try:
            self._client.register_workflow_type(self._domain, WORKFLOW_NAME, WORKFLOW_VERSION)
        except AlreadyExistsError:
            pass  # another caller was faster
        except UnknownResourceError as error:
            raise UnknownResourceError(
                f"Cannot call {self._plan.type}: domain {self._domain!r} does not exist in this "
                f"region.{self._client.place}",
                fault=error.fault,
            ) from error
