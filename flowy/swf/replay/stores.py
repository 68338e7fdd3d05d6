"""Envelopes in a replay: claims are read, nothing is stored, and nothing is waited for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from ...claims import Store
from ...envelope import Envelope
from ...exception import CodecError, UnavailableError

T = TypeVar("T")


class ReplayStore(Store):
    """Reads from a store, and keeps in memory what the replay would store in it."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.root, store.max_bytes, store._reads)
        self._store = store
        self._kept: dict[str, bytes] = {}

    def _put(self, key: str, data: bytes) -> None:
        self._kept[key] = data

    def _get(self, key: str, size_bytes: int) -> bytes:
        kept = self._kept.get(key)
        return self._store._get(key, size_bytes) if kept is None else kept


@dataclass(frozen=True)
class ReplayEnvelope(Envelope):
    """An envelope that does not wait for a key service or a store.

    Attributes:
        troubles: gets the errors of those that did not answer.
    """

    troubles: list[UnavailableError] = field(default_factory=list, compare=False)

    @classmethod
    def of(cls, envelope: Envelope, troubles: list[UnavailableError]) -> ReplayEnvelope:
        """Return the envelope for a replay of an activity that has *envelope*."""
        store = envelope.claims
        return cls(
            envelope.codecs,
            None if store is None else ReplayStore(store),
            envelope.hide_reasons,
            envelope.require_encryption,
            troubles,
        )

    def opened(self, text: str) -> str:
        """Return JSON text with the values of its envelopes in their places."""
        return self._at_once(lambda: super(ReplayEnvelope, self).opened(text))

    def _encoded(self, text: str) -> str:
        return self._at_once(lambda: super(ReplayEnvelope, self)._encoded(text))

    def _at_once(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except UnavailableError as error:
            self.troubles.append(error)
            raise CodecError(str(error)) from None
