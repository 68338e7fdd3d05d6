"""What the history of its execution tells of the running task: its attempt, and those before it.

SWF sends a worker neither the timeouts in force, nor the attempt, nor what the attempt before had
reported. The history has all of it; whoever reads it makes these values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .invocation.outcome import TaskOutcome


@dataclass(frozen=True)
class Attempt:
    """One earlier attempt at the same work, which has ended.

    Attributes:
        activity_id: the id that the decider gave it.
        outcome: how it ended.
        reason: why it failed, or the type of its timeout; or empty.
        timeout_type: which timeout ended it: ``START_TO_CLOSE``, ``SCHEDULE_TO_START``,
            ``SCHEDULE_TO_CLOSE`` or ``HEARTBEAT``; None if none did.
        details: the details of its last heartbeat: the value that ``heartbeat`` got, or text if
            they are not JSON. None if SWF did not keep any, or if they cannot be read.
        identity: the identity of its worker; empty if no worker took it, or the worker gave none.
        started_at, ended_at: seconds since the epoch, by SWF's clock. *started_at* is None if no
            worker took it.
    """

    activity_id: str
    outcome: TaskOutcome
    reason: str = field(default="", repr=False)
    timeout_type: str | None = None
    details: Any = field(default=None, repr=False)
    identity: str = ""
    started_at: float | None = None
    ended_at: float | None = None


@dataclass(frozen=True)
class TaskHistory:
    """What the history says about the running task.

    Attributes:
        attempt: the number of this attempt at the same work, from 1; None if it is not known.
        previous: the earlier attempts, the newest first; None if they are not known. If *attempt*
            is None, there may be older ones.
        previous_details: the newest details of a heartbeat that SWF kept of these attempts; None if
            it kept none.
        scheduled_at, started_at: seconds since the epoch, by SWF's clock, or None.
        control: the note that the decider attached to the task, or None.
        heartbeat, schedule_to_close, schedule_to_start, start_to_close: the timeouts in force, in
            seconds; None for no limit.
        complete: whether the whole history was read. If not, it was too long.
    """

    attempt: int | None = None
    previous: tuple[Attempt, ...] | None = None
    previous_details: Any = field(default=None, repr=False)
    scheduled_at: float | None = None
    started_at: float | None = None
    control: str | None = field(default=None, repr=False)
    heartbeat: int | None = None
    schedule_to_close: int | None = None
    schedule_to_start: int | None = None
    start_to_close: int | None = None
    complete: bool = True

    @property
    def deadline(self) -> float | None:
        """When SWF times the task out, in seconds since the epoch, by SWF's clock.

        It follows from the start-to-close and schedule-to-close in force; None for no limit, or if
        it is not known. A heartbeat timeout may end the task sooner.
        """
        limits = [
            began + seconds
            for began, seconds in (
                (self.started_at, self.start_to_close),
                (self.scheduled_at, self.schedule_to_close),
            )
            if began is not None and seconds is not None
        ]
        return min(limits, default=None)
