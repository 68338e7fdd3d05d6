"""Checks that a tested moto is installed, then imports the model that is built on it.

``flowy.local.model`` subclasses moto's internals, which may change with any release. With an
untested release the local SWF might start and then behave unlike SWF. So the version is checked
before moto is imported.
"""

from __future__ import annotations

import importlib.metadata
import re
from typing import TYPE_CHECKING

from ..exception import LocalSWFError

if TYPE_CHECKING:
    from .model.service import LocalService, Settings

#: The oldest release series of moto that passes the contract tests.
MOTO_FROM = (5, 1)

#: The first release series of moto that was not tested.
MOTO_BELOW = (5, 3)

_INSTALL = "To install a tested one, run pip install '.[local]' in Flowy's checkout."


def check_moto(found: str | None) -> None:
    """Check that moto is installed, in a tested version.

    Args:
        found: the installed version; None if moto is not installed.

    Raises:
        LocalSWFError: it is not; the text names the version found and those needed.
    """
    if found is None:
        raise LocalSWFError(f"Cannot start the local SWF: moto is not installed. {_INSTALL}")
    numbers = tuple(int(number) for number in re.findall(r"\d+", found)[:2])
    if not MOTO_FROM <= numbers < MOTO_BELOW:
        first, last = (".".join(map(str, version)) for version in (MOTO_FROM, MOTO_BELOW))
        raise LocalSWFError(
            f"Cannot start the local SWF: moto {found} is installed, but only moto >={first},"
            f"<{last} was tested. {_INSTALL}"
        )


def moto_version() -> str | None:
    """Return the installed version of moto; None if it is not installed."""
    try:
        return importlib.metadata.version("moto")
    except importlib.metadata.PackageNotFoundError:
        return None


def load_service() -> tuple[type[LocalService], type[Settings]]:
    """Import moto and the model built on it, which takes about half a second.

    Raises:
        LocalSWFError: moto or one of its requirements is missing, or this moto was not tested.
    """
    check_moto(moto_version())
    try:
        from .model.service import LocalService, Settings
    except ImportError as error:
        raise LocalSWFError(f"Cannot start the local SWF: {error}. {_INSTALL}") from error
    return LocalService, Settings
