"""What becomes of a text that an activity writes: whoever writes it may have to know.

A format must not look at the length of what is stored, nor put elsewhere in clear text what is
encrypted, and errors must not show the keys of a dictionary that is encrypted.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Sealer(Protocol):
    """Encodes, encrypts or stores texts before they are sent."""

    @property
    def encrypts(self) -> bool:
        """Whether what it seals cannot be read."""


_sealer: ContextVar[Sealer | None] = ContextVar("flowy_sealer", default=None)


def write(sealer: Sealer | None, call: Callable[..., T], *given: Any) -> T:
    """Call what writes a text that *sealer*, if there is one, seals afterwards."""
    if sealer is None:
        return call(*given)
    mark = _sealer.set(sealer)
    try:
        return call(*given)
    finally:
        _sealer.reset(mark)


def is_sealed_later() -> bool:
    """Return whether what is written here is encoded, or stored, before it is sent."""
    return _sealer.get() is not None


def is_encrypted_later() -> bool:
    """Return whether what is written here is encrypted before it is sent."""
    sealer = _sealer.get()
    return sealer is not None and sealer.encrypts
