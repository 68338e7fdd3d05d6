"""What is known about one suspended task.

Its times are the wall clock's, in seconds since the epoch, although Flowy uses ``time.monotonic``
everywhere else: other processes read them, also after a reboot, and a monotonic clock starts again
then.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from ..context import ActivityInfo
from ..invocation.outcome import TaskOutcome


@dataclass(frozen=True)
class SuspendedTask:
    """One suspended task. Its ``repr`` shows neither its token nor its note.

    Attributes:
        token: identifies the task at SWF. It is a credential: whoever has it can end the task.
        info: its type, ids, domain and declared timeouts.
        note: information for whoever finishes the task: a JSON-serializable value.
        suspended_at: when it was suspended, in seconds since the epoch.
        deadline: when SWF times it out by the declared timeouts, in seconds since the epoch; None
            if they set no limit. This is an estimate, because a workflow may override the timeouts.
        id: its id in the store; not a secret.
        outcome: how it ended; None while it is open, as far as the store knows.
        reason: why it ended, or None: the failure's reason, the type of the timeout, or the details
            of a canceled task, as SWF has them. ``flowy.transport.read`` reads encrypted details.
        closed_at: when the store learned of its end, in seconds since the epoch; None while it
            is open.
        learned: whether something else ended it, and the keeper learned this from SWF.
        cancel_requested: whether the last heartbeat brought a request to cancel it.
    """

    token: str = field(repr=False)
    info: ActivityInfo
    note: Any = field(default=None, repr=False)
    suspended_at: float = field(default_factory=time.time)
    deadline: float | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    outcome: TaskOutcome | None = None
    reason: str | None = None
    closed_at: float | None = None
    learned: bool = False
    cancel_requested: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it has not ended, as far as the store knows."""
        return self.outcome is None

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
        """Its activity id, which the decider chose."""
        return self.info.activity_id

    def remaining(self, now: float | None = None) -> float | None:
        """Return the seconds left until its deadline, 0 after it; None without a deadline.

        Args:
            now: the time in seconds since the epoch; None for the current time.
        """
        if self.deadline is None:
            return None
        return max(0.0, self.deadline - (time.time() if now is None else now))

    def __str__(self) -> str:
        return str(self.info)
