"""One request to the local SWF: checked, carried out under its lock, and answered.

moto's SWFResponse turns parameters into calls of the backend.  It gets only parameters
that ``flowy.local.checks`` let through: on rubbish it would break with HTTP 500, which
clients repeat.
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

from flowy.exception import LocalSWFError
from flowy.local.checks import RequestChecks, RequestFault
from flowy.local.clock import Clock
from flowy.local.journal import Journal
from flowy.local.lines import LineFullError
from flowy.local.model import view
from flowy.local.model.backend import LocalBackend
from flowy.local.model.response import LocalResponse
from flowy.local.model.restore import Restorer, records
from flowy.local.quotas import Quotas
from flowy.local.throttle import Throttle
from flowy.local.timekeeper import Timekeeper

logger = logging.getLogger(__name__)

#: What an answer is: the HTTP status, and JSON text, which may be empty.
Answer = tuple[int, str]

#: How long the domains of :meth:`LocalService.register_domain` keep what has closed, in
#: days: as long as SWF does at most.
_RETENTION_DAYS = "90"

#: A journal is rewritten at a start where it has this many records more than twice what
#: it needs.
_SPARE_RECORDS = 1000


@dataclass(frozen=True)
class Settings:
    """How one local SWF is to behave.

    Attributes:
        region: the region that ARNs name.
        poll_seconds: how long an empty poll is held.
        lose_to_gone_pollers: whether a poller that has hung up still gets a task.
        quotas: how much it takes.
        state: the file that keeps its state; None keeps it in memory.
    """

    region: str
    poll_seconds: float
    lose_to_gone_pollers: bool
    quotas: Quotas
    throttle: Throttle
    state: Path | None


class LocalService:
    """The actions of one local SWF.

    Args:
        settings: how it is to behave.
        clock: what its timeouts go by.

    Raises:
        LocalSWFError: its state can't be kept, or read, where it should be.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._checks = RequestChecks()
        self._journal = Journal(settings.state)
        self._backend = LocalBackend(
            settings.region,
            clock=clock,
            quotas=settings.quotas,
            throttle=settings.throttle,
            journal=self._journal,
        )
        self._timekeeper = Timekeeper(self._backend.lock, self._backend.fire, clock)
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
        restorer.resume_clock()
        if not number:
            self._journal.note("secret", self._backend.shared.tokens.secret.hex())
        for domain in self._backend.own_domains():
            domain.forget()
        needed = sum(1 for _ in records(self._backend))
        if number > 2 * needed + _SPARE_RECORDS:
            self._journal.rewrite(records(self._backend))

    # -- for the clock --

    def turn(self, seconds: float) -> None:
        """Go through all that is due in that time."""
        with self._backend.lock:
            self._backend.turn_to(self._backend.clock.now() + seconds)
            self._timekeeper.look()

    def look(self) -> None:
        """The clock was held, or runs again, behind where it would be."""
        with self._backend.lock:
            self._note_clock()
            self._timekeeper.look()

    def _note_clock(self) -> None:
        self._journal.note("clock", self._backend.clock.ahead_seconds)
        self._journal.commit()

    # -- for the server --

    def open(self) -> None:
        """Hold polls, and let the clocks run."""
        self._backend.lines.reopen()
        self._timekeeper.start()

    def close(self) -> None:
        """Answer the polls that are held, and stop looking at the clocks."""
        self._backend.lines.release()
        self._timekeeper.stop()

    def let_go(self) -> None:
        """Write what is to be written, and let another process have the state."""
        with self._backend.lock:
            # A clock that is held has fallen behind since it was noted.
            self._note_clock()
            self._journal.close()

    def release_polls(self) -> None:
        """Answer the polls that are held, with nothing; later ones are held as ever."""
        self._backend.lines.release_once()

    def register_domain(self, name: str) -> None:
        """Register a domain, unless it is there already.

        Raises:
            LocalSWFError: SWF takes no such name.
        """
        parameters = {"name": name, "workflowExecutionRetentionPeriodInDays": _RETENTION_DAYS}
        try:
            self._checks.check("RegisterDomain", parameters)
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
            action: its name, as in ``PollForActivityTask``.
            body: its parameters, JSON text in UTF-8.
            gone: whether the client has hung up.
        """
        try:
            parameters = self._checks.check(action, _loads(body))
            return 200, self._act(action, parameters, gone)
        except RequestFault as refused:
            return 400, fault(refused.fault, str(refused))
        except LineFullError as refused:
            return 400, fault("LimitExceededFault", str(refused))
        except JsonRESTError as refused:
            return 400, refused.description
        except Exception:
            logger.exception("%s broke the local SWF; it was answered HTTP 500.", action)
            return 500, fault("InternalFailure", f"{action} broke the local SWF; see its log.")

    def look_at(self, what: str, parameters: dict[str, str]) -> Any | None:
        """What the page asks for; None where there is no such thing."""
        domain, page = parameters.get("domain", ""), parameters.get("page", "0")
        after = parameters.get("after", "0")
        if not all(each.isascii() and each.isdigit() and len(each) < 10 for each in (page, after)):
            return None
        try:
            with self._backend.lock:
                self._backend.fire()
                if what == "overview":
                    return view.overview(self._backend, domain)
                if what == "executions":
                    return view.executions(
                        self._backend,
                        domain,
                        status=parameters.get("status", ""),
                        find=parameters.get("find", ""),
                        page=int(page),
                    )
                if what == "history":
                    run_id = parameters.get("run", "")
                    return view.history(self._backend, domain, run_id, int(after))
        except JsonRESTError:
            pass
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
                "UnknownOperationException", f"The local SWF does not know {action} yet."
            )
        with self._backend.lock:
            try:
                answer: str = act()
            finally:
                # Before anybody is told: what was answered survives a kill.
                self._journal.commit()
                self._timekeeper.expect(self._backend.alarms.next())
        return answer


def fault(name: str, message: str) -> str:
    """The JSON text of a fault."""
    return json.dumps({"__type": f"com.amazonaws.swf.base.model#{name}", "message": message})


def _never() -> bool:
    return False


def _loads(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise RequestFault("SerializationException", "The request is not JSON.") from None
