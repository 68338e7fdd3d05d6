"""The protocol of stores of suspended tasks."""

from __future__ import annotations

import math
from typing import Protocol

from ..invocation.outcome import TaskOutcome
from ..texts import cut_end, sendable
from .suspended_task import SuspendedTask

#: How many characters of a reason a store keeps: as many as SWF keeps of a failure's. Encrypted
#: details of a cancellation are kept whole, because a part could not be decrypted.
MAX_REASON_CHARS = 256


def kept_reason(text: str) -> str:
    """Return what a store keeps of why a task ended."""
    # As ``flowy.envelope`` writes it; this module has no need to import that.
    encrypted = text.startswith('{"$flowy": "codec/1"')
    return text if encrypted else cut_end(sendable(text), MAX_REASON_CHARS)


class TokenStore(Protocol):
    """A store of suspended tasks. Several processes and threads use it at once.

    Activities and applications call ``keep``, ``get``, ``find``, ``pending``, ``closed`` and
    ``close``; the keeper calls ``claim_due``, ``beat_in`` and ``drop_closed`` as well; signed
    handles call ``use_handle`` and ``return_handle``.

    Every method may raise ``TokenStoreError``: the store cannot be used.
    """

    def keep(self, task: SuspendedTask) -> SuspendedTask:
        """Keep *task* durably, with its first heartbeat due at once.

        If the store already has an open task with the same token, this task keeps its id; its note
        and deadline are replaced.

        Returns:
            The task as the store has it.

        Raises:
            SerializationError: its note is not JSON-serializable.
        """

    def get(self, task_id: str) -> SuspendedTask | None:
        """Return the task with this id, open or closed, or None."""

    def find(
        self,
        workflow_id: str,
        activity_id: str,
        run_id: str | None = None,
        *,
        domain: str | None = None,
    ) -> SuspendedTask | None:
        """Return the task with these ids of SWF's, or None.

        Args:
            workflow_id: the workflow id of its execution.
            activity_id: its activity id.
            run_id: the run id of its execution; None for any.
            domain: the SWF domain; None for any.

        Returns:
            The latest open task with these ids; if none is open, the latest closed one.
        """

    def pending(self, domain: str | None = None) -> list[SuspendedTask]:
        """Return the open tasks of *domain*, or of all domains, the oldest first."""

    def closed(self, limit: int = 50, domain: str | None = None) -> list[SuspendedTask]:
        """Return at most *limit* closed tasks, the latest first."""

    def close(
        self,
        task_id: str,
        outcome: TaskOutcome,
        reason: str | None = None,
        *,
        learned: bool = False,
    ) -> bool:
        """Mark a task as ended.

        A task ends once. But an end that this application sent (*learned* False) replaces an end
        that was learned from SWF, because the keeper may have read about the same end before it was
        marked.

        Returns:
            Whether this changed the task.
        """

    def claim_due(
        self, domain: str, lease_seconds: float, *, longest_seconds: float = math.inf
    ) -> SuspendedTask | None:
        """Return an open task with a due heartbeat, and put this heartbeat off.

        Only one of several keepers then sends it. If that keeper dies, another one claims the task
        after the lease.

        Args:
            domain: the SWF domain.
            lease_seconds: for how many seconds the heartbeat is put off.
            longest_seconds: a heartbeat that is due in more seconds than this is due now, because
                the wall clock was set back.

        Returns:
            The task, or None if no heartbeat is due.
        """

    def beat_in(
        self, task_id: str, seconds: float, *, cancel_requested: bool | None = None
    ) -> None:
        """Set when the next heartbeat of a task is due; at the latest right after its deadline.

        Args:
            task_id: the task; an id that is not in the store is ignored.
            seconds: the time until it is due, in seconds; 0 for at once.
            cancel_requested: the answer to the last heartbeat; None leaves the stored value.
        """

    def drop_closed(self, older_than_seconds: float) -> int:
        """Drop the tasks that were closed longer ago than this; return how many."""

    def use_handle(self, handle_id: str, task_id: str) -> bool:
        """Record atomically that a handle is used; return False if it was used before."""

    def return_handle(self, handle_id: str) -> None:
        """Record that a handle may be used again, because its use failed."""
