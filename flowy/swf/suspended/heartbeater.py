"""Sends the heartbeat of one suspended task, and reacts to SWF's answer.

Only the answer to a heartbeat tells that SWF closed a task, or that its cancellation was requested.
"""

from __future__ import annotations

import contextlib
import threading
import time

from ...exception import (
    CredentialsError,
    SWFError,
    TokenStoreError,
    TransientError,
    UnknownResourceError,
)
from ...invocation.outcome import TaskOutcome
from ...logs import log_keys
from ...safe_logging import get_logger
from ...tokens import SuspendedTask, TokenStore
from ..client import SWFClient
from ..client.setup_errors import refuses_every_call
from .end_recorder import EndRecorder
from .outage import OutageDetector
from .schedule import LEASE_SECONDS, RETRY_SECONDS, HeartbeatSchedule

logger = get_logger(__name__)

#: SWF closes every execution after a year, in seconds (SWF's quotas).
LONGEST_EXECUTION_SECONDS = 366 * 86_400.0

#: The details of the answer to a requested cancellation.
CANCELED_DETAILS = "Canceled on request while it was suspended."


class SuspendedTaskHeartbeater:
    """Sends heartbeats for tasks that the keeper claimed; thread-safe.

    Args:
        domain: the SWF domain.
        store: where the tasks are kept.
        client: makes the calls.
        answers: whether to answer a requested cancellation; False only marks it in the store.
        schedule: when a task's next heartbeat is due.
        outage: is told whether each heartbeat got through.
    """

    def __init__(
        self,
        domain: str,
        store: TokenStore,
        client: SWFClient,
        *,
        answers: bool,
        schedule: HeartbeatSchedule,
        outage: OutageDetector,
    ) -> None:
        self._store = store
        self._client = client
        self._recorder = EndRecorder(domain, store, client, schedule)
        self._answers = answers
        self._schedule = schedule
        self._outage = outage
        self._lock = threading.Lock()
        self._under_way: set[str] = set()  # ids of tasks

    def heartbeat(self, task: SuspendedTask) -> None:
        """Send the heartbeat of *task* and react to the answer.

        If its last heartbeat is still under way, only the lease is renewed: it is short, in case
            this process is killed, and a call to SWF may take longer.

        Errors of SWF and of the store are logged, not raised; the next heartbeat comes anyway.
        """
        self._shorten_lease(task)
        with self._lock:
            if task.id in self._under_way:
                return
            self._under_way.add(task.id)
        try:
            self._heartbeat(task)
        except TokenStoreError as error:
            logger.warning(
                "%s The answer to the heartbeat of task %s was not recorded; the next heartbeat "
                "tries again.",
                error,
                task.id,
                extra=log_keys("heartbeat_failed", task.info),
            )
        finally:
            with self._lock:
                self._under_way.discard(task.id)

    def _heartbeat(self, task: SuspendedTask) -> None:
        try:
            cancel_requested = self._client.record_activity_task_heartbeat(task.token)
        except UnknownResourceError:
            self._outage.got_through()
            self._recorder.learn(task)
        except (TransientError, CredentialsError) as error:
            self._outage.not_sent(task, error)
            self._store.beat_in(task.id, RETRY_SECONDS)
        except SWFError as error:
            if refuses_every_call(error):  # SWF did not see the token
                self._outage.not_sent(task, error)
                self._store.beat_in(task.id, RETRY_SECONDS)
                return
            self._outage.got_through()
            self._handle_refusal(task, error)
        else:
            self._outage.got_through()
            self._handle_answer(task, cancel_requested)

    def _handle_answer(self, task: SuspendedTask, cancel_requested: bool) -> None:
        if cancel_requested and self._answers:
            self._cancel(task)
            return
        if cancel_requested and not task.cancel_requested:
            logger.info(
                "The cancellation of %s, task %s, was requested.",
                task,
                task.id,
                extra=log_keys("status_changed", task.info),
            )
        self._store.beat_in(
            task.id, self._schedule.interval_seconds(task), cancel_requested=cancel_requested
        )

    def _shorten_lease(self, task: SuspendedTask) -> None:
        lease = self._schedule.lease_seconds(task)
        if lease < LEASE_SECONDS:
            with contextlib.suppress(TokenStoreError):  # the heartbeat matters more
                self._store.beat_in(task.id, lease)

    def _cancel(self, task: SuspendedTask) -> None:
        """Answer *canceled*, as the decider requested."""
        try:
            self._client.respond_activity_task_canceled(task.token, CANCELED_DETAILS)
        except UnknownResourceError:
            self._recorder.learn(task)
        except SWFError as error:
            passing = isinstance(error, TransientError | CredentialsError)
            passing = passing or refuses_every_call(error)
            pause = RETRY_SECONDS if passing else self._schedule.interval_seconds(task)
            logger.warning(
                "The cancellation of %s, task %s, was requested, but SWF did not accept the answer "
                "(%s). Trying again in %.0f s.",
                task,
                task.id,
                error.fault,
                pause,
                extra=log_keys("answer_failed", task.info, fault=error.fault),
            )
            self._store.beat_in(task.id, pause, cancel_requested=True)
        else:
            self._recorder.record(task, TaskOutcome.CANCELED, CANCELED_DETAILS, learned=False)

    def _handle_refusal(self, task: SuspendedTask, error: SWFError) -> None:
        """If SWF cannot read the task's token, give the task up only after its deadline.

        The token may be one of another region, or of a local SWF.
        """
        longest = task.suspended_at + LONGEST_EXECUTION_SECONDS
        if time.time() > (longest if task.deadline is None else task.deadline):
            reason = f"SWF refuses its token: {error.fault}"
            self._recorder.record(task, TaskOutcome.CLOSED, reason, learned=True)
            return
        pause = self._schedule.interval_seconds(task)
        logger.error(
            "Heartbeat of %s, task %s, refused (%s): is this the right region? Trying again in "
            "%.0f s.",
            task,
            task.id,
            error.fault,
            pause,
            extra=log_keys("heartbeat_failed", task.info, fault=error.fault),
        )
        self._store.beat_in(task.id, pause)
