"""Watches a worker's health from a thread of its own, and shows it wherever it was asked for."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Protocol

from ..concurrency.clock import SYSTEM_CLOCK, Clock
from ..concurrency.stop import StopFlag, StopLevel
from ..exception import HealthError
from ..safe_logging import get_logger
from .options import HealthOptions
from .vitals import Vitals, Watched

logger = get_logger(__name__)

#: How often a worker is looked at, in seconds.
LOOK_SECONDS = 1.0

#: How long the end of a worker waits for a look that is under way, in seconds.
END_SECONDS = 2.0


class Outlet(Protocol):
    """Where the health of a worker is shown."""

    def show(self, vitals: Vitals) -> None:
        """Show how the worker is; called every second, from one thread."""

    def close(self) -> None:
        """Show nothing more: the worker has ended."""


class HealthLog:
    """Logs when a worker stops being live, and when it is live again."""

    def __init__(self) -> None:
        self._live = True

    def show(self, vitals: Vitals) -> None:
        """Log what has changed."""
        if vitals.live is self._live:
            return
        self._live = vitals.live
        if vitals.live:
            logger.warning("The worker is live again.")
        else:
            logger.error("The worker is not live: %s. Restart it.", "; ".join(vitals.not_live))

    def close(self) -> None:
        """Log nothing more."""


class HealthWatch:
    """Looks at a worker every second while its block runs, and shows what it finds.

    Args:
        watched: the worker.
        options: the limits of what is live.
        outlets: where its health is shown.
        every_seconds: how often it is looked at.
        clock: by which it is.

    Raises:
        HealthError: from the start of the block: the health cannot be shown.
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
        self._look()  # a file that cannot be written is an error here, and not in the thread
        try:
            self._thread.start()
        except RuntimeError as error:
            raise HealthError(
                f"Cannot watch the health of the worker: the system gives no thread ({error}). "
                "Raise its limits."
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
    """Show the health of a worker while the block runs, as *options* say, and to systemd.

    Args:
        options: where it is shown.
        watched: the worker.
        environment: what systemd has set; None for the environment of the process.

    Raises:
        HealthError: the address cannot be listened on, or the file cannot be written.
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
