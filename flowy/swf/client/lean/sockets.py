"""Makes and closes sockets so that a forked child keeps no copy of one.

With a copy, a connection stays open although the parent has closed it or has died, and SWF may give
a task to its poll. So a child closes all sockets that its parent had. It cannot know of one that is
being made or closed, so a fork waits until that is done.
"""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import threading
import weakref
from collections.abc import Callable

#: The sockets of this process.
_sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()

#: Held while a socket is made or closed, which takes microseconds, and during a fork. A signal
#: handler may fork in between, in the same thread.
_making = threading.RLock()


def make_socket(make: Callable[[], socket.socket]) -> socket.socket:
    """Return the socket that *make* returns, which must not wait for anything."""
    _register_with_interpreter()
    with _making:
        made = make()
        _sockets.add(made)
    return made


def close_socket(made: socket.socket) -> None:
    """Close a socket in this process; a parent or a child keeps its own."""
    with _making, contextlib.suppress(OSError):
        made.close()


@functools.cache
def _register_with_interpreter() -> None:
    """Register only once, because the interpreter cannot remove a hook."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=_wait_for_sockets,
            after_in_parent=_making.release,
            after_in_child=_close_copies,
        )


def _wait_for_sockets() -> None:
    _making.acquire()


def _close_copies() -> None:
    _making.release()
    for each in list(_sockets):
        close_socket(each)
