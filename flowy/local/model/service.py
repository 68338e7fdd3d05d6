"""Answers requests to a local SWF: validates them, carries them out under its lock, and saves.

moto's SWFResponse turns parameters into calls of the backend. It gets only parameters that passed
``flowy.local.validation``, because with others it would answer HTTP 500, which clients retry.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.utils import camelcase_to_underscores
from moto.swf.exceptions import SWFDomainAlreadyExistsFault

from ...exception import LocalSWFError
from ..clock import Clock
from ..journal import Journal
from ..long_polls import TooManyPollersError
from ..quotas import Quotas
from ..throttle import Throttle
from ..timeout_watcher import TimeoutWatcher
from ..validation import RequestFault, RequestValidator
from ..wire_faults import Answer, fault_text, model_fault
from . import view
from .backend import LocalBackend
from .execution_actions import ExecutionActions
from .registration_actions import RegistrationActions
from .restore import Restorer, records
from .task_actions import TaskActions

logger = logging.getLogger(__name__)

#: The retention period of domains that ``LocalService`` registers, in days: SWF's longest.
_RETENTION_DAYS = "90"

#: A start rewrites a journal that has more than twice the records it needs, and this many more.
_SPARE_RECORDS = 1000


class LocalResponse(TaskActions, ExecutionActions, RegistrationActions):
    """Every action of a local SWF, one method each."""


@dataclass(frozen=True)
class Settings:
    """The settings of one local SWF.

    Attributes:
        region: the region in every ARN.
        poll_seconds: how long an empty poll stays open, in seconds.
        lose_to_gone_pollers: whether a poller that has hung up still gets a task.
        quotas: how much the local SWF keeps at most.
        throttle: the buckets of actions, executions and task lists.
        state: the file for its state; None keeps it in memory.
    """

    region: str
    poll_seconds: float
    lose_to_gone_pollers: bool
    quotas: Quotas
    throttle: Throttle
    state: Path | None


class LocalService:
    """One local SWF, without HTTP.

    Args:
        settings: its settings.
        clock: the clock that timeouts follow.

    Raises:
        LocalSWFError: the state cannot be read from its file, or kept in it.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._validator = RequestValidator()
        self._journal = Journal(settings.state)
        self._backend = LocalBackend(
            settings.region,
            clock=clock,
            quotas=settings.quotas,
            throttle=settings.throttle,
            journal=self._journal,
        )
        self._watcher = TimeoutWatcher(self._backend.lock, self._backend.fire_timeouts, clock)
        try:
            self._restore()
        except BaseException:
            self._journal.close()
            raise
        clock.attach(self)

    def _restore(self) -> None:
        restorer, number = Restorer(self._backend), 0
        for number, record in enumerate(self._journal.read(), 1):  # noqa: B007 - counted
            restorer.put(record)
        if number:
            restorer.resume_clock()
        else:
            self._journal.add("secret", self._backend.shared.tokens.secret.hex())
        for domain in self._backend.own_domains():
            domain.drop_expired()
        needed = sum(1 for _ in records(self._backend))
        if number > 2 * needed + _SPARE_RECORDS:
            self._journal.rewrite(records(self._backend))

    def turn(self, seconds: float) -> None:
        """Move the clock forward, firing each timeout on the way at its own time."""
        with self._backend.lock:
            self._backend.turn_to(self._backend.clock.later(seconds))
            self._watcher.wake()

    def set_clock(self, timestamp: float) -> None:
        """Set the clock; a later time than now is a turn.

        Raises:
            ValueError: it would go back to before something that has happened.
        """
        with self._backend.lock:
            if timestamp >= self._backend.clock.now():
                self._backend.turn_to(timestamp)
            elif self._backend.has_history():
                raise ValueError(
                    "Cannot set the clock back: the local SWF has types or executions, whose time "
                    "stamps would lie in the future. Set the clock before anything is registered, "
                    "or use a new LocalSWF."
                )
            else:
                self._backend.clock.put(timestamp)
                self._settings.throttle.refill()
                self._save_clock()
            self._watcher.wake()

    def clock_changed(self) -> None:
        """Save the clock after it was held or released, and look for the next timeout again."""
        with self._backend.lock:
            self._save_clock()
            self._watcher.wake()

    def _save_clock(self) -> None:
        self._journal.add("clock", self._backend.clock.ahead_seconds)
        self._journal.commit()

    def open(self) -> None:
        """Keep polls open and fire timeouts from now on."""
        self._backend.polls.reopen()
        self._watcher.start()

    def close(self) -> None:
        """Answer the open polls without a task, and stop firing timeouts."""
        self._backend.polls.release()
        self._watcher.stop()

    def release_state(self) -> None:
        """Save the clock and close the journal, so that another process may open it."""
        with self._backend.lock:
            # A held clock falls behind the wall clock, without an event in the journal.
            self._save_clock()
            self._journal.close()

    def release_polls(self) -> None:
        """Answer the open polls without a task; later ones wait again."""
        self._backend.polls.release_once()

    def register_domain(self, name: str) -> None:
        """Register a domain if it is not registered already.

        Raises:
            LocalSWFError: SWF refuses the name.
        """
        parameters = {"name": name, "workflowExecutionRetentionPeriodInDays": _RETENTION_DAYS}
        try:
            self._validator.check("RegisterDomain", parameters)
            with self._backend.lock:
                self._backend.register_domain(name, _RETENTION_DAYS)
                self._journal.commit()
        except RequestFault as refused:
            raise LocalSWFError(f"Cannot register the domain {name!r}: {refused}") from None
        except SWFDomainAlreadyExistsFault:
            pass

    def answer(self, action: str, body: bytes, gone: Callable[[], bool]) -> Answer:
        """Carry out one request.

        Args:
            action: the name of the action, such as ``PollForActivityTask``.
            body: its parameters, as JSON text in UTF-8.
            gone: returns whether the client has hung up.
        """
        try:
            parameters = self._validator.check(action, _loads(body))
            return 200, self._act(action, parameters, gone)
        except RequestFault as refused:
            return 400, fault_text(model_fault(refused.fault), str(refused))
        except TooManyPollersError as refused:
            return 400, fault_text(model_fault("LimitExceededFault"), str(refused))
        except JsonRESTError as refused:
            return 400, refused.description
        except Exception:
            logger.exception("The local SWF failed in %s and answered HTTP 500.", action)
            text = f"The local SWF failed in {action}. Its log has the traceback."
            return 500, fault_text(model_fault("InternalFailure"), text)

    def page_data(self, what: str, parameters: dict[str, str]) -> Any | None:
        """Return data for the page (``flowy.local.model.view``); None if it does not exist."""
        try:
            with self._backend.lock:
                self._backend.fire_timeouts()
                return view.page_data(self._backend, what, parameters)
        except JsonRESTError:
            return None

    def _act(self, action: str, parameters: dict[str, Any], gone: Callable[[], bool]) -> str:
        response = LocalResponse(
            self._backend,
            parameters,
            poll_seconds=self._settings.poll_seconds,
            gone=_never if self._settings.lose_to_gone_pollers else gone,
        )
        act = getattr(response, camelcase_to_underscores(action), None)
        if act is None:
            raise RequestFault(
                "UnknownOperationException", f"The local SWF cannot carry out {action}."
            )
        with self._backend.lock:
            try:
                answer: str = act()
            finally:
                # Before the answer is sent, because what a client was told must survive a kill.
                self._journal.commit()
                self._watcher.expect(self._backend.timeouts.next_time())
        return answer


def _never() -> bool:
    return False


def _loads(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise RequestFault("SerializationException", "The request is not JSON.") from None
