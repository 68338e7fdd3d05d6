"""What a claim says, and where a value is kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from urllib.parse import quote

#: A part of a key that is longer, percent-encoded, is cut and ends in a hash: file systems take 255
#: bytes, S3 1,024 for the whole key.
MAX_PART_CHARS = 160


@dataclass(frozen=True)
class Claim:
    """Names a stored value.

    Attributes:
        uri: its address in the store.
        sha256: the SHA-256 of its bytes, in hexadecimal digits.
        bytes: how many bytes it has.
    """

    uri: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Place:
    """The task that a value belongs to: it names the value's folder. Unknown parts are ``-``."""

    domain: str = "-"
    workflow_id: str = "-"
    run_id: str = "-"

    def key_of(self, sha256: str) -> str:
        """Return the key of a value: ``v1/{domain}/{workflow_id}/{run_id}/{sha256}``."""
        return "/".join(("v1", *map(_part, (self.domain, self.workflow_id, self.run_id)), sha256))


def _part(text: str) -> str:
    """Return one part of a key, percent-encoded, and never ``.`` or ``..``."""
    encoded = quote(text, safe="", errors="backslashreplace") or "-"
    if encoded.startswith("."):
        encoded = f"%2E{encoded[1:]}"
    if len(encoded) > MAX_PART_CHARS:
        digest = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]
        encoded = f"{encoded[: MAX_PART_CHARS - 17]}~{digest}"
    return encoded
