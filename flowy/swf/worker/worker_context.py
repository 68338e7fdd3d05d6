"""The context that all tasks of one worker share."""

from __future__ import annotations

import contextvars
import functools
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

from ...concurrency.clock import SYSTEM_CLOCK, Clock
from ...concurrency.forks import ProcessGuard
from ...concurrency.interruption import Interruption
from ...concurrency.retry import Deadline
from ...context import ActivityInfo, RunningActivity
from ...middleware import Middleware
from ...observer import Observers
from ..client import SWFClient
from ..values import ActivityDefaults, ActivityImplementation, ActivityTask, ActivityType
from .auto_heartbeats import AutoHeartbeats
from .journal import NoJournal, TaskJournal
from .report import Tally
from .responder import StopPolicy
from .serving_options import DEFAULT_HISTORY_RATE

if TYPE_CHECKING:
    from .history_reader import HistoryReader


@dataclass(frozen=True)
class WorkerContext:
    """What all task runs of one worker share.

    Attributes:
        activities: the activities that the worker serves.
        client: makes the calls to SWF.
        domain, task_list, identity: what the worker polls, and under which name.
        policy: how a stop treats running activities.
        on_unknown: ``"fail"`` or ``"abandon"`` a task whose type the worker does not serve.
        tally: counts how tasks end.
        journal: records open tasks.
        auto_heartbeats: sends heartbeats in the background.
        middleware: runs around each ``run``, outside the middleware of the class.
        observers: told about what happens.
        settled: called with each task run whose outcome is recorded; frees its slot.
        context: each run gets a copy of it.
        guard: detects a forked child of the worker.
        clock: measures the runs.
        slots: how many activities run at once; None if that is not known.
        start_level: the log level of the line about the start of a task.
        interruption: lets a third signal interrupt the runs and polls of the main thread.
        history_rate: how many histories are read a second, at most.
        sample: called with each task whose history was not read, when it has ended; or None.
    """

    activities: Mapping[ActivityType, ActivityImplementation]
    client: SWFClient
    domain: str
    task_list: str
    identity: str
    policy: StopPolicy
    on_unknown: Literal["abandon", "fail"] = "fail"
    tally: Tally = field(default_factory=Tally)
    journal: TaskJournal = field(default_factory=NoJournal)
    auto_heartbeats: AutoHeartbeats = field(default_factory=AutoHeartbeats)
    middleware: tuple[Middleware, ...] = ()
    observers: Observers = field(default_factory=Observers)
    settled: Callable[[Any], None] = lambda run: None
    context: contextvars.Context = field(default_factory=contextvars.copy_context)
    guard: ProcessGuard = field(default_factory=ProcessGuard)
    clock: Clock = SYSTEM_CLOCK
    slots: int | None = None
    start_level: int = logging.DEBUG
    interruption: Interruption = field(default_factory=lambda: Interruption(possible=False))
    history_rate: float = DEFAULT_HISTORY_RATE
    sample: Callable[[ActivityTask, ActivityInfo], object] | None = None

    @functools.cached_property
    def histories(self) -> HistoryReader:
        """Reads the histories of tasks, for those who ask."""
        from .history_reader import HistoryReader  # needed only by those who ask

        # Of two threads that make one at once, both get the one that was kept.
        made = HistoryReader(self.client, self.domain, self.history_rate, self.clock)
        return cast("HistoryReader", vars(self).setdefault("histories", made))

    def info_of(self, task: ActivityTask, defaults: ActivityDefaults | None) -> ActivityInfo:
        """Return what is known about a task; *defaults* are None if its type is unknown."""
        return ActivityInfo(
            name=task.type.name,
            version=task.type.version,
            activity_id=task.activity_id,
            workflow_id=task.workflow_id,
            run_id=task.run_id,
            domain=self.domain,
            task_list=self.task_list,
            started_event_id=task.started_event_id,
            identity=self.identity,
            heartbeat=defaults.heartbeat if defaults else None,
            schedule_to_close=defaults.schedule_to_close if defaults else None,
            schedule_to_start=defaults.schedule_to_start if defaults else None,
            start_to_close=defaults.start_to_close if defaults else None,
        )

    def running(self, info: ActivityInfo) -> RunningActivity:
        """Return what ``flowy.context`` shows of a task; its deadline counts from now."""
        declared = [
            seconds
            for seconds in (info.start_to_close, info.schedule_to_close)
            if seconds is not None
        ]
        deadline = Deadline(min(declared, default=None), clock=self.clock)
        return RunningActivity(info, deadline, self.policy.flag.is_set, self.slots)
