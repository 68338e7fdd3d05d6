"""The connections of a client that no call uses just now.

A connection may be closed by SWF while it is idle; a request that is sent on it then is lost, and a
poll that is lost may cost a task. So each is looked at before it is used again. And a process that
was forked must not have them: an answer would go to whichever of the two reads first, and a poll
of a worker that died would stay open in the child, for SWF to hand a task to.
"""

from __future__ import annotations

import contextlib
import functools
import os
import time
import weakref
from collections import deque
from collections.abc import Callable

from .connection import Connection

#: For how long a connection may be idle, in seconds, before it is closed.
MAX_IDLE_SECONDS = 60.0

#: The pools of this process, for the children that it forks.
_pools: weakref.WeakSet[ConnectionPool] = weakref.WeakSet()


class ConnectionPool:
    """Keeps connections for the next call; any thread may use it.

    A call that finds none opens one: nobody waits for another call's end.

    Args:
        open_connection: opens one.
        size: how many idle ones are kept; the calls that may be in flight.
        now: the time, in seconds.
    """

    def __init__(
        self,
        open_connection: Callable[[], Connection],
        size: int,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open = open_connection
        self._size = size
        self._now = now
        # The last one that came back goes out first, so that those that are too many grow old.
        self._idle: deque[tuple[float, Connection]] = deque()
        #: All that are open, for a forked child to close.
        self._connections: set[Connection] = set()
        # A client that is dropped, or lives until the end of the process, is not closed by anybody.
        weakref.finalize(self, _close_idle, self._idle)
        _register(self)

    def take(self) -> Connection:
        """Return a connection on which nothing has happened since its last answer.

        Raises:
            OSError, HandshakeError: none can be opened.
        """
        connection = self._take_idle()
        if connection is None:
            connection = self._open()
            self._connections.add(connection)
        return connection

    def _take_idle(self) -> Connection | None:
        while True:
            try:
                since, connection = self._idle.pop()
            except IndexError:
                return None
            if self._now() - since < MAX_IDLE_SECONDS and connection.is_fresh():
                return connection
            self.discard(connection)

    def give_back(self, connection: Connection) -> None:
        """Keep a connection for the next call, and close what was idle for too long."""
        now = self._now()
        if len(self._idle) < self._size:
            self._idle.append((now, connection))
        else:
            self.discard(connection)
        while self._idle and now - self._idle[0][0] >= MAX_IDLE_SECONDS:
            try:
                since, oldest = self._idle.popleft()
            except IndexError:  # another thread took it
                return
            if now - since < MAX_IDLE_SECONDS:  # it did, and this is the next one
                self._idle.appendleft((since, oldest))
                return
            self.discard(oldest)

    def discard(self, connection: Connection) -> None:
        """Close a connection."""
        self._connections.discard(connection)
        connection.close()

    def close(self) -> None:
        """Close the idle ones; a later call opens new ones."""
        self._connections.difference_update(_close_idle(self._idle))

    def forget(self) -> None:
        """Close, in a forked child, its copies of all connections; the parent's stay open."""
        self._idle.clear()
        while self._connections:
            self._connections.pop().close()


def _close_idle(idle: deque[tuple[float, Connection]]) -> list[Connection]:
    """Close all of these, and return them."""
    closed = []
    with contextlib.suppress(IndexError):
        while True:
            _, connection = idle.pop()
            connection.close()
            closed.append(connection)
    return closed


def _register(pool: ConnectionPool) -> None:
    _pools.add(pool)
    _register_with_interpreter()


@functools.cache
def _register_with_interpreter() -> None:
    """Register once: the interpreter has no way to take a hook back."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget_all)


def _forget_all() -> None:
    for pool in list(_pools):
        pool.forget()
