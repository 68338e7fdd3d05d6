"""Values in a folder, such as one on a file system that all workers and deciders share."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..exception import ClaimError, UnavailableError
from .store import MAX_BYTES, Store, other_size

#: Errors that come again at each later try: the file is missing, not readable, or not a file.
_LASTING = (FileNotFoundError, PermissionError, NotADirectoryError, IsADirectoryError)


class FolderStore(Store):
    """Keeps values as files, which only their owner can read.

    Args:
        folder: the folder, which must exist when a value is stored or read.
        max_bytes, reads: as for ``Store``.
    """

    def __init__(
        self, folder: Path | str, *, max_bytes: int = MAX_BYTES, reads: Sequence[Store] = ()
    ) -> None:
        self._folder = Path(folder).absolute()
        super().__init__(self._folder.as_uri().rstrip("/"), max_bytes, reads)

    @classmethod
    def at(cls, uri: str) -> FolderStore:
        """Return the store of a ``file:`` URI."""
        return cls(unquote(urlsplit(uri).path))

    def _put(self, key: str, data: bytes) -> None:
        path = self._path(key)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = path.parent / f".{secrets.token_hex(8)}"
            try:
                with open(part, "xb", opener=_private) as file:
                    file.write(data)
                part.replace(path)
            finally:
                with contextlib.suppress(OSError):
                    part.unlink()
        except OSError as error:
            raise _translated(error) from None

    def _get(self, key: str, size_bytes: int) -> bytes:
        path = self._path(key)
        try:
            # A link within the folder must not lead out of it.
            if not path.resolve(strict=True).is_relative_to(self._folder.resolve()):
                raise ClaimError("a claim leads out of the store's folder.")
            with path.open("rb") as file:
                found = os.fstat(file.fileno()).st_size
                if found != size_bytes:
                    raise other_size(found, size_bytes)
                return file.read(size_bytes + 1)
        except OSError as error:
            raise _translated(error) from None

    def _path(self, key: str) -> Path:
        if not self._folder.is_dir():
            fault = "NoFolder"
            raise UnavailableError(f"The folder {self._folder} is not there.", fault=fault)
        return self._folder / key


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _translated(error: OSError) -> ClaimError | UnavailableError:
    fault = type(error).__name__
    if isinstance(error, _LASTING):
        return ClaimError(f"the store refuses it ({fault}).")
    return UnavailableError(f"The store does not answer ({fault}).", fault=fault)
