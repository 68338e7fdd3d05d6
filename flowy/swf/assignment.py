"""One task in the hands of this worker: from what the poll brought to what is known at its end.

Between the two the task is written in the ledger, its heartbeats go out in the background where
its author asked for that, and a stop may cancel it or, at last, dismiss it.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from .. import reasons
from ..context import ActivityInfo, RunningActivity, entered
from ..failure import details_of, reason_of
from ..heartbeat import Background, Verdict
from ..retry import Deadline
from ..task import AsyncActivity
from .delivery import Calls, Ledger, NoLedger, StopPolicy, TaskScheduler
from .report import Tally
from .values import ActivityDefaults, ActivityImplementation, ActivityTask, ActivityType

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Desk:
    """What all assignments of one worker share.

    Attributes:
        activities: what the worker can run.
        calls: makes the calls to SWF.
        domain, task_list, identity: what the worker polls, and as whom.
        policy: what a stop means for what runs.
        on_unknown: ``"fail"`` or ``"abandon"`` a task of a type that is not there.
        tally: where ends are counted.
        ledger: where open tasks are written down.
        background: beats for those whose author asked for it.
    """

    activities: Mapping[ActivityType, ActivityImplementation]
    calls: Calls
    domain: str
    task_list: str
    identity: str
    policy: StopPolicy
    on_unknown: str
    tally: Tally
    ledger: Ledger = field(default_factory=NoLedger)
    background: Background = field(default_factory=Background)


class Assignment:
    """One task: run it by ``run()``, or await ``run_coroutine()`` where ``is_coroutine``."""

    def __init__(self, desk: Desk, task: ActivityTask) -> None:
        self._desk = desk
        self._task = task
        self._implementation = desk.activities.get(task.type)
        self._started_at = time.monotonic()
        self._counting = threading.Lock()  # taken once, never given back
        #: Cancels the coroutine that runs it; set by whoever started that.
        self.cancel: Callable[[], None] | None = None
        self._learned = Verdict.GO_ON  # by a background beat, the last that was acted upon
        defaults = self._implementation.defaults if self._implementation else None
        self._declared_end = _declared_end(defaults)
        self._scheduler = TaskScheduler(
            desk.calls,
            task.task_token,
            subject=str(task),
            heartbeat_seconds=defaults.heartbeat if defaults else None,
            start_to_close_seconds=defaults.start_to_close if defaults else None,
            policy=desk.policy,
            ledger=desk.ledger,
        )
        desk.ledger.enter(task.task_token, str(task))

    @property
    def is_coroutine(self) -> bool:
        """Whether it is to be run on an event loop."""
        found = self._implementation
        return found is not None and _is_async(found.factory)

    def run(self) -> None:
        """Run it to its end, whatever that is.

        Raises:
            KeyboardInterrupt, SystemExit: came out of the activity; the task was failed.
        """
        try:
            if self._implementation is None:
                self._refuse()
            else:
                with self._under_way(self._implementation):
                    self._make(self._implementation)()
        except BaseException as error:
            self._failed(error)
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
        finally:
            self._over()

    async def run_coroutine(self) -> None:
        """Run it to its end on the event loop; ``over()`` is the caller's to call."""
        assert self._implementation is not None
        with self._under_way(self._implementation):
            await self._make(self._implementation)()

    def over(self, error: BaseException | None = None) -> None:
        """Settle what a coroutine has left, and count the task."""
        if error is not None:
            self._failed(error)
        self._over()

    def give_up(self, error: BaseException) -> None:
        """Fail a coroutine's task with what ended the waiting for it, and cancel it."""
        self.over(error)
        if self.cancel is not None:
            self.cancel()

    def dismiss(self) -> None:
        """Deal with it as the stop's policy says, and wait for it no longer."""
        self._scheduler.dismiss()
        if self._scheduler.settled:
            self._count()

    @property
    def settled(self) -> bool:
        """Whether all is done that this worker will do for the task."""
        return self._scheduler.settled

    def __str__(self) -> str:
        return str(self._task)

    def _make(self, implementation: ActivityImplementation) -> Callable[[], Any]:
        task = self._task
        return implementation.factory(task.input, self._scheduler, task.task_token)

    @contextlib.contextmanager
    def _under_way(self, implementation: ActivityImplementation) -> Iterator[None]:
        policy = self._desk.policy
        running = RunningActivity(
            self._info(implementation), self._declared_end, policy.flag.is_set
        )
        with entered(running), self._beats(implementation):
            yield

    def _beats(self, implementation: ActivityImplementation) -> AbstractContextManager[None]:
        interval = implementation.auto_heartbeat_seconds
        if interval is None:
            return contextlib.nullcontext()
        return self._desk.background.beating(
            self._scheduler.heartbeats,
            interval_seconds=interval,
            max_stall_seconds=implementation.max_stall_seconds,
            told=self._told_in_background,
        )

    def _told_in_background(self, verdict: Verdict) -> None:
        """Cancel a coroutine, once for each cause: what it then does may take several beats."""
        if verdict in (self._learned, self._scheduler.told):
            return
        if self.is_coroutine and self.cancel is None:
            return  # it is being started just now: the next beat will tell
        self._learned = verdict
        logger.info("A background heartbeat of %s learned: %s.", self._task, verdict.value)
        if self.cancel is not None:
            self.cancel()

    def _refuse(self) -> None:
        has = ", ".join(sorted(map(str, self._desk.activities)))
        logger.error("This worker has no activity %s; it has %s.", self._task.type, has)
        if self._desk.on_unknown == "abandon":
            self._scheduler.leave_unknown()
        else:
            self._scheduler.fail(
                self._task.task_token,
                f"{reasons.UNKNOWN_ACTIVITY_TYPE}{self._task.type}. This worker has {has}.",
                f"Worker {self._desk.identity} has {has}.",
            )

    def _failed(self, error: BaseException) -> None:
        # An activity answers for all that its run does; this is for one whose author overrode
        # the constructor or the call.
        name = type(error).__qualname__
        if not self._scheduler.settled:
            logger.error("Activity %s broke: %s; SWF gets the reason.", self._task, name)
            self._scheduler.fail(self._task.task_token, reason_of(error), details_of(error))
        elif isinstance(error, Exception):
            logger.error("Activity %s broke after its answer: %s.", self._task, name)

    def _over(self) -> None:
        self._scheduler.let_go()
        self._count()

    def _count(self) -> None:
        if not self._counting.acquire(blocking=False):
            return  # a dismissal was faster
        outcome = self._scheduler.outcome
        self._desk.tally.note(outcome, str(self._task))
        logger.info(
            "Activity %s: %s after %.3f s.",
            self._task,
            outcome.value,
            time.monotonic() - self._started_at,
        )

    def _info(self, implementation: ActivityImplementation) -> ActivityInfo:
        desk, task, defaults = self._desk, self._task, implementation.defaults
        return ActivityInfo(
            name=task.type.name,
            version=task.type.version,
            activity_id=task.activity_id,
            workflow_id=task.workflow_id,
            run_id=task.run_id,
            domain=desk.domain,
            task_list=desk.task_list,
            started_event_id=task.started_event_id,
            identity=desk.identity,
            heartbeat=defaults.heartbeat,
            schedule_to_close=defaults.schedule_to_close,
            schedule_to_start=defaults.schedule_to_start,
            start_to_close=defaults.start_to_close,
        )


def _is_async(factory: object) -> bool:
    return isinstance(factory, type) and issubclass(factory, AsyncActivity)


def _declared_end(defaults: ActivityDefaults | None) -> Deadline:
    timeouts = (defaults.start_to_close, defaults.schedule_to_close) if defaults else ()
    declared = [seconds for seconds in timeouts if seconds is not None]
    return Deadline(min(declared, default=None))
