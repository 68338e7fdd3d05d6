"""The scheme, host and port of an endpoint, as connections and signatures need them."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Origin:
    """Scheme, host and port; a host that is an IPv6 address has no brackets."""

    scheme: str
    host: str
    port: int

    @property
    def host_header(self) -> str:
        """The value of ``Host``, with the port if it is not the default of the scheme."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


@functools.lru_cache(maxsize=64)
def origin_of(url: str) -> Origin | None:
    """Return the origin of a URL; None if the URL has more than a plain host and SWF's ``/``."""
    if not url.isprintable() or " " in url:  # urlsplit drops some of these, and botocore does not
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not host or not host.isascii() or "%" in host:
        return None
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        return None
    return Origin(parts.scheme, host, _DEFAULT_PORTS[parts.scheme] if port is None else port)
