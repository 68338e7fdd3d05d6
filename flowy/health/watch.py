"""Watches the health of a worker on a thread of its own, and shows it at all outlets."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Protocol

from ..concurrency.clock import SYSTEM_CLOCK, Clock
from ..concurrency.stop import StopFlag, StopLevel
from ..exception import HealthError
from ..logs import log_keys
from ..safe_logging import get_logger
from .options import HealthOptions
from .vitals import Vitals, Watched

logger = get_logger(__name__)

#: The time between two looks at a worker, in seconds.
LOOK_SECONDS = 1.0

#: How long the end of a worker waits for the current look, in seconds.
END_SECONDS = 2.0


class Outlet(Protocol):
    """A place that shows the health of a worker."""

    def show(self, vitals: Vitals) -> None:
        """Show the current health; called every second, always on the same thread."""

    def close(self) -> None:
        """Clean up: the worker has ended."""


class HealthLog:
    """Logs when a worker stops being live, and when it is live again."""

    def __init__(self) -> None:
        self._live = True

    def show(self, vitals: Vitals) -> None:
        """Log a change."""
        if vitals.live is self._live:
            return
        self._live = vitals.live
        if vitals.live:
            logger.warning("The worker is live again.", extra=log_keys("worker_live"))
        else:
            problems = "; ".join(vitals.not_live)
            extra = log_keys("worker_not_live", fault=problems)
            logger.error("The worker is not live: %s. Restart it.", problems, extra=extra)

    def close(self) -> None:
        """Do nothing: a log needs no cleanup."""


class HealthWatch:
    """Looks at a worker every second while its block runs, and shows what it finds.

    Args:
        watched: the worker.
        options: the limits for a live worker.
        outlets: they show its health.
        every_seconds: the time between two looks.
        clock: measures that time.

    Raises:
        HealthError: raised at the start of the block if the health cannot be shown.
    """

    def __init__(
        self,
        watched: Watched,
        options: HealthOptions,
        outlets: Sequence[Outlet],
        *,
        every_seconds: float = LOOK_SECONDS,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._watched = watched
        self._options = options
        self._outlets = outlets
        self._every_seconds = every_seconds
        self._ended = StopFlag(clock)
        self._thread = threading.Thread(target=self._work, name="flowy-health", daemon=True)

    def __enter__(self) -> HealthWatch:
        self._look()  # here, not on the thread, so that an outlet that cannot work is an error
        try:
            self._thread.start()
        except RuntimeError as error:
            raise HealthError(
                f"Cannot watch the health of the worker: a thread cannot be started ({error}). "
                "Raise the limits of the system."
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.raise_to(StopLevel.DRAIN)
        self._thread.join(END_SECONDS)
        for outlet in self._outlets:
            outlet.close()

    def _work(self) -> None:
        while not self._ended.wait(self._every_seconds):
            try:
                self._look()
            except BaseException:
                logger.exception("A look at the worker's health failed; the next one follows.")

    def _look(self) -> None:
        self._watched.look()
        vitals = self._watched.vitals(self._options)
        for outlet in self._outlets:
            outlet.show(vitals)


@contextmanager
def health_shown(
    options: HealthOptions, watched: Watched, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Show the health of a worker while the block runs, as *options* say and to systemd.

    Args:
        options: where to show it.
        watched: the worker.
        environment: the variables that systemd sets; None for the environment of the process.

    Raises:
        HealthError: the server cannot listen on the address, or the file cannot be written.
    """
    from .file import HealthFile
    from .systemd import notifier_from

    outlets: list[Outlet] = [HealthLog()]
    every_seconds = LOOK_SECONDS
    if options.file is not None:
        outlets.append(HealthFile(options.file))
    notifier = notifier_from(os.environ if environment is None else environment)
    if notifier is not None:
        outlets.append(notifier)
        every_seconds = min(every_seconds, (notifier.watchdog_seconds or LOOK_SECONDS * 3) / 3)
    with ExitStack() as stack:
        if options.http is not None:
            from .server import serving

            stack.enter_context(serving(options, watched))
        stack.enter_context(HealthWatch(watched, options, outlets, every_seconds=every_seconds))
        yield
