"""Ports for programs that must be told one: not 0, but free and the same from start to start."""

from __future__ import annotations

import itertools
import os
import socket

#: These are below the ports that systems give out for port 0 and to connections, so nothing takes
#: one between the look and the start of the program.
FIRST, LAST = 10_000, 29_999

#: Test processes run side by side; each begins at a place of its own.
_next_port = itertools.count(os.getpid() * 20, 2)


def free_port() -> int:
    """Return a port that is free together with the one after it; never the same one twice."""
    while True:
        port = FIRST + next(_next_port) % (LAST - FIRST)
        if _is_free(port) and _is_free(port + 1):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
