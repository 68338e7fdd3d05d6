"""The handlers of signals that a test sets, and those that are set."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from flowy.concurrency.signals import STOP_SIGNALS

Handler = Callable[[int, FrameType | None], None]


@contextmanager
def handlers_of_the_test() -> Iterator[Handler]:
    """Put a handler of ours for all stop signals, and those before back at the end."""

    def mine(_number: int, _frame: FrameType | None) -> None:
        """What an embedding program has set."""

    before = {number: signal.signal(number, mine) for number in STOP_SIGNALS}
    try:
        yield mine
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def handlers() -> set[object]:
    """Return the present handlers of the stop signals."""
    return {signal.getsignal(number) for number in STOP_SIGNALS}
