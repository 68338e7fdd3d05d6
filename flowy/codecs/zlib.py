"""Compression by Python's zlib, with a limit on what is decompressed."""

from __future__ import annotations

import zlib

from ..exception import CodecError
from .codec import Codec


class ZlibCodec(Codec):
    """Compresses; encrypts nothing.

    If compression would not make a value shorter, the value is sent as it is.

    Args:
        level: from 1, the fastest, to 9, the smallest; -1 for zlib's default of 6.
    """

    name = "zlib"

    def __init__(self, level: int = -1) -> None:
        if level not in range(-1, 10):
            raise ValueError(f"Cannot use level={level!r}: give 1 to 9, or -1.")
        self._level = level

    def encode(self, data: bytes) -> bytes:
        """Return the compressed *data*."""
        return zlib.compress(data, self._level)

    def decode(self, data: bytes, key_id: str | None, max_bytes: int) -> bytes:
        """Return the decompressed *data*, which never takes more than *max_bytes* of memory."""
        decompressing = zlib.decompressobj()
        try:
            value = decompressing.decompress(data, max_bytes + 1)
        except zlib.error:
            raise CodecError("it is not what zlib has compressed.") from None
        if len(value) > max_bytes:
            raise CodecError(f"decompressed, it is longer than {max_bytes:,} bytes.")
        if not decompressing.eof or decompressing.unused_data:
            raise CodecError("it is not what zlib has compressed.")
        return value
