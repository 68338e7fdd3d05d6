"""The current state of a worker, from its own records alone, without asking SWF.

A probe that asked SWF would fail in an outage. An orchestrator would then restart the whole fleet,
which would not help, and would lose the tasks that run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from ..._version import __version__
from ...concurrency.clock import Clock
from ...health import HealthOptions
from ...health.loop_watch import LoopWatch
from ...health.vitals import Vitals
from ...nouns import counted
from .poller_record import HELD_SECONDS, PollerRecord, PollerState
from .runner import Runner
from .slots import Slots
from .task_run import TaskRun
from .worker_context import WorkerContext


class WorkerState:
    """The current state of one worker; any thread may read it.

    Args:
        worker: the context that its tasks share.
        slots: its slots.
        records: the records of its pollers.
        runner: runs its tasks.
    """

    def __init__(
        self, worker: WorkerContext, slots: Slots, records: Sequence[PollerRecord], runner: Runner
    ) -> None:
        self._worker = worker
        self._slots = slots
        self._records = records
        self._runner = runner
        self._loop_watch: LoopWatch | None = None

    def look(self) -> None:
        """Check that the event loop responds."""
        loop = self._runner.event_loop
        if self._loop_watch is None and loop is not None:
            self._loop_watch = LoopWatch(loop, self._worker.clock)
        if self._loop_watch is not None:
            self._loop_watch.look()

    def vitals(self, options: HealthOptions) -> Vitals:
        """Return the health of the worker; a worker that stops stays live."""
        stopping = self._is_stopping
        return Vitals(
            not_live=() if stopping else (*self._poller_troubles(), *self._block(options)),
            not_ready=tuple(self._not_ready()),
            stopping=stopping,
            summary=f"{self._phase}, tasks in {len(self._slots.running)} of "
            f"{counted(self._worker.slots or 0, 'slot')}, {counted(self._polls_out, 'poll')} out",
        )

    def status(self) -> dict[str, Any]:
        """Return the status as JSON, without any token, input, result or details."""
        worker, slots = self._worker, self._slots
        runs = sorted(slots.running, key=lambda run: run.started_at)
        return {
            "version": __version__,
            "pid": os.getpid(),
            "identity": worker.identity,
            "domain": worker.domain,
            "task_list": worker.task_list,
            "phase": self._phase,
            "slots": worker.slots,
            "slots_used": len(runs),
            "polls_out": self._polls_out,
            "pollers": [
                {"state": each.state.name.lower(), "seconds": _rounded(each.seconds)}
                for each in list(self._records)
            ],
            "loop_blocked_seconds": _rounded(self._blocked),
            "loop_blocked_by": None if self._loop_watch is None else self._loop_watch.blocked_by,
            "ended": {
                outcome.name.lower(): number for outcome, number in worker.tally.counts().items()
            },
            "tasks": [_task(run, worker.clock) for run in runs],
        }

    def print(self) -> None:
        """Write the status to standard error, with the stacks of all that runs."""
        from ...health.stacks import print_state

        def activities() -> dict[int, str]:
            """Return the activity of each thread that has one."""
            runs = [(run.thread_id, str(run)) for run in self._slots.running]
            return {thread_id: name for thread_id, name in runs if thread_id is not None}

        print_state(self.status, self._runner.event_loop, activities)

    @property
    def _is_stopping(self) -> bool:
        return self._worker.policy.flag.is_set()

    @property
    def _phase(self) -> str:
        if self._is_stopping:
            return "stopping"
        return "serving" if self._records else "starting"

    @property
    def _polls_out(self) -> int:
        """How many polls are out; a poller that waits to poll again has none."""
        return sum(each.state is PollerState.POLLING for each in list(self._records))

    @property
    def _blocked(self) -> float | None:
        return None if self._loop_watch is None else self._loop_watch.blocked_seconds

    def _poller_troubles(self) -> Iterator[str]:
        for number, record in enumerate(list(self._records)):
            trouble = record.trouble
            if trouble is not None:
                yield f"poller {number} {trouble}"

    def _block(self, options: HealthOptions) -> Iterator[str]:
        seconds = self._blocked or 0.0
        if 0 < options.max_block <= seconds:
            yield f"the event loop has been blocked for {seconds:.0f} s"

    def _not_ready(self) -> Iterator[str]:
        if self._is_stopping:
            yield "it stops"
        elif not self._records:
            yield "it does not poll yet"
        elif not any(record.is_served for record in list(self._records)):
            yield f"SWF has not answered a poll, nor held one for {HELD_SECONDS:.0f} s"


def _task(run: TaskRun, clock: Clock) -> dict[str, Any]:
    info, beat_at = run.info, run.heartbeats.accepted_at
    return {
        "activity": info.name,
        "version": info.version,
        "activity_id": info.activity_id,
        "workflow_id": info.workflow_id,
        "run_id": info.run_id,
        "since": _moment(run.started_at, clock),
        "seconds": _rounded(clock.now() - run.started_at),
        "last_heartbeat": None if beat_at is None else _moment(beat_at, clock),
        "status": run.status.current.name.lower(),
        "remaining_seconds": _rounded(run.running.deadline.remaining_seconds()),
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def _moment(at: float, clock: Clock) -> str:
    """Return a time of the clock in ISO 8601, in UTC."""
    moment = datetime.now(timezone.utc) - timedelta(seconds=clock.now() - at)
    return moment.isoformat(timespec="seconds")
