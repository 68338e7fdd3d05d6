"""Making one call to SWF: under a deadline, told to observers, its errors translated.

Nothing here knows which actions there are.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping
from typing import Any, TypeAlias, TypeVar

from ...concurrency.clock import SYSTEM_CLOCK, Clock
from ...exception import SWFError
from ...observer import CallEnded, Observers
from ...safe_logging import get_logger
from .deadlines import CallDeadlines
from .error_texts import place
from .errors import action_of, repeats_values, translated, unreadable
from .genuine import is_genuine

logger = get_logger(__name__)

#: Overall deadline of a call, in seconds, with all attempts that the client makes.
ANSWER_DEADLINE_SECONDS = 30.0

#: A boto3 ``swf`` client, or any object with those of its methods that are used. No protocol:
#: the types that boto3-stubs gives a client would not fit one.
Layer1: TypeAlias = Any

C = TypeVar("C", bound="SWFCaller")


class SWFCaller:
    """Makes calls through clients; any thread may use it.

    Args:
        polls: the client for polls.
        answers: the client for everything else.
        heartbeats: the client for heartbeats; None for that of the answers.
        observers: are told of each call that has ended, except polls.
        clock: by which calls are timed.
    """

    def __init__(
        self,
        polls: Layer1,
        answers: Layer1,
        heartbeats: Layer1 | None = None,
        *,
        observers: Observers | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._polls = polls
        self._answers = answers
        self._heartbeats = answers if heartbeats is None else heartbeats
        self._observers = observers or Observers()
        self._clock = clock
        self._deadlines = CallDeadlines(clock)

    def observed_by(self: C, observers: Observers) -> C:
        """Return a client that makes the same calls and tells *observers* of them instead."""
        observed = copy.copy(self)
        observed._observers = observers
        return observed

    @property
    def place(self) -> str:
        """A sentence with the region and the endpoint, after a space; empty if not known."""
        return place(self._answers)

    def cut_call(self, thread: int) -> None:
        """Cut the call that a thread makes just now, as if its deadline had passed."""
        self._deadlines.expire(thread)

    def _call(
        self,
        client: Layer1,
        method: str,
        deadline_seconds: float = ANSWER_DEADLINE_SECONDS,
        **parameters: Any,
    ) -> Mapping[str, Any]:
        logger.debug("Calling %s.", method)
        if not self._observers or method.startswith("poll_"):  # polls are told by their poller
            return self._call_once(client, method, deadline_seconds, parameters)
        began_at, fault = self._clock.now(), None
        try:
            return self._call_once(client, method, deadline_seconds, parameters)
        except BaseException as error:
            fault = error.fault if isinstance(error, SWFError) else type(error).__name__
            raise
        finally:
            seconds = self._clock.now() - began_at
            self._observers.call_ended(CallEnded(action_of(method), seconds, fault))

    def _call_once(
        self, client: Layer1, method: str, deadline_seconds: float, parameters: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        try:
            call = functools.partial(getattr(client, method), **parameters)
            answer = self._deadlines.call(deadline_seconds, call)
        except Exception as error:
            # A text that repeats the refused values must not be shown by a traceback either.
            ours = translated(error, method, client)
            raise ours from None if repeats_values(error) else error
        if not is_genuine(answer):
            raise unreadable(method)
        return answer or {}
