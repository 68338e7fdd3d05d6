"""An overall deadline for each call to SWF, with any client.

A client's read timeout counts from byte to byte, so an answer that arrives one byte every three
seconds never times out. Clients have no overall limit. So one thread watches all calls, and shuts
down the socket that a call past its deadline reads from. To the client, that is a broken
connection.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import TypeVar, cast

from ...concurrency.clock import SYSTEM_CLOCK, Clock
from ...safe_logging import get_logger
from .lean.connection import Connection

logger = get_logger(__name__)

T = TypeVar("T")

#: How often calls past their deadlines are cut, in seconds: a client may repeat a cut call on a new
#: connection.
CUT_INTERVAL_SECONDS = 0.5

#: The shortest deadline, in seconds. The thread sleeps as long, so new calls need not wake it.
SHORTEST_DEADLINE_SECONDS = 5.0

#: What runs while a call has no connection yet, here, in the standard library and in urllib3.
_CONNECTING = frozenset({"create_connection", "do_handshake", "_tunnel"})


class CallDeadlines:
    """Watches calls, from a thread that runs only while there are calls."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._ends_at: dict[int, float] = {}  # by the thread that makes the call
        self._changed = threading.Condition()
        self._watching = False

    def call(self, seconds: float, function: Callable[[], T]) -> T:
        """Call *function* in this thread, and break its connection after *seconds*.

        Args:
            seconds: at least 5.
            function: makes a call over a socket, and raises when its connection breaks.
        """
        thread = threading.get_ident()
        self._ends_at[thread] = self._clock.now() + seconds
        if not self._watching:
            self._start()
        try:
            return function()
        finally:
            self._ends_at.pop(thread, None)

    def expire(self, thread: int) -> None:
        """Cut the call that *thread* is making, if any, and the client's repeats of it."""
        if thread in self._ends_at:
            self._ends_at[thread] = self._clock.now()
            with self._changed:
                self._changed.notify()

    def is_connecting(self, thread: int | None) -> bool:
        """Return whether the call that *thread* is making, if any, waits for a connection."""
        frame = None if thread is None else sys._current_frames().get(thread)
        connecting = False
        while frame is not None:
            if frame.f_code is CallDeadlines.call.__code__:
                return connecting
            connecting = connecting or frame.f_code.co_name in _CONNECTING
            frame = frame.f_back
        return False

    def _start(self) -> None:
        with self._changed:
            if self._watching:
                return
            self._watching = True
            try:
                threading.Thread(target=self._watch, name="flowy-deadlines", daemon=True).start()
            except RuntimeError:  # the system cannot start a thread; the next call tries again
                self._watching = False

    def _watch(self) -> None:
        """Cut calls past their deadlines, until there are no more calls."""
        while True:
            now = self._clock.now()
            ends_at = dict(self._ends_at)
            late = [thread for thread, end in ends_at.items() if end <= now]
            for thread in late:
                _cut(thread)
            with self._changed:
                self._watching = False  # first, so that a call from here on starts a new thread
                if not self._ends_at:
                    return
                self._watching = True
                next_end = min((end for end in ends_at.values() if end > now), default=now + 60)
                pause = CUT_INTERVAL_SECONDS if late else SHORTEST_DEADLINE_SECONDS
                self._clock.wait(self._changed, min(pause, next_end - now))


def _cut(thread: int) -> None:
    """Shut down the socket from which a thread reads, if it does so in a watched call."""
    connection = _socket_of(sys._current_frames().get(thread))
    if connection is not None:
        logger.warning("A call to SWF has passed its deadline; its connection is cut.")
        with contextlib.suppress(OSError):
            # The method of socket itself: that of a TLS socket also changes the reader's state.
            socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _socket_of(frame: FrameType | None) -> socket.socket | None:
    """Return the socket on which a watched call waits; None if this is not a watched call.

    The thread may have returned from the call, and be reading from an author's socket.
    """
    found: socket.socket | None = None
    while frame is not None:
        if frame.f_code is CallDeadlines.call.__code__:
            return found
        owner: object = frame.f_locals.get("self")
        # Only types are checked: `isinstance` also reads `__class__`, which a proxy may let raise.
        if issubclass(type(owner), socket.SocketIO):
            owner = getattr(owner, "_sock", None)
        elif issubclass(type(owner), Connection):
            owner = getattr(owner, "socket", None)
        if found is None and issubclass(type(owner), socket.socket):
            found = cast("socket.socket", owner)
        frame = frame.f_back
    return None
