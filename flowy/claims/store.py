"""What a store of values is, and the checks that each claim must pass.

A claim is untrusted: whoever can schedule a task can write any. So a store reads only what has the
form of its own keys, asks for the length before it reads, and compares the hash.
"""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..exception import ClaimError, UnavailableError
from .claim import Claim, Place

#: The most bytes of one value, and of all values of one task together: 50 MiB.
MAX_BYTES = 50 * 1024 * 1024

#: A key, as ``Place.key_of`` makes it. Its parts cannot lead out of the store's own folder.
_KEY = re.compile(r"v1(?:/[A-Za-z0-9_~%-][A-Za-z0-9_.~%-]*){3}/([0-9a-f]{64})")


class Store(ABC):
    """The base class of stores. One object may serve all activities, in several threads.

    Args:
        root: the beginning of the URIs of all its values, without a slash at the end.
        max_bytes: the most bytes of one value, and of all values that one task reads.
        reads: more stores from which claims are read, such as the previous bucket after a move.
    """

    def __init__(self, root: str, max_bytes: int = MAX_BYTES, reads: Sequence[Store] = ()) -> None:
        if not isinstance(max_bytes, int) or max_bytes < 1:
            raise ValueError(f"Cannot use max_bytes={max_bytes!r}: give 1 or more.")
        self.root = root
        self.max_bytes = max_bytes
        self._reads = tuple(reads)

    def keep(self, place: Place, data: bytes) -> Claim:
        """Store *data* and return its claim; storing the same again changes nothing.

        Raises:
            ClaimError: the data is longer than ``max_bytes``, or the store refuses it.
            UnavailableError: the store does not answer at the moment.
        """
        if len(data) > self.max_bytes:
            raise ClaimError(f"it has {len(data):,} bytes, the store takes {self.max_bytes:,}.")
        sha256 = hashlib.sha256(data).hexdigest()
        key = place.key_of(sha256)
        with _own_errors():
            self._put(key, data)
        return Claim(f"{self.root}/{key}", sha256, len(data))

    def redeem(self, claim: Claim, max_bytes: int) -> bytes:
        """Return the value of a claim.

        Args:
            claim: untrusted.
            max_bytes: the most bytes to read; the store's own limit applies, too.

        Raises:
            ClaimError: the claim is not for this store, or its value is missing, too long, changed,
                or must not be read.
            UnavailableError: the store does not answer at the moment.
        """
        for store in (self, *self._reads):
            key = store._key_of(claim)
            if key is not None:
                return store._redeem(key, claim, min(max_bytes, self.max_bytes))
        raise ClaimError("a claim is not for this worker's store.")

    def show(self, claim: Claim) -> dict[str, Any]:
        """Return what a claim says, and whether its value is there, as text.

        Raises:
            UnavailableError: the store does not answer at the moment.
        """
        said: dict[str, Any] = {"uri": claim.uri, "sha256": claim.sha256, "bytes": claim.bytes}
        try:
            self.redeem(claim, self.max_bytes)
        except ClaimError as error:
            return {**said, "stored": str(error)}
        return {**said, "stored": "yes"}

    def policy(self, days: int) -> dict[str, Any]:
        """Return what an operator must set up: nothing, unless a store knows better.

        Args:
            days: after how many days values may be deleted.
        """
        return {"delete": f"{self.root}/v1/", "after_days": days}

    @abstractmethod
    def _put(self, key: str, data: bytes) -> None:
        """Store *data*, at once or not at all."""

    @abstractmethod
    def _get(self, key: str, size_bytes: int) -> bytes:
        """Return the value at *key*; raise ClaimError, before reading, if it has another size."""

    def _key_of(self, claim: Claim) -> str | None:
        """Return the key of a claim; None if it is not one of this store's."""
        key = claim.uri.removeprefix(f"{self.root}/")
        match = None if key == claim.uri else _KEY.fullmatch(key)
        return key if match and match[1] == claim.sha256 else None

    def _redeem(self, key: str, claim: Claim, max_bytes: int) -> bytes:
        if claim.bytes > max_bytes:
            raise ClaimError(f"a claim is for {claim.bytes:,} bytes; {max_bytes:,} may be read.")
        with _own_errors():
            data = self._get(key, claim.bytes)
        if len(data) != claim.bytes or hashlib.sha256(data).hexdigest() != claim.sha256:
            raise ClaimError(
                "the stored value is not the one that the claim names: its hash differs."
            )
        return data


@contextmanager
def _own_errors() -> Iterator[None]:
    """Tell of any other exception the class alone, because its text may contain a value."""
    try:
        yield
    except (ClaimError, UnavailableError):
        raise
    except Exception as error:
        raise ClaimError(f"the store fails ({type(error).__name__}).") from None


def other_size(found: int, claimed: int) -> ClaimError:
    """Return the error for a value that has another size than its claim says."""
    return ClaimError(f"what is stored has {found:,} bytes, the claim says {claimed:,}.")


def check_store(store: object) -> Store | None:
    """Return *store*.

    Raises:
        ValueError: it is neither None nor a ``Store``.
    """
    if store is None or isinstance(store, Store):
        return store
    raise ValueError(
        f"Cannot use an object of type {type(store).__name__} as store of claims: give an object "
        "whose class derives from flowy.claims.Store, such as S3Store('bucket')."
    )
