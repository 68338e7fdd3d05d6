"""What one poller does just now, by which a hung worker can be told from an idle one.

SWF holds a poll for a minute, so an idle worker does nothing for long, and so does one whose poller
has died. Only the poller itself can tell the difference: it writes down what it does, in a few
attributes, whoever may read them.
"""

from __future__ import annotations

import enum
import threading

from ...concurrency.clock import SYSTEM_CLOCK, Clock
from ..client.actions import POLL_DEADLINE_SECONDS

#: How long a poller may do anything but run a task or wait for a slot, in seconds: a poll is cut
#: then.
STUCK_SECONDS = POLL_DEADLINE_SECONDS

#: A poll that SWF has held for this long, in seconds, was not refused.
HELD_SECONDS = 2.0


class PollerState(enum.Enum):
    """What a poller does."""

    PREPARING = "is between two polls"
    AWAITING_SLOT = "waits for a slot"
    POLLING = "polls"
    BACKING_OFF = "waits to poll again"
    RUNNING = "runs a task"
    PARKED = "has failed, and waits to start again"
    ENDED = "has ended"


#: What may take as long as it likes: full slots are no trouble.
_UNLIMITED = (PollerState.AWAITING_SLOT, PollerState.RUNNING, PollerState.ENDED)


class PollerRecord:
    """What one poller does; made and written in its own thread, readable from any other."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._thread = threading.current_thread()
        #: Whether SWF carried out the last poll that is back.
        self._answered = False
        self._now = (PollerState.PREPARING, clock.now())

    def does(self, state: PollerState) -> None:
        """Note what the poller begins to do."""
        self._now = (state, self._clock.now())

    def poll_answered(self) -> None:
        """Note that SWF has answered a poll."""
        self._answered = True
        self.does(PollerState.PREPARING)

    def poll_failed(self) -> None:
        """Note that a poll failed, and that the poller waits before it polls again."""
        self._answered = False
        self.does(PollerState.BACKING_OFF)

    @property
    def state(self) -> PollerState:
        """What the poller does."""
        return self._now[0]

    @property
    def seconds(self) -> float:
        """For how long it has done so."""
        return self._clock.now() - self._now[1]

    @property
    def is_dead(self) -> bool:
        """Whether its thread has ended before its work had."""
        return self.state is not PollerState.ENDED and not self._thread.is_alive()

    @property
    def trouble(self) -> str | None:
        """Why the poller polls no more, such as ``"is dead"``; None if it is well."""
        state, since = self._now
        seconds = self._clock.now() - since
        if self.is_dead:
            return "is dead"
        if state is PollerState.PARKED or (state not in _UNLIMITED and seconds >= STUCK_SECONDS):
            return f"{state.value}, for {seconds:.0f} s"
        return None

    @property
    def is_served(self) -> bool:
        """Whether SWF has answered its last poll, or has held the one that is out for a moment."""
        state, since = self._now
        held = state is PollerState.POLLING and self._clock.now() - since >= HELD_SECONDS
        return self._answered or held
