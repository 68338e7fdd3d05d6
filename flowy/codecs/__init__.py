"""Codecs: they compress and encrypt what goes to SWF, whose histories are in clear text.

A worker without any imports none of this. ``flowy.codecs.fernet`` and ``flowy.codecs.kms`` have
extras of the same name.
"""

from __future__ import annotations

from .codec import Codec, check_codecs
from .zlib import ZlibCodec

__all__ = ["Codec", "ZlibCodec", "check_codecs"]
