"""One child process and the pipe to it, as the child and as its parent see them.

A child sends JSON through the pipe, and what it sent before it died can still be read.
"""

from __future__ import annotations

import functools
import json
import select
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..safe_logging import get_logger
from .forks import ProcessGuard
from .signals import signal_name
from .threads import run_logged, start_thread

logger = get_logger(__name__)

Message = dict[str, Any]


class Link:
    """A child's side of the pipe to its parent; ``slot`` is the number of the child, from 0."""

    def __init__(self, connection: Any, number: Any, slot: int = 0) -> None:
        self.slot = slot
        self._connection = connection
        self._number = number
        self._lock = threading.Lock()
        self._guard = ProcessGuard()

    def send(self, message: Message) -> None:
        """Send the parent a message, which it can read even if this process dies.

        In a forked child of this process, do nothing.
        """
        if self._guard.is_forked:
            return
        text = json.dumps(message).encode()
        try:
            with self._lock:
                self._connection.send_bytes(text)
        except OSError:
            logger.debug("The supervisor is gone; a message to it was dropped.")

    def add(self, change: int) -> None:
        """Add to the number that the parent reads when this process has died."""
        with self._lock:
            self._number.value += change

    def listen(self, heard: Callable[[Message], None], gone: Callable[[], None]) -> None:
        """Call *heard* with each message of the parent, and *gone* when the parent is gone.

        Raises:
            ThreadError: the system cannot start a thread to listen in.
        """

        def work() -> None:
            """Read messages until the pipe is closed."""
            try:
                while True:
                    message = json.loads(self._connection.recv_bytes())
                    # Whatever one message leads to, the next one may be a stop.
                    run_logged(functools.partial(heard, message))
            except (EOFError, OSError):
                gone()

        start_thread("flowy-supervisor-link", work)


class Target(Protocol):
    """The importable function that a child runs."""

    def __call__(self, link: Link, *arguments: Any) -> None:
        """Do the work of the child, report it to the parent, and return."""


@dataclass(eq=False)
class Child:
    """One child process, as its parent sees it."""

    process: Any
    connection: Any
    number: Any
    slot: int  #: From 0; a replacement gets the same one.
    started_at: float
    ready: bool = False
    wanted: bool = True
    killed: bool = False  #: By its parent.
    _telling: threading.Lock = field(default_factory=threading.Lock, init=False)

    def tell(self, message: Message) -> None:
        """Send it a message; do nothing if it is dead, or if it reads no messages.

        Its interpreter may hang, and whoever tells it to stop must be free to kill it.
        """
        try:
            with self._telling:  # a stop and a question may go out at the same time
                if _has_room(self.connection):
                    self.connection.send_bytes(json.dumps(message).encode())
        except OSError:
            logger.debug("Process %s is gone; a message to it was dropped.", self.process.pid)

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        self.killed = True
        self.process.kill()

    @property
    def end(self) -> str:
        """How it ended: an exit code, or a signal and its name."""
        code = self.process.exitcode
        if code is None or code >= 0:
            return f"exit code {code}"
        return f"killed by signal {-code} ({signal_name(-code)})"


def _has_room(connection: Any) -> bool:
    """Return whether a short message can be sent now; True if the system cannot tell."""
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(connection, select.POLLOUT)
    return bool(poll.poll(0))
