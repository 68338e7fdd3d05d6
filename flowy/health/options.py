"""The options for showing the health of a worker, declared once for Python and the command line."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field

from ..loopback.address import Address, UnixAddress
from ..options import about, documented

#: The prefix of an address that is a socket in the file system.
UNIX = "unix:"

_HOW = (
    "give a port, HOST:PORT with an IP address of this machine, such as 0.0.0.0:8080 or "
    "[::]:8080, or unix:PATH"
)


@dataclass(frozen=True, kw_only=True)
class HealthOptions:
    """How a worker shows its health; without options, only to systemd.

    The worker notifies systemd if NOTIFY_SOCKET is set, as it is for a unit with ``Type=notify``.

    Args:
        {options}

    Raises:
        ValueError: an option cannot be used; the text says what can.
    """

    http: str | int | None = field(
        default=None,
        metadata=about(
            "serve /live, /ready, /status and /metrics over HTTP: on a port of 127.0.0.1, on "
            "HOST:PORT, or on unix:PATH, a socket in the file system. Port 0 takes a free "
            "port, which the log names. Anyone who can reach the address can read everything.",
            flag="--http",
            metavar="[HOST:]PORT",
            kind="text",
        ),
    )
    file: str | os.PathLike[str] | None = field(
        default=None,
        metadata=about(
            "write the health to this file every 5 seconds, for `flowy health --file`, and "
            "remove it when the worker stops.",
            flag="--health-file",
            metavar="PATH",
            kind="text",
        ),
    )
    max_block: float = field(
        default=60.0,
        metadata=about(
            "seconds that a coroutine may block the event loop before the worker counts as not "
            "live; 0 allows any time.",
            flag="--max-block",
            metavar="SECONDS",
            kind="seconds",
        ),
    )
    max_silence: float = field(
        default=60.0,
        metadata=about(
            "seconds that a worker process may be silent before the worker counts as not live; "
            "0 allows any time. A process that has started reports to its supervisor every 2 "
            "seconds.",
            flag="--max-silence",
            metavar="SECONDS",
            kind="seconds",
        ),
    )

    def __post_init__(self) -> None:
        if self.http is not None:
            listening(self.http)
        if self.file is not None and not os.fspath(self.file):
            raise ValueError("Cannot use file='': give the path of a file to write.")
        for name, seconds in (("max_block", self.max_block), ("max_silence", self.max_silence)):
            is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
            if not is_number or not 0 <= seconds < math.inf:
                raise ValueError(f"Cannot use {name}={seconds!r}: give seconds, 0 or more.")


HealthOptions.__doc__ = documented(HealthOptions.__doc__, HealthOptions)


def listening(http: str | int) -> tuple[Address | UnixAddress, int]:
    """Return the address and the port that an option names.

    Args:
        http: ``"8080"``, ``"0.0.0.0:8080"``, ``"unix:/run/flowy.sock"``, or a port as a number.

    Raises:
        ValueError: the option does not name an address.
    """
    text = str(http)
    if text.startswith(UNIX):
        path = text.removeprefix(UNIX)
        if not path or "\0" in path:
            raise ValueError(f"Cannot use http={http!r}: {_HOW}.")
        return UnixAddress(path), 0
    host, colon, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) <= 65535) or (colon and not host):
        raise ValueError(f"Cannot use http={http!r}: {_HOW}.")
    try:
        return Address(host.strip("[]") or "127.0.0.1", None), int(port)
    except ValueError:
        raise ValueError(f"Cannot use http={http!r}: not an IP address; {_HOW}.") from None
