"""One call to SWF: under a deadline, told to observers, with its errors translated.

This module does not know the single actions.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias, TypeVar

from ...concurrency.clock import SYSTEM_CLOCK, Clock
from ...concurrency.retry import Backoff, Deadline
from ...concurrency.stop import StopFlag
from ...context import replaying
from ...exception import RefusedError, SWFError, TransientError
from ...observer import CallEnded, CallStarted, Observers
from ...safe_logging import get_logger
from .deadlines import CallDeadlines
from .error_texts import on_loopback, place
from .errors import THROTTLES, action_of, repeats_values, translated, unreadable
from .genuine import is_genuine

logger = get_logger(__name__)

#: The overall deadline of a call, in seconds, with all attempts that the client makes.
ANSWER_DEADLINE_SECONDS = 30.0

#: How the methods begin that change nothing at SWF.
_READS = ("get_", "list_", "describe_", "count_")

#: A boto3 ``swf`` client, or any object with the methods that are used. Not a protocol, because the
#: types that boto3-stubs gives a client would not match one.
Layer1: TypeAlias = Any

C = TypeVar("C", bound="SWFCaller")


class SWFCaller:
    """Makes calls through clients; thread-safe.

    Args:
        polls: the client for polls.
        answers: the client for everything else.
        heartbeats: the client for heartbeats; None to use *answers*.
        observers: told about each call, except polls.
        clock: measures the calls.
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
        self._patience_seconds = 0.0  # workers do their own waiting

    def observed_by(self: C, observers: Observers) -> C:
        """Return a copy of this client that tells *observers* about its calls."""
        observed = copy.copy(self)
        observed._observers = observers
        return observed

    def waiting_out_throttles(self: C, seconds: float) -> C:
        """Return a copy of this client that repeats each call while SWF throttles it.

        Args:
            seconds: for how long at most, for each call.
        """
        patient = copy.copy(self)
        patient._patience_seconds = seconds
        return patient

    @property
    def place(self) -> str:
        """A sentence with the region and the endpoint, after a space; empty if unknown."""
        return place(self._answers)

    @property
    def is_on_this_machine(self) -> bool:
        """Whether the endpoint is on this machine's loopback; False if it is unknown."""
        return on_loopback(getattr(getattr(self._answers, "meta", None), "endpoint_url", None))

    def cut_call(self, thread: int) -> None:
        """Cut the call that a thread is making, as if its deadline had passed."""
        self._deadlines.expire(thread)

    def is_connecting(self, thread: int | None) -> bool:
        """Return whether the call that a thread is making, if any, waits for a connection."""
        return self._deadlines.is_connecting(thread)

    def _call(
        self,
        client: Layer1,
        method: str,
        deadline_seconds: float = ANSWER_DEADLINE_SECONDS,
        **parameters: Any,
    ) -> Mapping[str, Any]:
        logger.debug("Calling %s.", method)
        if replaying() and not method.startswith(_READS):
            raise RefusedError(
                f"Cannot call {action_of(method)}: a replay makes no calls that change anything at "
                "SWF. Guard the call by flowy.context.replaying().",
                fault="Replaying",
            )
        if not self._observers or method.startswith("poll_"):  # pollers report their polls
            return self._call_patiently(client, method, deadline_seconds, parameters)
        action = action_of(method)
        self._observers.call_started(CallStarted(action))
        began_at, fault = self._clock.now(), None
        try:
            return self._call_patiently(client, method, deadline_seconds, parameters)
        except BaseException as error:
            fault = error.fault if isinstance(error, SWFError) else type(error).__name__
            raise
        finally:
            seconds = self._clock.now() - began_at
            self._observers.call_ended(CallEnded(action, seconds, fault))

    def _listed(
        self,
        method: str,
        key: str,
        deadline_seconds: float = ANSWER_DEADLINE_SECONDS,
        **parameters: Any,
    ) -> Iterator[dict[str, Any]]:
        """Yield the items under *key* in all pages; each page is requested when it is needed."""
        page: str | None = None
        while True:
            more = present(nextPageToken=page)
            answer = self._call(self._answers, method, deadline_seconds, **parameters, **more)
            yield from answer.get(key, ())
            page = answer.get("nextPageToken")
            if not page:
                return

    def _call_patiently(
        self, client: Layer1, method: str, deadline_seconds: float, parameters: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        if not self._patience_seconds:
            return self._call_once(client, method, deadline_seconds, parameters)
        patience = Deadline(self._patience_seconds, clock=self._clock)
        backoff = Backoff(first_seconds=1.0, cap_seconds=10.0)
        while True:
            try:
                return self._call_once(client, method, deadline_seconds, parameters)
            except TransientError as error:
                pause = backoff.next_seconds()
                if error.fault not in THROTTLES or pause > (patience.remaining_seconds() or 0.0):
                    raise
                if backoff.tries == 1:
                    logger.warning(
                        "SWF throttles %s; trying again for up to %.0f s.",
                        action_of(method),
                        self._patience_seconds,
                    )
                StopFlag(self._clock).wait(pause)  # never raised

    def _call_once(
        self, client: Layer1, method: str, deadline_seconds: float, parameters: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        try:
            call = functools.partial(getattr(client, method), **parameters)
            answer = self._deadlines.call(deadline_seconds, call)
        except Exception as error:
            # Not chained if its text repeats the refused values: a traceback would show them.
            ours = translated(error, method, client)
            raise ours from None if repeats_values(error) else error
        if not is_genuine(answer):
            raise unreadable(method)
        return answer or {}


def present(**parameters: str | None) -> dict[str, Any]:
    """Return the parameters that are not None, because boto3 refuses None."""
    return {key: value for key, value in parameters.items() if value is not None}
