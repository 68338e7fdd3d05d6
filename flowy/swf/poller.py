"""The poll for activity tasks: wait, back off, and tell what heals from what does not.

SWF holds a poll for up to 60 s and answers with a task or with nothing. Between two answers lie
throttles, server errors and broken connections, none of which may end a worker; but a worker
that has never had a good poll and is refused for good is set up wrongly, and says so at once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from ..exception import LimitExceededError, OutOfReachError, SWFError, UnknownResourceError
from ..retry import Backoff
from ..shutdown import StopFlag
from .client import SWFClient
from .values import ActivityTask

logger = logging.getLogger(__name__)

#: First pause after a poll that failed, and the longest one, in seconds.
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0

#: Pauses after a poll that was refused for good once polls had worked, in seconds.
REFUSED_PAUSE_SECONDS = 5.0
LONGEST_REFUSED_PAUSE_SECONDS = 60.0

#: SWF holds an empty poll for 60 s. One that comes back sooner than this is not SWF's, and the
#: next waits, in seconds.
EMPTY_POLL_SECONDS = 1.0


class ActivityPoller:
    """Polls one task list until a stop is asked for.

    Args:
        client: what it polls with.
        domain, task_list: what it polls.
        identity: what SWF is told of the poller, and keeps in the history.
        stop: ends the waiting between polls; a poll that is out is never cut.
    """

    def __init__(
        self,
        client: SWFClient,
        *,
        domain: str,
        task_list: str,
        identity: str,
        stop: StopFlag,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._domain = domain
        self._task_list = task_list
        self._identity = identity
        self._stop = stop
        self._clock = clock
        self._ever_answered = False
        self._trouble = Backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        self._refusal = Backoff(REFUSED_PAUSE_SECONDS, LONGEST_REFUSED_PAUSE_SECONDS)
        self._emptiness = Backoff(0.05, EMPTY_POLL_SECONDS)

    def poll(self) -> tuple[bool, ActivityTask | None]:
        """Poll until there is an answer, through whatever can heal.

        Returns:
            ``(True, task)``, ``(True, None)`` for an empty poll, or ``(False, None)`` when a
            stop was asked for before an answer came.

        Raises:
            SWFError: the first polls were refused for good.
        """
        while not self._stop.is_set():
            started = self._clock()
            try:
                task = self._client.poll_for_activity_task(
                    self._domain, self._task_list, self._identity
                )
            except SWFError as error:
                self._back_off(error)
                continue
            self._answered()
            if task is None:
                self._rest_after_empty(self._clock() - started)
            else:
                self._emptiness.reset()
            return True, task
        return False, None

    def _answered(self) -> None:
        if self._trouble.tries or self._refusal.tries:
            logger.info("Polling %s works again.", self._task_list)
        self._ever_answered = True
        self._trouble.reset()
        self._refusal.reset()

    def _back_off(self, error: SWFError) -> None:
        if isinstance(error, OutOfReachError):
            pause = self._trouble.next_seconds()
            advice = (
                " More than 1,000 polls wait on the task list: run fewer workers."
                if isinstance(error, LimitExceededError)
                else ""
            )
            logger.warning(
                "Poll failed (%s); polling again in %.1f s.%s", error.fault, pause, advice
            )
        elif self._ever_answered:
            pause = self._refusal.next_seconds()
            logger.error("%s Polling again in %.1f s.", error, pause)
        else:
            raise self._hopeless(error) from error
        self._stop.wait(pause)

    def _hopeless(self, error: SWFError) -> SWFError:
        way_out = "Check the credentials, the region and the permission swf:PollForActivityTask."
        if isinstance(error, UnknownResourceError):
            way_out = (
                f"Check the name of the domain and the region, or register the domain: "
                f"aws swf register-domain --name {self._domain} "
                "--workflow-execution-retention-period-in-days 7"
            )
        return type(error)(
            f"Cannot poll task list {self._task_list!r} of domain {self._domain!r}: "
            f"{error} {way_out}",
            fault=error.fault,
        )

    def _rest_after_empty(self, took_seconds: float) -> None:
        if took_seconds < EMPTY_POLL_SECONDS / 2:
            self._stop.wait(self._emptiness.next_seconds())
        else:
            self._emptiness.reset()
