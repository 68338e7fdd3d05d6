"""The options that name codecs and a store, which verbs share that read or send values."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ..importing import imported
from . import arguments
from .import_errors import import_from_here, making_options

if TYPE_CHECKING:
    from ..claims import Store
    from ..codecs import Codec


def add_codecs(parser: argparse.ArgumentParser, help: str) -> None:
    """Add ``--codec``."""
    parser.add_argument(
        "--codec",
        action="append",
        default=[],
        type=arguments.object_path,
        metavar="MODULE:OBJECT",
        help=f"{help}; repeat for more",
    )


def add_claims(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    """Add ``--claims``."""
    parser.add_argument(
        "--claims",
        required=required,
        metavar="STORE",
        help="store of the values: s3://BUCKET/PREFIX, file:///FOLDER or MODULE:OBJECT",
    )


def made(codecs: list[str], claims: str | None) -> tuple[list[Codec], Store | None]:
    """Return the codecs and the store that options name, imported from the current folder.

    Raises:
        UsageError: an option names none.
        FailedImportError: one cannot be imported.
    """
    if not codecs and claims is None:
        return [], None
    from ..claims import store_at

    named = imported_here(codecs)
    with making_options():
        store = None if claims is None else store_at(claims)
    return [
        each for one in named for each in (one if isinstance(one, list | tuple) else [one])
    ], store


def imported_here(paths: list[str]) -> tuple[Any, ...]:
    """Return the objects of ``module.name:OBJECT``; modules may be in the current folder.

    Raises:
        FailedImportError: one cannot be imported.
    """
    import_from_here()
    with making_options():
        found: tuple[Any, ...] = imported(paths)
    return found
