"""The options that name codecs and a store, for the verbs that read or send values."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..importing import imported
from . import arguments
from .parser import UsageError

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
        help=f"{help}; may be given several times",
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
    """
    if not codecs and claims is None:
        return [], None
    from ..claims import store_at

    here = str(Path.cwd())
    sys.path.insert(0, here)  # the command `flowy` starts with its own folder there instead
    try:
        named: tuple[Any, ...] = imported(codecs)
        store = None if claims is None else store_at(claims)
    except (ImportError, ValueError) as error:
        raise UsageError(str(error)) from None
    return [
        each for one in named for each in (one if isinstance(one, list | tuple) else [one])
    ], store
