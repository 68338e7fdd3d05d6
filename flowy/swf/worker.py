"""The worker: polls, runs what a poll brings, and stops without losing a task.

SWF marks a task started when it hands it to a poll, and there is no acknowledgement. So at a
stop no new poll goes out, the one that is out is waited for, and what it brings is run.
"""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import time
from collections.abc import Mapping

from .. import reasons
from .._version import __version__
from ..context import ActivityInfo, entered
from ..failure import details_of, reason_of
from ..shutdown import StopFlag, StopLevel, stop_signals
from .client import SWFClient
from .poller import ActivityPoller
from .scheduler import ActivityScheduler, Outcome, TaskScheduler
from .values import MAX_NAME_CHARS, ActivityImplementation, ActivityTask, ActivityType

logger = logging.getLogger(__name__)


def default_identity() -> str:
    """Return host, process and version, which SWF keeps in the history, cut to 256 characters."""
    return f"{platform.node()}:{os.getpid()} flowy/{__version__}"[:MAX_NAME_CHARS]


class ActivityWorker:
    """Serves the activities of a scan on one task list, one task after the other.

    Args:
        client: what it speaks to SWF with.
        domain, task_list: what it polls.
        activities: what it can run.
        loop: how many polls must get an answer, a task or an empty one; -1 for no end.
        on_unknown: ``"fail"`` fails a task of a type that it does not have, ``"abandon"``
            leaves it to its timeout.
        signals: whether SIGINT and SIGTERM stop it, where it runs on the main thread.
    """

    def __init__(
        self,
        client: SWFClient,
        domain: str,
        task_list: str,
        activities: Mapping[ActivityType, ActivityImplementation],
        *,
        loop: int = -1,
        on_unknown: str = "fail",
        signals: bool = True,
    ) -> None:
        self._scheduler = ActivityScheduler(client)
        self._client = client
        self._domain = domain
        self._task_list = task_list
        self._activities = activities
        self._loop = loop
        self._on_unknown = on_unknown
        self._signals = signals
        self._identity = default_identity()
        self._stop = StopFlag()

    def stop(self) -> None:
        """Ask the worker to stop when the running task and the poll that is out are done.

        Any thread may call it. A second call hurries: ``heartbeat()`` answers False.
        """
        self._stop.raise_to(StopLevel(min(self._stop.level + 1, StopLevel.HURRY)))

    def run(self) -> None:
        """Poll and run until a stop is asked for, or until *loop* polls were answered.

        Raises:
            SWFError: the first polls were refused for good.
            KeyboardInterrupt, SystemExit: came out of an activity, whose task was failed.
        """
        poller = ActivityPoller(
            self._client,
            domain=self._domain,
            task_list=self._task_list,
            identity=self._identity,
            stop=self._stop,
        )
        signals = stop_signals(self._stop) if self._signals else contextlib.nullcontext()
        with signals:  # from the line on that says "started", a stop is one
            logger.info(
                "Worker started as %s: %d activity types, task list %s of domain %s.",
                self._identity,
                len(self._activities),
                self._task_list,
                self._domain,
            )
            self._serve(poller)
        logger.info("Worker stopped.")

    def _serve(self, poller: ActivityPoller) -> None:
        left = self._loop
        while left:
            try:
                answered, task = poller.poll()
            except KeyboardInterrupt:
                logger.warning(
                    "Worker interrupted during a poll; a task that it brings runs into its timeout."
                )
                raise
            if not answered:
                return
            left -= left > 0
            if task is not None:
                self._run(task)

    def _run(self, task: ActivityTask) -> None:
        started = time.monotonic()
        implementation = self._activities.get(task.type)
        scheduler = TaskScheduler(
            self._scheduler,
            subject=str(task),
            defaults=implementation.defaults if implementation else None,
            stop=self._stop,
        )
        try:
            if implementation is None:
                self._refuse(task, scheduler)
            else:
                self._call(task, implementation, scheduler)
        finally:
            logger.info(
                "Activity %s: %s after %.3f s.",
                task,
                scheduler.outcome.value,
                time.monotonic() - started,
            )

    def _call(
        self, task: ActivityTask, implementation: ActivityImplementation, scheduler: TaskScheduler
    ) -> None:
        with entered(self._info(task, implementation)):
            try:
                implementation.factory(task.input, scheduler, task.task_token)()
            except BaseException as error:
                # An activity answers for all that its run does; this is for one whose author
                # overrode the constructor or the call.
                if scheduler.outcome is Outcome.OPEN:
                    logger.error("Activity %s broke: %s.", task, type(error).__qualname__)
                    scheduler.fail(task.task_token, reason_of(error), details_of(error))
                elif isinstance(error, Exception):
                    logger.error(
                        "Activity %s broke after its answer: %s.", task, type(error).__qualname__
                    )
                if isinstance(error, KeyboardInterrupt | SystemExit):
                    raise

    def _refuse(self, task: ActivityTask, scheduler: TaskScheduler) -> None:
        has = ", ".join(sorted(map(str, self._activities)))
        logger.error("This worker has no activity %s; it has %s.", task.type, has)
        if self._on_unknown == "abandon":
            scheduler.give_up(task.task_token)
        else:
            reason = f"{reasons.UNKNOWN_ACTIVITY_TYPE}{task.type}. This worker has {has}."
            scheduler.fail(task.task_token, reason, f"Worker {self._identity} has {has}.")

    def _info(self, task: ActivityTask, implementation: ActivityImplementation) -> ActivityInfo:
        defaults = implementation.defaults
        return ActivityInfo(
            name=task.type.name,
            version=task.type.version,
            activity_id=task.activity_id,
            workflow_id=task.workflow_id,
            run_id=task.run_id,
            domain=self._domain,
            task_list=self._task_list,
            started_event_id=task.started_event_id,
            identity=self._identity,
            heartbeat=defaults.heartbeat,
            schedule_to_close=defaults.schedule_to_close,
            schedule_to_start=defaults.schedule_to_start,
            start_to_close=defaults.start_to_close,
        )
