"""Opens and closes the state file of a local SWF, with one error for all its possible faults.

SWF keeps its state for its users; a local SWF has a file, which may be damaged, belong to another
program, or be on a full disk.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..exception import LocalSWFError

if TYPE_CHECKING:
    from .model.service import LocalService

logger = logging.getLogger(__name__)


def open_service(
    make: Callable[[], LocalService], domain: str | None, state: Path | None
) -> LocalService:
    """Make a service, which reads its state, and register its domain if it has one.

    Raises:
        LocalSWFError: the state cannot be read or written, or SWF refuses the domain. The file is
            unlocked again.
    """
    try:
        service = make()
        try:
            if domain is not None:
                service.register_domain(domain)
        except BaseException:
            close_service(service, state)
            raise
    except LocalSWFError:
        raise
    except OSError as error:
        raise LocalSWFError(
            f"Cannot keep the state of the local SWF in {state}: {error.strerror or error}. Name "
            "another file."
        ) from error
    except Exception as error:
        if state is None:
            raise
        # The lines are complete, but from another version or program.
        raise LocalSWFError(
            f"Cannot read the state of a local SWF from {state}: this version of Flowy cannot "
            f"restore it ({type(error).__name__}: {error}). Name another file, or move this one "
            "away."
        ) from error
    return service


def close_service(service: LocalService, state: Path | None) -> None:
    """Save the clock and unlock the file, even if its disk is full."""
    try:
        service.release_state()
    except OSError as error:
        service._journal.close()
        logger.warning(
            "Cannot write the end of the state of the local SWF to %s: %s. It contains "
            "everything that SWF confirmed to a client.",
            state,
            error.strerror or error,
        )
