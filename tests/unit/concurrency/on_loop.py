"""Coroutines that a test starts on an event loop."""

from __future__ import annotations

import contextvars
import functools
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, NamedTuple

from flowy.concurrency.event_loop import EventLoop
from tests.patience import PATIENCE_SECONDS


class Started(NamedTuple):
    """A coroutine on the loop: what it ended with (None: it returned), and what cancels it."""

    ended: Future[BaseException | None]
    cancel: Callable[[], None]

    def result(self) -> BaseException | None:
        return self.ended.result(PATIENCE_SECONDS)


def start(
    loop: EventLoop,
    coroutine: Callable[[], Coroutine[Any, Any, object]],
    context: contextvars.Context | None = None,
) -> Started:
    """Start a coroutine on the loop."""
    ended: Future[BaseException | None] = Future()

    async def run() -> Callable[[], object]:
        await coroutine()
        return functools.partial(ended.set_result, None)

    cancel = loop.submit(run, ended.set_result, context or contextvars.Context())
    return Started(ended, cancel)
