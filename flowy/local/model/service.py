"""One request to the local SWF: checked, carried out under its lock, and answered.

moto's SWFResponse turns parameters into calls of the backend.  It gets only parameters
that ``flowy.local.checks`` let through: on rubbish it would break with HTTP 500, which
clients repeat.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from moto.core.exceptions import JsonRESTError
from moto.core.utils import camelcase_to_underscores
from moto.swf.exceptions import SWFDomainAlreadyExistsFault
from moto.swf.responses import SWFResponse

from flowy.exception import LocalSWFError
from flowy.local.checks import RequestChecks, RequestFault
from flowy.local.model.backend import LocalBackend
from flowy.local.model.execution import LocalExecution
from flowy.local.model.listing import page, select
from flowy.local.timekeeper import Timekeeper

logger = logging.getLogger(__name__)

_Task = TypeVar("_Task")

#: "An empty result, in this context, means that [a task] is returned, but that the value
#: of taskToken is an empty string" (API reference).
_NO_ACTIVITY_TASK = {"taskToken": "", "startedEventId": 0}
_NO_DECISION_TASK = {"taskToken": "", "startedEventId": 0, "previousStartedEventId": 0}

#: What an answer is: the HTTP status, and JSON text, which may be empty.
Answer = tuple[int, str]


class LocalResponse(SWFResponse):
    """moto's translation of a request, for one backend of ours."""

    def __init__(
        self,
        backend: LocalBackend,
        parameters: dict[str, Any],
        *,
        poll_seconds: float,
        gone: Callable[[], bool],
    ) -> None:
        super().__init__()
        self._backend = backend
        self._parameters = parameters
        self._poll_seconds = poll_seconds
        self._gone = gone

    @property
    def swf_backend(self) -> LocalBackend:
        return self._backend

    @property
    def _params(self) -> dict[str, Any]:
        return self._parameters

    def poll_for_activity_task(self) -> str:
        task = self._hold("activity", self._backend.poll_for_activity_task)
        return json.dumps(task.to_full_dict() if task else _NO_ACTIVITY_TASK)

    def poll_for_decision_task(self) -> str:
        task = self._hold("decision", self._backend.poll_for_decision_task)
        newest_first = self._parameters.get("reverseOrder", False)
        return json.dumps(task.to_full_dict(newest_first) if task else _NO_DECISION_TASK)

    def list_open_workflow_executions(self) -> str:
        return self._list_executions(closed=False)

    def list_closed_workflow_executions(self) -> str:
        return self._list_executions(closed=True)

    def count_open_workflow_executions(self) -> str:
        return json.dumps({"count": len(self._executions(closed=False)), "truncated": False})

    def count_closed_workflow_executions(self) -> str:
        return json.dumps({"count": len(self._executions(closed=True)), "truncated": False})

    def _list_executions(self, *, closed: bool) -> str:
        found, token = page(self._executions(closed=closed), self._parameters)
        answer: dict[str, Any] = {"executionInfos": [each.to_list_dict() for each in found]}
        if token is not None:
            answer["nextPageToken"] = token
        return json.dumps(answer)

    def _executions(self, *, closed: bool) -> list[LocalExecution]:
        executions = self._backend.executions(self._parameters["domain"])
        return select(executions, self._parameters, closed=closed)

    def _hold(self, kind: str, poll: Callable[..., _Task | None]) -> _Task | None:
        domain, task_list = self._parameters["domain"], self._parameters["taskList"]["name"]
        return self._backend.lines.wait(
            (kind, domain, task_list),
            lambda: poll(domain, task_list, identity=self._parameters.get("identity")),
            seconds=self._poll_seconds,
            gone=self._gone,
        )


class LocalService:
    """The actions of one local SWF.

    Args:
        region: the region that ARNs name.
        poll_seconds: how long an empty poll is held.
    """

    def __init__(self, region: str, *, poll_seconds: float) -> None:
        self._backend = LocalBackend(region)
        self._checks = RequestChecks()
        self._poll_seconds = poll_seconds
        self._timekeeper = Timekeeper(self._backend.lock, self._backend.fire)

    def open(self) -> None:
        """Hold polls, and let the clocks run."""
        self._backend.lines.reopen()
        self._timekeeper.start()

    def close(self) -> None:
        """Answer the polls that are held, and stop looking at the clocks."""
        self._backend.lines.release()
        self._timekeeper.stop()

    def release_polls(self) -> None:
        """Answer the polls that are held, with nothing; later ones are held as ever."""
        self._backend.lines.release_once()

    def register_domain(self, name: str) -> None:
        """Register a domain, unless it is there already.

        Raises:
            LocalSWFError: SWF takes no such name.
        """
        parameters = {"name": name, "workflowExecutionRetentionPeriodInDays": "1"}
        try:
            self._checks.check("RegisterDomain", parameters)
            with self._backend.lock:
                self._backend.register_domain(name, "1")
        except RequestFault as refused:
            raise LocalSWFError(f"Cannot register the domain {name!r}: {refused}") from None
        except SWFDomainAlreadyExistsFault:
            pass

    def answer(self, action: str, body: bytes, gone: Callable[[], bool]) -> Answer:
        """Carry out one request.

        Args:
            action: its name, as in ``PollForActivityTask``.
            body: its parameters, JSON text in UTF-8.
            gone: whether the client has hung up.
        """
        try:
            parameters = self._checks.check(action, _loads(body))
            return 200, self._act(action, parameters, gone)
        except RequestFault as refused:
            return 400, fault(refused.fault, str(refused))
        except JsonRESTError as refused:
            return 400, refused.description
        except Exception:
            logger.exception("%s broke the local SWF; it was answered HTTP 500.", action)
            return 500, fault("InternalFailure", f"{action} broke the local SWF; see its log.")

    def _act(self, action: str, parameters: dict[str, Any], gone: Callable[[], bool]) -> str:
        response = LocalResponse(
            self._backend, parameters, poll_seconds=self._poll_seconds, gone=gone
        )
        act = getattr(response, camelcase_to_underscores(action), None)
        if act is None:
            raise RequestFault(
                "UnknownOperationException", f"The local SWF does not know {action} yet."
            )
        with self._backend.lock:
            try:
                answer: str = act()
            finally:
                self._timekeeper.look()
        return answer


def fault(name: str, message: str) -> str:
    """The JSON text of a fault."""
    return json.dumps({"__type": f"com.amazonaws.swf.base.model#{name}", "message": message})


def _loads(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise RequestFault("SerializationException", "The request is not JSON.") from None
