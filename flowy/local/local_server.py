"""The names by which both servers of a local SWF, its endpoint and its page, appear in texts."""

from __future__ import annotations

from ..loopback.server import LoopbackServer


class LocalServer(LoopbackServer):
    """A server of a local SWF."""

    subject = "The local SWF"
    name = "flowy-local"
    host_advice = ", or one of its allowed_hosts (flowy local --allow-host)"
