"""Context variables: what one run sets is gone in the next one, wherever both run."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from typing import Any

import pytest

from flowy import Activity, AsyncActivity, activity
from flowy.local import LocalSWF
from flowy.middleware import Run, around
from flowy.testing import LocalWorker

#: More tasks than a worker of these tests has threads, so that some share one.
TASKS = 4

given: ContextVar[str] = ContextVar("given", default="nothing")
left: ContextVar[str] = ContextVar("left", default="nothing")


def look() -> list[Any]:
    """Return what the context holds, and leave something in it."""
    seen = [given.get(), left.get()]
    left.set("left by a run before")
    return seen


@activity("threaded", 1, "list")
class Threaded(Activity):
    def run(self) -> list[Any]:
        return [*look(), threading.get_ident()]


@activity("coroutine", 1, "list")
class Coroutine(AsyncActivity):
    async def run(self) -> list[Any]:
        seen = look()
        await asyncio.sleep(0)
        return [*seen, threading.get_ident()]


@pytest.mark.parametrize("kind", [Threaded, Coroutine])
@pytest.mark.parametrize("concurrency", [1, 3])
def test_each_run_has_a_context_of_its_own(
    local_swf: LocalSWF, domain: str, kind: type[Activity], concurrency: int
) -> None:
    """A run sees what was set before the worker was made, and nothing of the runs before."""
    mark = given.set("before the start")
    try:
        worker = LocalWorker(local_swf, domain, kind, concurrency=concurrency)
    finally:
        given.reset(mark)
    with worker:
        runs = [worker.call(kind) for _ in range(TASKS)]
    assert [run[:2] for run in runs] == [["before the start", "nothing"]] * TASKS
    threads = {thread for *_, thread in runs}
    assert len(threads) < TASKS  # they did follow one another in a thread


@pytest.mark.parametrize("kind", [Threaded, Coroutine])
def test_a_run_sees_what_its_middleware_sets(
    local_swf: LocalSWF, domain: str, kind: type[Activity]
) -> None:
    """Middleware shares the context of the run, and sees what the run has set."""
    after: list[str] = []

    class Setting:
        def __enter__(self) -> None:
            given.set("by middleware")

        def __exit__(self, *_: object) -> None:
            after.append(left.get())

    def setting(run: Run) -> Setting:
        return Setting()

    with LocalWorker(local_swf, domain, kind, middleware=[around(setting)]) as worker:
        assert worker.call(kind)[:2] == ["by middleware", "nothing"]
    assert after == ["left by a run before"]
