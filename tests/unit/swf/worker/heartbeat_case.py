"""The heartbeats of one task, by a clock that only waiting moves."""

from __future__ import annotations

from collections.abc import Callable

from flowy.concurrency.stop import StopLevel
from flowy.exception import (
    CredentialsError,
    RefusedError,
    SWFError,
    TransientError,
    UnknownResourceError,
)
from flowy.invocation import StatusRecord, TaskStatus
from flowy.swf.worker.heartbeats import Heartbeats
from tests.suspended import an_info
from tests.unit.clocks import SelfTurningClock

#: The task that is answered for.
TASK = an_info(name="echo")

UNREACHABLE = TransientError("no answer", fault="ReadTimeoutError")
CLOSED = UnknownResourceError("closed", fault="UnknownResourceFault")
REFUSED = RefusedError("refused", fault="ValidationException")
NO_PERMISSION = CredentialsError("refused", fault="AccessDeniedException")


class Wire:
    """What sends a heartbeat: each takes the next outcome; the last one is repeated.

    Attributes:
        sent: the details of each heartbeat.
        on_send: called within each, before its outcome.
    """

    def __init__(self, *outcomes: bool | SWFError) -> None:
        self.sent: list[str | None] = []
        self.on_send: Callable[[], object] = lambda: None
        self.says(*(outcomes or (False,)))

    def says(self, *outcomes: bool | SWFError) -> None:
        """Set what the next heartbeats come to."""
        self._outcomes = list(outcomes)

    def __call__(self, details: str | None) -> bool:
        self.sent.append(details)
        self.on_send()
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if isinstance(outcome, SWFError):
            raise outcome
        return outcome


class Case:
    """The heartbeats of one task, by a clock that only waiting moves."""

    def __init__(
        self,
        send: Callable[[str | None], bool],
        *,
        timeout: float | None = None,
        lost_after: float | None = 60.0,
        clock: SelfTurningClock | None = None,
    ) -> None:
        self.clock = clock = clock or SelfTurningClock()
        self.status = StatusRecord()
        self.tries: list[str | None] = []
        self.heartbeats = Heartbeats(
            TASK,
            send,
            self.status,
            timeout_seconds=timeout,
            lost_after_seconds=lost_after,
            pause=lambda seconds: clock.flag.wait(seconds, StopLevel.CANCEL),
            ended=self.tries.append,
            clock=clock,
        )

    def beat(self, details: str | None = None) -> TaskStatus:
        """Send a heartbeat for the author, and return what is known then."""
        self.heartbeats.beat(details)
        return self.status.current

    def send(self) -> TaskStatus:
        """Send a heartbeat however fast they come, and return what is known then."""
        self.heartbeats.send()
        return self.status.current
