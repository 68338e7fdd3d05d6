"""When to try again: back-off with jitter, and deadlines.

SWF throttles per account. Workers that are throttled together would try again together, so each
pause is drawn at random from the upper half of its step.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from .clock import SYSTEM_CLOCK, Clock


@dataclass
class Backoff:
    """Pauses that double from *first_seconds* to *cap_seconds*, each drawn with jitter.

    Call ``reset()`` when a try has succeeded.
    """

    first_seconds: float
    cap_seconds: float
    tries: int = field(default=0, init=False)

    def next_seconds(self) -> float:
        """Return the next pause, in seconds, between a half and the whole of its step."""
        step = min(self.cap_seconds, self.first_seconds * 2.0 ** min(self.tries, 30))
        self.tries += 1
        return step * (0.5 + random.random() / 2)  # noqa: S311 - jitter, not a secret

    def reset(self) -> None:
        """Begin again at the first pause."""
        self.tries = 0


class Deadline:
    """A moment on the clock, *seconds* from now; None for never."""

    def __init__(self, seconds: float | None, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._at = None if seconds is None else clock.now() + seconds

    def remaining_seconds(self) -> float | None:
        """Return the seconds left, 0 when the moment has passed, None for never."""
        return None if self._at is None else max(0.0, self._at - self._clock.now())

    @property
    def passed(self) -> bool:
        """Whether the moment has come."""
        return self._at is not None and self._clock.now() >= self._at

    def shorten(self, seconds: float) -> None:
        """Move the moment to *seconds* from now, unless it is earlier than that."""
        at = self._clock.now() + seconds
        self._at = at if self._at is None else min(self._at, at)
