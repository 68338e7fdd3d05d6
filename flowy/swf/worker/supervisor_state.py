"""The current state of a supervisor and its worker processes.

Each process reports its health every few seconds, so the supervisor notices a hung one by its
silence.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from ..._version import __version__
from ...concurrency.children import Child
from ...concurrency.clock import Clock
from ...concurrency.processes import Processes
from ...concurrency.retry import Deadline
from ...concurrency.stop import StopFlag
from ...health import HealthOptions
from ...health.vitals import Vitals
from . import messages
from .messages import Account

#: How long a supervisor waits for the answers of its processes, in seconds.
ANSWER_SECONDS = 1.0


class SupervisorState:
    """The current state of one supervisor's processes; any thread may read it.

    Args:
        processes: the processes.
        accounts: the reports of each process.
        stop: tells whether a stop was requested.
        answered: notified when a process has sent its status.
        clock: measures their silence.
    """

    def __init__(
        self,
        processes: Processes,
        accounts: Mapping[Child, Account],
        stop: StopFlag,
        answered: threading.Condition,
        clock: Clock,
    ) -> None:
        self._processes = processes
        self._accounts = accounts
        self._stop = stop
        self._answered = answered
        self._clock = clock

    def look(self) -> None:
        """Do nothing: each process watches its own event loop."""

    def vitals(self, options: HealthOptions) -> Vitals:
        """Return the health of the processes; while one is being replaced, they stay live."""
        stopping = self._stop.is_set()
        children = self._processes.children
        not_live = [text for child in children for text in self._not_live(child, options)]
        not_ready = [text for child in children for text in self._not_ready(child, options)]
        missing = self._processes.count - len(children)
        if stopping:
            not_live, not_ready = [], ["it stops"]
        elif missing > 0:
            not_ready.append(f"{missing} of {self._processes.count} processes not running")
        return Vitals(
            tuple(not_live),
            tuple(not_ready),
            stopping,
            f"{'stopping' if stopping else 'serving'}, {len(children)} of "
            f"{self._processes.count} processes",
        )

    def status(self, *, ask: bool = True) -> dict[str, Any]:
        """Return the status of the processes, as JSON.

        Args:
            ask: whether to ask them, which takes up to a second if one hangs.
        """
        if ask:
            self._ask()
        return {
            "version": __version__,
            "pid": os.getpid(),
            "phase": "stopping" if self._stop.is_set() else "serving",
            "processes": [
                {
                    "slot": child.slot,
                    "pid": child.process.pid,
                    "silent_seconds": round(self._silent_seconds(child), 1),
                    "status": self._account(child).status if ask else None,
                }
                for child in sorted(self._processes.children, key=lambda child: child.slot)
            ],
        }

    def _account(self, child: Child) -> Account:
        return self._accounts.get(child) or Account()

    def _silent_seconds(self, child: Child) -> float:
        """Return how long a process has been silent or starting, in seconds."""
        return self._clock.now() - max(self._account(child).heard_at, child.started_at)

    def _not_live(self, child: Child, options: HealthOptions) -> Iterator[str]:
        yield from self._silence(child, options)
        yield from self._said(child, "not_live")

    def _silence(self, child: Child, options: HealthOptions) -> Iterator[str]:
        seconds = self._silent_seconds(child)
        if 0 < options.max_silence <= seconds:
            yield f"process {child.process.pid} has said nothing for {seconds:.0f} s"

    def _not_ready(self, child: Child, options: HealthOptions) -> Iterator[str]:
        yield from self._silence(child, options)
        if self._account(child).vitals is None:
            yield f"process {child.process.pid} is starting"
        yield from self._said(child, "not_ready")

    def _said(self, child: Child, what: str) -> Iterator[str]:
        for text in (self._account(child).vitals or {}).get(what, ()):
            yield f"process {child.process.pid}: {text}"

    def _ask(self) -> None:
        """Ask each process for its status, and wait for the answers.

        A process that has not answered the last request is not asked again: unread requests
        would fill its pipe, and then a stop could not be passed on to it.
        """
        accounts = [self._asked(child) for child in self._processes.children]
        deadline = Deadline(ANSWER_SECONDS, clock=self._clock)
        with self._answered:
            while any(account.asked for account in accounts) and not deadline.passed:
                self._clock.wait(self._answered, deadline.remaining_seconds())

    def _asked(self, child: Child) -> Account:
        account = self._account(child)
        if account.vitals is not None and not account.asked:
            account.status, account.asked = None, True
            child.tell(messages.ASK_STATUS)
        return account
