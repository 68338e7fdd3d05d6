"""What the tests of deadlines take: a clock that the test turns, and calls in threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from typing import Any

import pytest

from flowy.swf.client.deadlines import CUT_INTERVAL_SECONDS, CallDeadlines
from tests.patience import PATIENCE_SECONDS
from tests.unit.clocks import TurnedClock

#: How often a test looks at a call in a thread, and how often a byte of an answer that trickles
#: comes, in seconds: long before any read timeout.
EVERY_SECONDS = 0.01

Aside = Callable[[Callable[[], Any]], Future[Any]]


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def deadlines(clock: TurnedClock) -> CallDeadlines:
    return CallDeadlines(clock)


@pytest.fixture
def aside() -> Iterator[Aside]:
    """Runs a call in a thread of its own."""
    with ThreadPoolExecutor(4) as threads:
        yield threads.submit


def error_after_cuts(future: Future[Any], clock: TurnedClock) -> BaseException | None:
    """Return what a call raised that is past its deadline; it may be between two reads."""
    for _ in range(round(PATIENCE_SECONDS / EVERY_SECONDS)):
        try:
            return future.exception(EVERY_SECONDS)
        except NotYet:
            clock.turn(CUT_INTERVAL_SECONDS)
    raise AssertionError("the call was not cut")
