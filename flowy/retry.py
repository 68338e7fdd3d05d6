"""When to try again: back-off with jitter, and deadlines.

SWF throttles per account, so a fleet that is throttled together would come back together: every
pause is drawn at random from its upper half. Time is ``time.monotonic``; the wall clock may jump.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Backoff:
    """Pauses that double from *first_seconds* to *cap_seconds*, each drawn with jitter.

    One object serves one stretch of trouble; ``reset()`` when it is over.
    """

    first_seconds: float
    cap_seconds: float
    tries: int = field(default=0, init=False)

    def next_seconds(self) -> float:
        """Return the next pause, in seconds, between a half and the whole of its step."""
        step = min(self.cap_seconds, self.first_seconds * 2.0 ** min(self.tries, 30))
        self.tries += 1
        return step * (0.5 + random.random() / 2)  # noqa: S311 - jitter, no secret

    def reset(self) -> None:
        """Begin again at the first pause."""
        self.tries = 0


class Deadline:
    """A moment on the monotonic clock; None for never."""

    def __init__(
        self, seconds: float | None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._at = None if seconds is None else clock() + seconds

    def remaining_seconds(self) -> float | None:
        """Return the seconds left, 0 when it has passed, None for never."""
        return None if self._at is None else max(0.0, self._at - self._clock())

    @property
    def passed(self) -> bool:
        """Whether the moment has come."""
        return self._at is not None and self._clock() >= self._at

    def shorten(self, seconds: float) -> None:
        """Let it pass in *seconds* from now, unless it passes earlier."""
        at = self._clock() + seconds
        self._at = at if self._at is None else min(self._at, at)
