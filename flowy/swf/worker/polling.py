"""The poll for activity tasks, with back-off when a poll fails.

SWF keeps a poll open for up to 60 s and answers with a task or with nothing. Throttling, server
errors and broken connections must not end a worker. But if the very first polls are refused, the
worker's settings are wrong, and it reports that at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal

from ...concurrency.clock import SYSTEM_CLOCK, Clock
from ...concurrency.interruption import Interruption
from ...concurrency.retry import Backoff
from ...concurrency.stop import StopFlag, StopLevel
from ...exception import SWFError, TransientError, UnknownResourceError
from ...observer import Observers, PollEnded, PollStarted
from ..client import SWFClient
from ..client.errors import is_about_setup
from ..values import ActivityTask
from .open_poll import OpenPoll
from .poll_outage import PollOutage
from .poller_record import PollerRecord, PollerState

#: The first and the longest pause after a poll that failed, in seconds.
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0

#: The same after a poll that was refused although polls had worked before, in seconds.
REFUSED_PAUSE_SECONDS = 5.0
LONGEST_REFUSED_PAUSE_SECONDS = 60.0

#: The fault of a poll that is cut by the last level of a stop.
NOT_WAITED_FOR = "not waited for"

#: SWF keeps an empty poll open for 60 s. After one that comes back sooner than this, in seconds,
#: the next poll waits, so that an emulator, or SWF in trouble, is not flooded.
EMPTY_POLL_SECONDS = 1.0


class Poller:
    """Polls one task list until a stop is requested.

    Args:
        client: makes the polls.
        domain, task_list: the task list to poll.
        identity: the poller's name, which SWF keeps in the history.
        stop: ends the waiting between polls; an open poll is not cut.
        answered: set after the first successful poll; several pollers share it.
        lost: called with the fault of a poll that may have cost a task, because SWF may have sent
            one that did not arrive.
        outage: logs failed polls for several pollers; None makes one for this poller alone.
        observers: told about each poll.
        record: told what the poller does.
        open_poll: counts the poll while SWF may answer it. It stays open if it brings a task.
        interruption: lets a signal interrupt a poll; None if none may.
    """

    def __init__(
        self,
        client: SWFClient,
        *,
        domain: str,
        task_list: str,
        identity: str,
        stop: StopFlag,
        answered: threading.Event,
        lost: Callable[[str], None],
        outage: PollOutage | None = None,
        observers: Observers | None = None,
        record: PollerRecord | None = None,
        open_poll: OpenPoll | None = None,
        interruption: Interruption | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._client = client
        self._domain = domain
        self._task_list = task_list
        self._identity = identity
        self._stop = stop
        self._ever_answered = answered
        self._lost = lost
        self._outage = outage or PollOutage(task_list, client.place, clock=clock)
        self._observers = observers or Observers()
        self._record = record or PollerRecord(clock)
        self._open_poll = open_poll
        self._interruption = interruption or Interruption(possible=False)
        self._clock = clock
        self._trouble = Backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        self._refusal = Backoff(REFUSED_PAUSE_SECONDS, LONGEST_REFUSED_PAUSE_SECONDS)
        self._emptiness = Backoff(0.05, EMPTY_POLL_SECONDS)

    def poll(self) -> ActivityTask | None:
        """Poll until there is an answer, through transient errors.

        Returns:
            The task; None for an empty poll, or if a stop was requested before an answer came.

        Raises:
            SWFError: the first polls were refused.
        """
        while not self._stop.is_set():
            began_at = self._clock.now()
            if self._observers:
                self._observers.poll_started(PollStarted(self._task_list))
            self._record.does(PollerState.POLLING)
            if self._open_poll is not None:
                self._open_poll.begin()
            try:
                task = self._interruption.call(self._poll_once)
            except BaseException as error:
                self._record.poll_failed()
                self._tell(began_at, error)
                if not isinstance(error, SWFError):
                    raise  # interrupted, or out of memory
                self._back_off(error)
                continue
            self._record.poll_answered()
            self._tell(began_at, None, task)
            self._answered(began_at)
            if task is None:
                self._end_poll()
                self._rest_after_empty(self._clock.now() - began_at)
            else:
                self._emptiness.reset()
            return task
        return None

    def _poll_once(self) -> ActivityTask | None:
        return self._client.poll_for_activity_task(self._domain, self._task_list, self._identity)

    def _tell(
        self, began_at: float, error: BaseException | None, task: ActivityTask | None = None
    ) -> None:
        if not self._observers:
            return
        fault = None
        result: Literal["task", "empty", "error", "lost"] = "task" if task else "empty"
        if isinstance(error, SWFError):
            lost = isinstance(error, TransientError) and error.may_have_arrived
            result, fault = "lost" if lost else "error", error.fault
        elif error is not None:
            result, fault = "lost", type(error).__name__
        seconds = self._clock.now() - began_at
        which = (task.run_id, task.started_event_id) if task else (None, None)
        self._observers.poll_ended(PollEnded(self._task_list, result, seconds, fault, *which))

    def _answered(self, began_at: float) -> None:
        self._outage.answered(began_at)
        self._ever_answered.set()
        self._trouble.reset()
        self._refusal.reset()

    def _back_off(self, error: SWFError) -> None:
        if isinstance(error, TransientError):
            if error.may_have_arrived:
                cut = self._stop.is_set(StopLevel.KILL)
                self._lost(NOT_WAITED_FOR if cut else error.fault)
            self._end_poll()
            pause = self._trouble.next_seconds()
        elif self._ever_answered.is_set():
            self._end_poll()
            pause = self._refusal.next_seconds()
        else:
            raise self._set_up_wrongly(error) from error
        self._outage.failed(error, pause)
        self._stop.wait(pause)

    def _end_poll(self) -> None:
        """Count the poll as ended, once it is known whether it may have cost a task."""
        if self._open_poll is not None:
            self._open_poll.end()

    def _set_up_wrongly(self, error: SWFError) -> SWFError:
        way_out = "Check the credentials, the region and the permission swf:PollForActivityTask."
        if isinstance(error, UnknownResourceError):
            way_out = (
                f"Check the name of the domain and the region, or register the domain: "
                f"aws swf register-domain --name {self._domain} "
                "--workflow-execution-retention-period-in-days 7"
            )
        elif is_about_setup(error):
            way_out = ""  # the error says what to correct
        text, place = f"{str(error).rstrip('.')}.", self._client.place
        if place.strip() not in text:
            text += place
        return type(error)(
            f"Cannot poll task list {self._task_list!r} of domain {self._domain!r}: "
            f"{text} {way_out}".rstrip(),
            fault=error.fault,
        )

    def _rest_after_empty(self, took_seconds: float) -> None:
        if took_seconds < EMPTY_POLL_SECONDS / 2:
            self._stop.wait(self._emptiness.next_seconds())
        else:
            self._emptiness.reset()
