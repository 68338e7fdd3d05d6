"""Ports for programs that must be told one: not 0, but free and the same from start to start."""

from __future__ import annotations

import atexit
import contextlib
import random
import socket

#: These are below the ports that systems give out for port 0 and to connections, so nothing else
#: takes one between the look and the start of the program.
FIRST, LAST = 10_000, 29_999

#: Each holds a third port, beside two that were returned: no other test process returns those.
_guards = contextlib.ExitStack()
atexit.register(_guards.close)


def free_port() -> int:
    """Return a port that is free together with the one after it."""
    while True:
        port = random.randrange(FIRST, LAST, 3)
        with contextlib.ExitStack() as opened:
            guard, *pair = [opened.enter_context(socket.socket()) for _ in range(3)]
            try:
                guard.bind(("127.0.0.1", port + 2))
                for number, each in enumerate(pair):
                    each.bind(("127.0.0.1", port + number))
            except OSError:
                continue
            for each in pair:
                each.close()
            opened.pop_all()
            _guards.enter_context(guard)
            return port
