"""What is known of a suspended task, and what a store of them must be able to do.

Time is the wall clock's here, seconds since the epoch, where the rest of the house counts on
``time.monotonic``: what is kept must hold across restarts and reboots, and in other processes,
and the monotonic clock of one boot says nothing in the next.
"""

from __future__ import annotations

import enum
import math
import secrets
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..context import ActivityInfo

#: A store keeps as much of a reason as SWF does of a failure's, in characters.
MAX_REASON_CHARS = 256


class TaskState(enum.Enum):
    """What has become of a suspended task, as far as its store knows."""

    OPEN = "open"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    TIMED_OUT = "timed out"
    WORKFLOW_CLOSED = "workflow closed"
    CLOSED = "closed"  #: How is not known: its history is gone, or cannot be read.


@dataclass(frozen=True)
class SuspendedTask:
    """One suspended task. Neither its token nor its note is ever in its ``repr``.

    Attributes:
        token: names the task at SWF, and is a credential: who holds it can end the task.
        info: its type, ids, domain and declared timeouts.
        note: what the activity left for whoever finishes it: a value that JSON can say.
        suspended_at: when it was kept, in seconds since the epoch.
        deadline: when SWF times it out by the declared timeouts, in seconds since the epoch; None
            where they set no limit. An estimate: a workflow may override them.
        id: names the row of the store; no secret.
        state: what has become of it.
        reason: why, where there is one: the failure's reason, the type of the timeout.
        closed_at: when this store learned of its end, in seconds since the epoch; None while it
            is open.
        learned: whether it was ended elsewhere, and this store learned of it from SWF.
        cancel_requested: whether SWF has told that its cancellation was requested.
    """

    token: str = field(repr=False)
    info: ActivityInfo
    note: Any = field(default=None, repr=False)
    suspended_at: float = field(default_factory=time.time)
    deadline: float | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    state: TaskState = TaskState.OPEN
    reason: str | None = None
    closed_at: float | None = None
    learned: bool = False
    cancel_requested: bool = False

    @property
    def is_open(self) -> bool:
        """Whether nobody has ended it, as far as is known."""
        return self.state is TaskState.OPEN

    @property
    def workflow_id(self) -> str:
        """The workflow id of its execution."""
        return self.info.workflow_id

    @property
    def run_id(self) -> str:
        """The run id of its execution."""
        return self.info.run_id

    @property
    def activity_id(self) -> str:
        """Its activity id, chosen by the workflow."""
        return self.info.activity_id

    def remaining(self, now: float | None = None) -> float | None:
        """Return how many seconds are left until its deadline, 0 when it has passed.

        Args:
            now: in seconds since the epoch; None for the present.

        Returns:
            None where it has no deadline.
        """
        if self.deadline is None:
            return None
        return max(0.0, self.deadline - (time.time() if now is None else now))

    def __str__(self) -> str:
        return str(self.info)


class TokenStore(Protocol):
    """Where suspended tasks are kept; several processes and threads use one at once.

    All of its methods may raise ``TokenStoreError`` where the store cannot be used.
    """

    # For activities and applications

    def keep(self, task: SuspendedTask) -> SuspendedTask:
        """Keep *task* durably, and return it as it is kept. Its first beat is due at once.

        Where its token is there already and open, its note and deadline are replaced and its id
        stays.

        Raises:
            SerializationError: its note has no JSON form.
        """

    def get(self, task_id: str) -> SuspendedTask | None:
        """Return the task of this id, open or closed; None where there is none."""

    def find(
        self,
        workflow_id: str,
        activity_id: str,
        run_id: str | None = None,
        *,
        domain: str | None = None,
    ) -> SuspendedTask | None:
        """Return the task that people know by these ids; None where there is none.

        Of several the latest, an open one before any that is closed. *run_id* and *domain* None
        take any.
        """

    def pending(self, domain: str | None = None) -> list[SuspendedTask]:
        """Return the open tasks, oldest first; *domain* None takes all."""

    def closed(self, limit: int = 50, domain: str | None = None) -> list[SuspendedTask]:
        """Return those that were closed, the latest first, *limit* at most."""

    def close(
        self,
        task_id: str,
        state: TaskState,
        reason: str | None = None,
        *,
        learned: bool = False,
    ) -> bool:
        """Mark a task as ended; return whether that changed anything.

        A task ends once. But what was done here (*learned* False) overrides what was learned from
        SWF, which may have seen the same answer a moment before it was marked.
        """

    # For the keeper

    def claim_due(
        self, domain: str, lease_seconds: float, *, longest_seconds: float = math.inf
    ) -> SuspendedTask | None:
        """Return an open task whose beat is due, and put that off by *lease_seconds*.

        So that of several keepers one beats for it, and another one soon where that one died.
        None where none is due.

        Args:
            domain: of this domain alone.
            lease_seconds: from now.
            longest_seconds: what would be due later than this from now is due, too: the wall
                clock was set back.
        """

    def beat_in(
        self, task_id: str, seconds: float, *, cancel_requested: bool | None = None
    ) -> None:
        """Set when the next beat of a task is due, 0 for now; it is never due after its deadline.

        Args:
            task_id: which task.
            seconds: from now.
            cancel_requested: what the last beat learned; None leaves what is known.
        """

    def drop_closed(self, older_than_seconds: float) -> int:
        """Forget what was closed longer ago than this; return how many tasks that were."""

    # For handles

    def use_handle(self, handle_id: str, task_id: str) -> bool:
        """Record, atomically, that a handle is used; False where it was used before."""

    def return_handle(self, handle_id: str) -> None:
        """Record that its use came to nothing: it may be used again."""
