"""Where the key that signs handles comes from: an environment variable or a file."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

#: The shortest key, in bytes: as long as the digest of HMAC-SHA256 (RFC 2104, section 3).
LEAST_KEY_BYTES = 32

#: The environment variable that has the key by default.
KEY_VARIABLE = "FLOWY_HANDLE_KEY"

_HOW_TO_MAKE = 'Make one with: python -c "import secrets; print(secrets.token_hex(32))"'


def key_from_environment(
    name: str = KEY_VARIABLE, environment: Mapping[str, str] | None = None
) -> bytes:
    """Return the key in an environment variable: text of 32 bytes or more.

    Args:
        name: the variable; make its value with ``python -c "import secrets;
            print(secrets.token_hex(32))"``.
        environment: None for the process's own.

    Raises:
        ValueError: it is not set, or too short.
    """
    text = (os.environ if environment is None else environment).get(name)
    if text is None:
        raise ValueError(f"Cannot sign handles: {name} is not set. {_HOW_TO_MAKE}")
    return checked_key(os.fsencode(text.strip()))


def key_from_file(path: str | os.PathLike[str]) -> bytes:
    """Return the key in a file, without white space at its ends.

    Raises:
        ValueError: it is too short, or others than its owner may read the file.
        OSError: the file cannot be read.
    """
    with Path(path).open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            raise ValueError(
                f"Cannot use the key in {path}: others may read the file (its mode is {mode:o}). "
                f"Make a new key, and chmod 600 {path}."
            )
        return checked_key(file.read().strip())


def checked_key(key: bytes) -> bytes:
    """Return *key*.

    Raises:
        ValueError: it is shorter than 32 bytes.
    """
    if len(key) < LEAST_KEY_BYTES:
        raise ValueError(
            f"Cannot sign handles with a key of {len(key)} bytes: {LEAST_KEY_BYTES} is the least. "
            f"{_HOW_TO_MAKE}"
        )
    return key
