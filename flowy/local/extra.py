"""The extra ``local``: is moto there, and is it one that was tested?

LocalSWF completes moto from the inside (``flowy.local.model``), and moto promises
nothing about its inside: a release outside the tested range might start, and then
behave like no SWF at all.  So the version is looked at before anything is imported.
"""

from __future__ import annotations

import importlib.metadata
import re
from typing import TYPE_CHECKING

from flowy.exception import LocalSWFError

if TYPE_CHECKING:
    from flowy.local.model.service import LocalService, Settings

#: The oldest release of moto that the contract tests pass with.
MOTO_FROM = (5, 1)

#: The first series of moto that was not tested.
MOTO_BELOW = (5, 3)

_INSTALL = "pip install '.[local]' in Flowy's checkout installs one that does."


def check_moto(found: str | None) -> None:
    """Refuse a moto that is missing or was not tested.

    Args:
        found: the installed version, or None where there is none.

    Raises:
        LocalSWFError: says what was found and what would do.
    """
    if found is None:
        raise LocalSWFError(f"Cannot start the local SWF: moto is not installed. {_INSTALL}")
    numbers = tuple(int(number) for number in re.findall(r"\d+", found)[:2])
    if not MOTO_FROM <= numbers < MOTO_BELOW:
        first, last = (".".join(map(str, version)) for version in (MOTO_FROM, MOTO_BELOW))
        raise LocalSWFError(
            f"Cannot start the local SWF: moto {found} is installed, and the local SWF was "
            f"tested with moto from {first} up to, but not with, {last}. {_INSTALL}"
        )


def moto_version() -> str | None:
    """The version of moto that is installed; None where there is none."""
    try:
        return importlib.metadata.version("moto")
    except importlib.metadata.PackageNotFoundError:
        return None


def load_service() -> tuple[type[LocalService], type[Settings]]:
    """Import moto, which takes half a second, and what completes it.

    Raises:
        LocalSWFError: moto, or something that it needs, is missing or was not tested.
    """
    check_moto(moto_version())
    try:
        from flowy.local.model.service import LocalService, Settings
    except ImportError as error:
        raise LocalSWFError(f"Cannot start the local SWF: {error}. {_INSTALL}") from error
    return LocalService, Settings
