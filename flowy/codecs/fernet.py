"""Encryption by Fernet, of the library cryptography: AES in CBC mode, signed by HMAC.

A key is 44 characters that ``cryptography.fernet.Fernet.generate_key()`` returns.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from ..exception import CodecError
from .codec import Codec

try:
    from cryptography.fernet import Fernet, InvalidToken
except ImportError as error:
    raise ImportError(
        "Cannot import flowy.codecs.fernet: cryptography is not installed. Install Flowy's "
        "extra fernet.",
        name="cryptography",
    ) from error


class FernetCodec(Codec):
    """Encrypts with the first key, and decrypts with all.

    To rotate keys, put the new key second everywhere, then first everywhere. Remove the old key
    when no history has a value that needs it. On the wire, a key is named by 8 hexadecimal digits
    of its hash.

    Args:
        keys: the keys, as text or bytes. Keep them secret: not in the code.

    Raises:
        ValueError: no key is given, or one is not a Fernet key.
    """

    name = "fernet"
    encrypts = True

    def __init__(self, keys: Sequence[str | bytes]) -> None:
        if isinstance(keys, str | bytes) or not keys:
            raise ValueError("Cannot use this as keys: give a list of Fernet keys, one or more.")
        try:
            made = [(_id_of(key), Fernet(key)) for key in keys]
        except Exception:
            # Not chained, because the library's text may repeat the key.
            raise ValueError(
                "Cannot use a key: it is not 32 bytes in URL-safe base64. Make one with "
                "cryptography.fernet.Fernet.generate_key()."
            ) from None
        self._first = made[0][0]
        self._keys = dict(made)

    @property
    def key_id(self) -> str:
        """Names the first key."""
        return self._first

    def encode(self, data: bytes) -> bytes:
        """Return the encrypted *data*."""
        # Decoded, because the envelope encodes in the same base64, and twice would be longer.
        return base64.urlsafe_b64decode(self._keys[self._first].encrypt(data))

    def decode(self, data: bytes, key_id: str | None, max_bytes: int) -> bytes:
        """Return the decrypted *data*."""
        if key_id is None or key_id not in self._keys:
            raise CodecError(f"its key is {key_id!r}; this codec has {', '.join(self._keys)}.")
        try:
            value = self._keys[key_id].decrypt(base64.urlsafe_b64encode(data))
        except InvalidToken:
            raise CodecError(f"it was changed after key {key_id} had encrypted it.") from None
        return value


def _id_of(key: str | bytes) -> str:
    raw = base64.urlsafe_b64decode(key)
    return hashlib.sha256(raw).hexdigest()[:8]
