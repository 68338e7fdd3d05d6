"""Notifies systemd that a worker is ready, what it does, and that it is alive.

systemd sets NOTIFY_SOCKET for a unit with ``Type=notify``, and WATCHDOG_USEC with ``WatchdogSec=``.
A notification is one datagram with lines of text; see sd_notify(3).
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping

from ..safe_logging import get_logger
from .vitals import Vitals

logger = get_logger(__name__)


class SystemdNotifier:
    """Tells systemd how a worker is.

    Args:
        address: the value of NOTIFY_SOCKET.
        watchdog_seconds: the interval within which systemd expects a notification of a live worker;
            None if it does not watch.
    """

    def __init__(self, address: str, watchdog_seconds: float | None = None) -> None:
        # The name of an abstract socket begins with a zero byte, written as an @.
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.watchdog_seconds = watchdog_seconds
        self._told: dict[str, str] = {}
        self._failed = False

    def show(self, vitals: Vitals) -> None:
        """Send what has changed, and, if the worker is live, that it is alive."""
        said = {"STATUS": "; ".join([vitals.summary, *vitals.not_live])}
        said |= {"READY": "1"} if vitals.ready else {}
        said |= {"STOPPING": "1"} if vitals.stopping else {}
        news = {name: value for name, value in said.items() if self._told.get(name) != value}
        alive = {"WATCHDOG": "1"} if vitals.live and self.watchdog_seconds is not None else {}
        lines = [f"{name}={value}" for name, value in (news | alive).items()]
        if lines and self._send("\n".join(lines)):
            self._told |= news

    def close(self) -> None:
        """Do nothing: systemd notices the end of the process itself."""

    def _send(self, text: str) -> bool:
        """Return whether systemd got the text; if not, changes are sent again at the next look."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
                notify.setblocking(False)  # do not wait for a hung systemd
                notify.sendto(text.encode(), self._address)
        except OSError as error:
            if not self._failed:
                logger.warning("Cannot send the health to systemd: %s.", error.strerror or error)
            self._failed = True
            return False
        self._failed = False
        return True


def notifier_from(environment: Mapping[str, str]) -> SystemdNotifier | None:
    """Return a notifier as systemd's variables ask for it; None if NOTIFY_SOCKET is not set."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return None
    seconds = None
    for_us = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    with contextlib.suppress(ValueError):
        seconds = int(environment.get("WATCHDOG_USEC", "")) / 1_000_000 if for_us else None
    return SystemdNotifier(address, seconds or None)
