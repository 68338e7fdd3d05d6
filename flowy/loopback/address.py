"""Where a server listens, and the Host names that it answers to.

SWF checks signatures; these servers do not, so whoever can reach the port of a local SWF can do
anything. Any web page in a browser on this machine can send requests to a loopback port, and can
make a name of its own resolve to it (DNS rebinding), so a request is answered only if its Host is
known. Containers reach this machine by another address and another name, and both must be allowed.
"""

from __future__ import annotations

import errno
import ipaddress
import re
import socket
from collections.abc import Iterable
from pathlib import Path

_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})

_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")


class Address:
    """An address to listen on.

    Args:
        host: an IP address of this machine, ``0.0.0.0`` and ``::`` for all, or ``localhost``.
        allowed_hosts: the host names that requests may carry, without ports; the names of
            loopback are always allowed. None allows every name on an address that other machines
            can reach, and the names of loopback alone on loopback.

    Attributes:
        host: the IP address.
        loopback: whether only programs on this machine reach it.
        allowed_hosts: the names that were given, in lower case and in their order.

    Raises:
        ValueError: *host* is not an IP address, a name is not a host name, or other machines can
            reach the address and no name is given.
    """

    def __init__(self, host: str, allowed_hosts: Iterable[str] | None = ()) -> None:
        try:
            found = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
        except ValueError:
            raise ValueError(
                f"Cannot listen on {host!r}: it is not an IP address. Give 127.0.0.1, the address "
                "of one network such as 172.17.0.1, or 0.0.0.0 for all."
            ) from None
        if isinstance(allowed_hosts, str):
            raise TypeError(
                f"Cannot use the text {allowed_hosts!r} as allowed_hosts: give a list of names."
            )
        self.host = str(found)
        self.loopback = found.is_loopback
        self.allowed_hosts = tuple(_name(each) for each in allowed_hosts or ())
        self._answers_to_all = allowed_hosts is None and not self.loopback
        if not (self.loopback or self.allowed_hosts or self._answers_to_all):
            raise ValueError(
                f"Cannot listen on {host}: other machines may reach it, so the host names that "
                "they use must be listed. Allow the name by which containers reach this machine, "
                "such as 'host.docker.internal', or listen on 127.0.0.1."
            )
        #: The host by which this machine's own programs reach it.
        self._own = _bracketed(self._reachable(found))
        self._answered = _LOOPBACK_NAMES | {self._own, *self.allowed_hosts}

    @staticmethod
    def _reachable(found: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
        if found.is_unspecified:
            return "127.0.0.1" if found.version == 4 else "::1"
        return str(found)

    @property
    def family(self) -> socket.AddressFamily:
        """The address family of its sockets."""
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET

    def bindable(self, port: int) -> tuple[str, int]:
        """Return the address to bind a socket to."""
        return self.host, port

    def url(self, port: int) -> str:
        """Return the URL by which programs on this machine reach a port."""
        return f"http://{self._own}:{port}"

    def answers_to(self, host: str | None) -> bool:
        """Return whether a Host header names this address.

        Args:
            host: the header's value, with or without a port. Any port will do, because of tunnels.
                None for a request without the header, as probes of HTTP/1.0 send it.
        """
        if host is None:
            return self._answers_to_all
        name, colon, port = host.rpartition(":")
        name = name if colon and port.isdigit() else host
        return self._answers_to_all or name.lower() in self._answered


class UnixAddress:
    """A socket in the file system to listen on, which web pages cannot reach.

    Args:
        path: the path of the socket.
    """

    family = socket.AF_UNIX

    def __init__(self, path: str) -> None:
        self.path = path

    def bindable(self, port: int) -> str:
        """Return the path to bind a socket to; *port* is ignored.

        A socket that an earlier process left behind is removed. A socket on which a process listens
        stays, and so does any other file.
        """
        path = Path(self.path)
        with socket.socket(self.family) as other:
            if path.is_socket() and other.connect_ex(self.path) == errno.ECONNREFUSED:
                path.unlink(missing_ok=True)
        return self.path

    def url(self, port: int) -> str:
        """Return the socket as ``unix:PATH``; *port* is ignored."""
        return f"unix:{self.path}"

    def answers_to(self, host: str | None) -> bool:
        """Return True: any Host header is fine, because web pages cannot reach the socket."""
        return True


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _name(name: str) -> str:
    lower = name.lower()
    try:
        return _bracketed(str(ipaddress.ip_address(lower.strip("[]"))))
    except ValueError:
        pass
    if not _NAME.fullmatch(lower) or len(lower) > 253:
        raise ValueError(
            f"Cannot allow the host {name!r}: give a host name or an IP address, without a scheme, "
            "a port or a wildcard."
        )
    return lower
