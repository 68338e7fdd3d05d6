"""Records in the store how a suspended task ended.

SWF answers a call for a closed task only with "unknown". How the task ended is in the history of
its execution, for as long as SWF keeps that.
"""

from __future__ import annotations

from ...exception import SWFError, TransientError, UnknownResourceError
from ...invocation.outcome import TaskOutcome
from ...logs import log_keys
from ...safe_logging import get_logger
from ...tokens import SuspendedTask, TokenStore
from ...tokens.store import kept_reason
from ..client import SWFClient
from ..history import Ending, ending_of_task
from .schedule import HISTORY_RETRY_SECONDS, HeartbeatSchedule

logger = get_logger(__name__)

#: The part of SWF's message that shows that the domain is unknown, not the execution.
_UNKNOWN_DOMAIN = "Unknown domain"


class EndRecorder:
    """Records how tasks of one domain ended; thread-safe.

    Args:
        domain: the SWF domain.
        store: where the tasks are kept.
        client: reads the histories.
        schedule: when the next heartbeat of a task is due, if its end cannot be recorded.
    """

    def __init__(
        self, domain: str, store: TokenStore, client: SWFClient, schedule: HeartbeatSchedule
    ) -> None:
        self._domain = domain
        self._store = store
        self._client = client
        self._schedule = schedule

    def record(
        self, task: SuspendedTask, outcome: TaskOutcome, reason: str | None, *, learned: bool
    ) -> None:
        """Mark *task* as ended.

        Args:
            task: the task.
            outcome: how it ended.
            reason: why, cut to 256 characters unless it is encrypted; or None.
            learned: True if it was ended elsewhere, False if the keeper answered for it.

        Raises:
            TokenStoreError: the store cannot be used.
        """
        kept = None if reason is None else kept_reason(reason)
        if self._store.close(task.id, outcome, kept, learned=learned):
            extra = log_keys("task_ended", task.info, outcome=outcome.name.lower())
            logger.info("Suspended task %s of %s: %s.", task.id, task, outcome.value, extra=extra)

    def learn(self, task: SuspendedTask) -> None:
        """Find out how *task*, which is closed at SWF, ended, and mark it so.

        If the history cannot be read, the task stays open in the store, to be tried again later.

        Raises:
            TokenStoreError: the store cannot be used.
        """
        try:
            ended = self._ending(task)
        except UnknownResourceError as error:
            if _UNKNOWN_DOMAIN in str(error):
                self._report_wrong_place(task)
                return
            ended = Ending(TaskOutcome.CLOSED, "its history is gone")
        except TransientError as error:
            logger.warning(
                "%s, task %s, is closed, but its history cannot be read now (%s). Trying again in "
                "%.0f s.",
                task,
                task.id,
                error.fault,
                HISTORY_RETRY_SECONDS,
                extra=log_keys("task_closed", task.info, fault=error.fault),
            )
            self._store.beat_in(task.id, HISTORY_RETRY_SECONDS)
            return
        except SWFError as error:  # the task is closed in any case
            ended = Ending(TaskOutcome.CLOSED, f"its history cannot be read: {error.fault}")
        self.record(task, ended.outcome, _reason(ended), learned=True)

    def _ending(self, task: SuspendedTask) -> Ending:
        info = task.info
        events = self._client.get_workflow_execution_history(
            self._domain, info.workflow_id, info.run_id
        )
        ended = ending_of_task(events, info.started_event_id)
        return ended or Ending(TaskOutcome.CLOSED, "its history does not say how")

    def _report_wrong_place(self, task: SuspendedTask) -> None:
        """Log that SWF does not know the domain, so its answer tells nothing about the task."""
        pause = self._schedule.interval_seconds(task)
        logger.error(
            "Cannot send heartbeats for %s, task %s: SWF does not know domain %s. Check the region "
            "and the account. Trying again in %.0f s.",
            task,
            task.id,
            self._domain,
            pause,
            extra=log_keys("heartbeat_failed", task.info),
        )
        self._store.beat_in(task.id, pause)


def _reason(ended: Ending) -> str | None:
    """Return why a task ended; if it was canceled, that is in its details."""
    said = ended.text if ended.outcome is TaskOutcome.CANCELED else ended.reason
    return said or None
