"""Keeps the connections of a client between calls.

SWF may close an idle connection. A request that is then sent on it is lost, and a lost poll may
cost a task, so each connection is checked before it is used again. A forked process must not keep
the connections: parent and child would take each other's answers, and if the parent died, its polls
would stay open in the child and SWF would give them tasks.
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

#: How long a connection may be idle before it is closed, in seconds.
MAX_IDLE_SECONDS = 60.0

#: The pools of this process; a forked child closes their connections.
_pools: weakref.WeakSet[ConnectionPool] = weakref.WeakSet()


class ConnectionPool:
    """Keeps connections for the next call; any thread may use it.

    A call that finds no idle connection opens a new one instead of waiting for another call.

    Args:
        open_connection: opens a connection.
        size: how many idle connections to keep: as many as calls may be in flight.
        now: returns the time, in seconds.
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
        # The connection that was used last is taken first, so that superfluous ones get old and are
        # closed.
        self._idle: deque[tuple[float, Connection]] = deque()
        #: All open connections; a forked child closes them.
        self._connections: set[Connection] = set()
        # Clients need not be closed, so this closes the idle connections when the pool is
        # collected.
        weakref.finalize(self, _close_idle, self._idle)
        _register(self)

    def take(self) -> Connection:
        """Return an idle connection on which nothing has come since its last answer, or a new one.

        Raises:
            OSError, HandshakeError: a connection cannot be opened.
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
        """Keep a connection for the next call, and close those that were idle for too long."""
        now = self._now()
        if len(self._idle) < self._size:
            self._idle.append((now, connection))
        else:
            self.discard(connection)
        try:
            while now - self._idle[0][0] >= MAX_IDLE_SECONDS:
                since, oldest = self._idle.popleft()
                if now - since < MAX_IDLE_SECONDS:  # another thread took the first
                    self._idle.appendleft((since, oldest))
                    return
                self.discard(oldest)
        except IndexError:  # other threads took all
            return

    def discard(self, connection: Connection) -> None:
        """Close a connection."""
        self._connections.discard(connection)
        connection.close()

    def close(self) -> None:
        """Close the idle connections; a later call opens new ones."""
        self._connections.difference_update(_close_idle(self._idle))

    def forget(self) -> None:
        """Close a forked child's copies of all connections; those of the parent stay open."""
        self._idle.clear()
        while self._connections:
            self._connections.pop().close()


def _close_idle(idle: deque[tuple[float, Connection]]) -> list[Connection]:
    """Close idle connections and return them."""
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
    """Register only once, because the interpreter cannot remove a hook."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget_all)


def _forget_all() -> None:
    for pool in list(_pools):
        pool.forget()
