"""A file that shows the health of a worker, for probes that run a command and cannot reach a port.

A hung worker cannot write that it hangs, but its file gets old. So readers check the age of the
file before its content.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from ..concurrency.clock import SYSTEM_CLOCK, Clock
from ..exception import HealthError
from ..safe_logging import get_logger
from .vitals import Vitals

logger = get_logger(__name__)

#: The file is written again when it is this old, in seconds.
EVERY_SECONDS = 5.0

#: The default limit on the age of a file, in seconds.
MAX_AGE_SECONDS = 30.0


class HealthFile:
    """Writes the health of a worker to a file, and removes the file at the end.

    Args:
        path: the file; its folder must exist.
        clock: tells when to write again.
    """

    def __init__(self, path: str | os.PathLike[str], clock: Clock = SYSTEM_CLOCK) -> None:
        self._path = Path(path)
        self._clock = clock
        self._written: dict[str, Any] | None = None
        self._written_at = 0.0
        self._failed = False

    def show(self, vitals: Vitals) -> None:
        """Write the file if it is due or the health has changed.

        Raises:
            HealthError: the file could not be written the first time. Later failures are only
                logged, so that a full disk does not end the worker.
        """
        state = {"live": vitals.live, "ready": vitals.ready}
        due = self._clock.now() - self._written_at >= EVERY_SECONDS
        if state == self._written and not due:
            return
        said = {**state, "problems": [*vitals.not_live, *vitals.not_ready], "pid": os.getpid()}
        try:
            self._replace(json.dumps(said) + "\n")
        except OSError as error:
            if self._written is None:
                raise HealthError(
                    f"Cannot write the health file {self._path}: {error.strerror}. Give a path in "
                    "a folder that the worker may write to."
                ) from error
            if not self._failed:
                logger.warning("Health file %s not written: %s.", self._path, error.strerror)
            self._failed = True
            return
        self._written, self._written_at, self._failed = state, self._clock.now(), False

    def close(self) -> None:
        """Remove the file: a worker that has ended is neither live nor ready."""
        with contextlib.suppress(OSError):
            self._path.unlink()

    def _replace(self, text: str) -> None:
        """Replace the file in one step, so that readers never see half of it."""
        descriptor, name = tempfile.mkstemp(prefix=".flowy-health-", dir=self._path.parent)
        try:
            with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - it is open
                os.fchmod(descriptor, 0o644)
                file.write(text)
            Path(name).replace(self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def problems_of(
    path: Path, *, max_age_seconds: float = MAX_AGE_SECONDS, ready: bool = False
) -> list[str]:
    """Return why the worker of a health file is not live, or not ready; empty if it is.

    Args:
        path: the file.
        max_age_seconds: how old the file may be; if it is older, the worker hangs.
        ready: whether to check readiness instead of liveness.
    """
    try:
        age = abs(time.time() - path.stat().st_mtime)
        said = json.loads(path.read_text(encoding="utf-8"))
        well = said["ready" if ready else "live"]
        problems = [str(each) for each in said["problems"]]
    except FileNotFoundError:
        return [f"{path} is missing: the worker has not started, or has ended"]
    except OSError as error:
        return [f"{path} cannot be read: {error.strerror}"]
    except (ValueError, KeyError, TypeError):
        return [f"{path} is not a health file"]
    if age > max_age_seconds:
        return [f"{path} is {age:.0f} s old: the worker hangs, or was killed"]
    return [] if well is True else problems or ["the worker does not say why"]
