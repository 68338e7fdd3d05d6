"""A call of an author's class as a worker makes it."""

from __future__ import annotations

import asyncio
from typing import Any

from flowy.invocation import (
    Answer,
)
from flowy.swf.worker.activity_call import ActivityCall, is_async
from flowy.swf.worker.run_scheduler import RunScheduler
from tests.unit.swf.worker.runs import TYPE, Case, RecordingRun, task


class Call:
    """A call of an author's class.

    Attributes:
        run: gets what the activity answers by itself.
        heartbeats_told: how often a background heartbeat was told of.
    """

    def __init__(self, case: Case, factory: Any, *, input: str = "[[], {}]", **worker: Any) -> None:
        shared = case.context(factory, **worker)
        brought = task(input=input)
        implementation = shared.activities[TYPE]
        self.run = RecordingRun(case.calls, case.clock)
        self.heartbeats_told = 0
        self.call = ActivityCall(
            worker=shared,
            implementation=implementation,
            task=brought,
            running=shared.running(shared.info_of(brought, implementation.defaults)),
            scheduler=RunScheduler(self.run),
            status=self.run.status,
            heartbeats=self.run.heartbeats,
            heartbeat_sent=self._heartbeat_told,
        )

    def answer(self) -> Answer | None:
        """Run it in this thread, or a coroutine on a loop of this thread's."""
        if not is_async(self.call.implementation):
            return self.call.answer()
        return asyncio.run(self.call.conclusion())()

    def _heartbeat_told(self) -> None:
        self.heartbeats_told += 1
