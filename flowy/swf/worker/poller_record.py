"""Records what one poller does, to tell a hung worker from an idle one.

SWF answers a poll after up to a minute if no task comes, so an idle worker is as quiet as one whose
poller has died. Only the poller itself knows the difference, so it records what it does in a few
attributes that any thread may read.
"""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable

from ...concurrency.clock import SYSTEM_CLOCK, Clock
from ..client.actions import POLL_DEADLINE_SECONDS

#: The limit on each state of a poller, in seconds, except running a task and waiting for a slot: a
#: poll is cut off by then.
STUCK_SECONDS = POLL_DEADLINE_SECONDS

#: SWF would have refused a poll within this time, in seconds.
HELD_SECONDS = 2.0


class PollerState(enum.Enum):
    """The current work of a poller."""

    PREPARING = "is between two polls"
    AWAITING_SLOT = "waits for a slot"
    POLLING = "polls"
    BACKING_OFF = "waits to poll again"
    RUNNING = "runs a task"
    PARKED = "has failed, and waits to start again"
    ENDED = "has ended"


#: States without a limit: full slots are not a problem.
_UNLIMITED = (PollerState.AWAITING_SLOT, PollerState.RUNNING, PollerState.ENDED)


class PollerRecord:
    """Records what one poller does; made and written on its own thread, readable on any other.

    Args:
        is_connecting: tells whether the call of a thread still waits for a connection.
    """

    def __init__(
        self,
        clock: Clock = SYSTEM_CLOCK,
        *,
        is_connecting: Callable[[int | None], bool] = lambda thread: False,
    ) -> None:
        self._clock = clock
        self._is_connecting = is_connecting
        self._thread = threading.current_thread()
        #: Whether SWF answered the last poll that has ended.
        self._answered = False
        self._now = (PollerState.PREPARING, clock.now())

    def does(self, state: PollerState) -> None:
        """Note that the poller enters a state."""
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
        """The current state."""
        return self._now[0]

    @property
    def seconds(self) -> float:
        """How long the poller has been in this state."""
        return self._clock.now() - self._now[1]

    @property
    def is_dead(self) -> bool:
        """Whether its thread ended before its work was done."""
        return self.state is not PollerState.ENDED and not self._thread.is_alive()

    @property
    def trouble(self) -> str | None:
        """Why the poller no longer polls, such as ``"is dead"``; None if it is well."""
        state, since = self._now
        seconds = self._clock.now() - since
        if self.is_dead:
            return "is dead"
        if state is PollerState.PARKED or (state not in _UNLIMITED and seconds >= STUCK_SECONDS):
            return f"{state.value}, for {seconds:.0f} s"
        return None

    @property
    def is_served(self) -> bool:
        """Whether SWF answered its last poll, or keeps the current one open."""
        state, since = self._now
        held = state is PollerState.POLLING and self._clock.now() - since >= HELD_SECONDS
        # A network that drops packets holds a poll, too, until the connection is given up.
        return self._answered or (held and not self._is_connecting(self._thread.ident))
