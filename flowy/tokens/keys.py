"""The key that signs handles, read from an environment variable or a file."""

from __future__ import annotations

import codecs
import os
from collections.abc import Mapping
from pathlib import Path

from .privacy import why_not_private

#: The shortest key, in bytes: as long as the digest of HMAC-SHA256 (RFC 2104, section 3).
LEAST_KEY_BYTES = 32

#: The environment variable that contains the key by default.
KEY_VARIABLE = "FLOWY_HANDLE_KEY"

_HOW_TO_MAKE = 'Make one with: python -c "import secrets; print(secrets.token_hex(32))"'


def key_from_environment(
    name: str = KEY_VARIABLE, environment: Mapping[str, str] | None = None
) -> bytes:
    """Return the key in an environment variable: text of 32 bytes or more.

    Args:
        name: the variable; make its value with ``python -c "import secrets;
            print(secrets.token_hex(32))"``.
        environment: the variables; None for those of the process.

    Raises:
        ValueError: the variable is not set, or the key is too short.
    """
    text = (os.environ if environment is None else environment).get(name)
    if text is None:
        raise ValueError(f"Cannot sign handles: {name} is not set. {_HOW_TO_MAKE}")
    return checked_key(_without_mark(os.fsencode(text.strip()), name))


def key_from_file(path: str | os.PathLike[str], *, allow_group: bool = False) -> bytes:
    """Return the key in a file, without white space at its ends.

    A byte order mark, which some editors put before UTF-8 text, is not part of the key.

    Args:
        path: the file.
        allow_group: whether a group of this process may read the file, and root may own it, as with
            a secret of Kubernetes or Docker. All others must have no access.

    Raises:
        ValueError: the key is too short or UTF-16 text, the file belongs to another user, or other
            users may read it.
        OSError: the file cannot be read.
    """
    with Path(path).open("rb") as file:
        why = why_not_private(os.fstat(file.fileno()), path, allow_group=allow_group)
        if why is not None:
            raise ValueError(f"Cannot use the key in {path}: {why}. Make a new key if it leaked.")
        return checked_key(_without_mark(file.read().strip(), path))


def checked_key(key: bytes) -> bytes:
    """Return *key* if it is long enough.

    Raises:
        ValueError: it is shorter than 32 bytes.
    """
    if len(key) < LEAST_KEY_BYTES:
        raise ValueError(
            f"Cannot sign handles with a key of {len(key)} bytes: it needs {LEAST_KEY_BYTES}. "
            f"{_HOW_TO_MAKE}"
        )
    return key


def _without_mark(key: bytes, where: object) -> bytes:
    """Return *key* without the byte order mark of UTF-8.

    Raises:
        ValueError: it is ASCII text written as UTF-16.
    """
    if key.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        # A binary key may begin with these two bytes by chance, but then it is not all ASCII.
        if len(key) % 2:
            key += b"\0"  # strip() has cut the text's last character in half
        if key.decode("utf-16", "replace").isascii():
            raise ValueError(
                f"Cannot use the key in {where}: it is UTF-16 text. Save it as ASCII or UTF-8."
            )
    return key.removeprefix(codecs.BOM_UTF8).strip()
