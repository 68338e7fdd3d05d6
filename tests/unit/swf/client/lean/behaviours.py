"""What a raw server does with its connections."""

from __future__ import annotations

from collections.abc import Callable

from tests.unit.swf.client.lean.raw_server import (
    Peer,
)


def says(*parts: bytes, then: Callable[[Peer], object] = Peer.read) -> Callable[[Peer], None]:
    """Answer each request with these parts, each in a packet of its own; then do this."""

    def behave(peer: Peer) -> None:
        while peer.read():
            for part in parts:
                peer.send(part)
            then(peer)

    return behave


def closes(peer: Peer) -> None:
    peer.socket.close()


def goes_on(peer: Peer) -> None:
    """The connection stays open, and the next request uses it."""
