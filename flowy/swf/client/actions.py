"""SWF's actions, one method each, which take and return values and raise ``SWFError``.

SWF refuses text that is too long, and a refused answer leaves its task open until it times out. So
texts for people are cut here to SWF's limits. A result is not cut, because half a result would be
wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...exception import TooLongError, ValidationError
from ...invocation import cut_end, cut_start, sendable
from ..limits import (
    MAX_DETAILS_CHARS,
    MAX_HEARTBEAT_DETAILS_CHARS,
    MAX_REASON_CHARS,
    MAX_RESULT_CHARS,
    MAX_TOKEN_CHARS,
)
from ..values import ActivityTask
from .caller import present
from .errors import unreadable
from .execution_calls import ExecutionCalls
from .registration_calls import RegistrationCalls

#: Overall deadlines of calls, in seconds, with all attempts that the client makes; for other calls
#: see ``caller``. SWF keeps a poll open for up to 60 s.
POLL_DEADLINE_SECONDS = 90.0
HEARTBEAT_DEADLINE_SECONDS = 8.0


class SWFClient(ExecutionCalls, RegistrationCalls):
    """One method for each SWF action that Flowy uses; thread-safe.

    The base classes have the actions about executions, domains and types.

    Raises, from each method:
        UnknownResourceError: the task is closed; or the domain, type or execution does not exist.
        TransientError: SWF could not be reached, or throttles the call.
        RefusedError: SWF refuses the values or the caller.
    """

    # Activity tasks

    def poll_for_activity_task(
        self, domain: str, task_list: str, identity: str
    ) -> ActivityTask | None:
        """Wait up to 60 s for a task; return None if none came."""
        answer = self._call(
            self._polls,
            "poll_for_activity_task",
            POLL_DEADLINE_SECONDS,
            domain=domain,
            taskList={"name": task_list},
            identity=identity,
        )
        _check_genuine(answer, "startedEventId", "poll_for_activity_task")
        task = ActivityTask.from_answer(answer)
        if task is None and answer.get("taskToken"):
            raise unreadable("poll_for_activity_task")
        return task

    def record_activity_task_heartbeat(self, token: str, details: str | None = None) -> bool:
        """Send a heartbeat, with *details* cut; return whether a cancellation was requested."""
        if details is not None:
            details = cut_end(sendable(details), MAX_HEARTBEAT_DETAILS_CHARS)
        answer = self._call(
            self._heartbeats,
            "record_activity_task_heartbeat",
            HEARTBEAT_DEADLINE_SECONDS,
            taskToken=_checked(token),
            **present(details=details),
        )
        _check_genuine(answer, "cancelRequested", "record_activity_task_heartbeat")
        return bool(answer.get("cancelRequested"))

    def respond_activity_task_completed(self, token: str, result: str) -> None:
        """Answer *completed*.

        Raises:
            TooLongError: the result is longer than 32,768 characters.
        """
        if len(result) > MAX_RESULT_CHARS:
            raise TooLongError(
                f"the result has {len(result):,} characters, SWF takes {MAX_RESULT_CHARS:,}. "
                "Store it elsewhere and return its address.",
                length=len(result),
                limit=MAX_RESULT_CHARS,
            )
        self._call(
            self._answers,
            "respond_activity_task_completed",
            taskToken=_checked(token),
            result=sendable(result),
        )

    def respond_activity_task_failed(
        self, token: str, reason: str, details: str | None = None
    ) -> None:
        """Answer *failed*; cut *details* at the start, because a traceback's end tells most."""
        self._call(
            self._answers,
            "respond_activity_task_failed",
            taskToken=_checked(token),
            reason=cut_end(sendable(reason), MAX_REASON_CHARS),
            **present(details=_cut_details(details)),
        )

    def respond_activity_task_canceled(self, token: str, details: str | None = None) -> None:
        """Answer *canceled*, which SWF takes only after a request to cancel; cut *details*."""
        self._call(
            self._answers,
            "respond_activity_task_canceled",
            taskToken=_checked(token),
            **present(details=_cut_details(details)),
        )

    # Decision tasks

    def poll_for_decision_task(
        self, domain: str, task_list: str, identity: str
    ) -> tuple[str, list[dict[str, Any]]] | None:
        """Wait up to 60 s for a decision task; return its token and the whole history, or None."""
        parameters: dict[str, Any] = {
            "domain": domain,
            "taskList": {"name": task_list},
            "identity": identity,
        }
        answer = self._poll_for_decision_task(parameters)
        token = answer.get("taskToken")
        if not token:
            return None
        events = list(answer.get("events", ()))
        while page := answer.get("nextPageToken"):
            answer = self._poll_for_decision_task({**parameters, "nextPageToken": page})
            events.extend(answer.get("events", ()))
        return str(token), events

    def _poll_for_decision_task(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = self._call(
            self._polls, "poll_for_decision_task", POLL_DEADLINE_SECONDS, **parameters
        )
        _check_genuine(answer, "startedEventId", "poll_for_decision_task")
        return answer

    def respond_decision_task_completed(
        self, token: str, decisions: Sequence[Mapping[str, Any]]
    ) -> None:
        """Answer a decision task with *decisions*, in SWF's own form."""
        self._call(
            self._answers,
            "respond_decision_task_completed",
            taskToken=token,
            decisions=list(decisions),
        )


def _check_genuine(answer: Mapping[str, Any], key: str, method: str) -> None:
    """Raise TransientError if a boto3 client's answer lacks a key that SWF always sends.

    Clients other than boto3's show nothing in ``ResponseMetadata``.
    """
    if key not in answer and answer.get("ResponseMetadata"):
        raise unreadable(method)


def _checked(token: str) -> str:
    if not isinstance(token, str) or not 1 <= len(token) <= MAX_TOKEN_CHARS:
        raise ValidationError(
            f"Cannot use this token: SWF's are text of 1 to {MAX_TOKEN_CHARS:,} characters. Give "
            "the activity's `token` unchanged.",
            fault="ValidationException",
        )
    return token


def _cut_details(details: str | None) -> str | None:
    return None if details is None else cut_start(sendable(details), MAX_DETAILS_CHARS)
