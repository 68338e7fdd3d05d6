"""Stores by name, for command lines and options."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..importing import imported, is_object_path
from .folder import FolderStore
from .s3 import S3Store
from .store import Store, check_store


def store_at(text: str) -> Store:
    """Return the store that a text names.

    Args:
        text: ``s3://bucket/prefix``, ``file:///folder``, or ``module.name:OBJECT`` for a store that
            is made there.

    Raises:
        ValueError: it names none.
        ImportError: the module cannot be imported.
    """
    refused = f"Cannot use {text!r}: give s3://BUCKET/PREFIX, file:///FOLDER or module.name:OBJECT."
    try:
        url = urlsplit(text)
    except ValueError:  # "s3://["
        raise ValueError(refused) from None
    more = url.query or url.fragment
    if url.scheme == "s3" and not more:
        return S3Store(url.netloc, url.path.strip("/"))
    is_local = url.netloc in ("", "localhost") and url.path.startswith("/")
    if url.scheme == "file" and is_local and not more:
        return FolderStore.at(text)
    if "://" in text or not is_object_path(text):
        raise ValueError(refused)
    store = check_store(imported([text])[0])
    if store is None:
        raise ValueError(f"Cannot use {text!r}: it is None.")
    return store
