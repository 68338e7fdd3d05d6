"""Reads histories for the tasks of one worker, within a budget.

Reading costs quota, which all workers, deciders and people of an account share. So a process reads
a limited number of histories a second. Tasks of one execution that started before a read share it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from ...concurrency.clock import SYSTEM_CLOCK, Clock
from ...exception import HistoryError
from ..client import SWFClient
from ..client.caller import ANSWER_DEADLINE_SECONDS
from ..history import ActivityRecord, activity_records, events_in
from ..values import ActivityTask

#: How many events of a history are read, at most, from the newest back. That is two calls.
MAX_EVENTS = 2_000

#: Of how many executions the latest read is kept, and how many characters of inputs, results,
#: details and control it may have: what is kept takes memory as long as the worker runs.
KEPT_EXECUTIONS = 8
KEPT_CHARS = 1_000_000


class NotThereYetError(HistoryError):
    """The history lacks the start of the task: SWF's histories are eventually consistent."""


@dataclass(frozen=True)
class TaskRecords:
    """What one read told.

    Attributes:
        this: the task.
        all: the tasks of its execution, in the order in which they were scheduled.
        complete: whether they are those of the whole history.
    """

    this: ActivityRecord
    all: Sequence[ActivityRecord]
    complete: bool


class HistoryReader:
    """Reads the histories of the executions whose tasks a worker runs; thread-safe.

    Args:
        client: makes the calls.
        domain: the domain of the executions.
        rate: how many reads a second are allowed; as many, but at least one, may be made at once.
        clock: measures the budget.
    """

    def __init__(
        self, client: SWFClient, domain: str, rate: float, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._client = client
        self._domain = domain
        self._rate = rate
        self._clock = clock
        self._lock = threading.Lock()
        self._allowance = self._most = max(1.0, rate)
        self._allowance_at = clock.now()
        #: The latest read of each run, by run id: its tasks, and whether they are all.
        self._kept: OrderedDict[str, tuple[Sequence[ActivityRecord], bool]] = OrderedDict()

    def known(self, task: ActivityTask) -> TaskRecords | None:
        """Return what an earlier read told of a task; None if none did.

        That read cannot be too old: all that came before the task is older than its start.
        """
        with self._lock:
            kept = self._kept.get(task.run_id)
            if kept is not None:
                self._kept.move_to_end(task.run_id)
        return None if kept is None else _found(task, *kept)

    def turn_seconds(self) -> float:
        """Take one read from the budget and return 0; or return when to ask again, in seconds."""
        with self._lock:
            now = self._clock.now()
            refilled = (now - self._allowance_at) * self._rate
            self._allowance = min(self._most, self._allowance + refilled)
            self._allowance_at = now
            if self._allowance >= 1.0:
                self._allowance -= 1.0
                return 0.0
            return (1.0 - self._allowance) / self._rate

    def read(self, task: ActivityTask, seconds: float = ANSWER_DEADLINE_SECONDS) -> TaskRecords:
        """Read the history of a task's execution: one call, or two if it is long.

        Args:
            task: the task.
            seconds: the deadline of each call.

        Raises:
            NotThereYetError: SWF does not tell of this task yet.
            HistoryError: the task was scheduled too long ago.
            SWFError: SWF could not be asked.
        """
        newest = self._client.newest_events(
            self._domain, task.workflow_id, task.run_id, deadline_seconds=seconds
        )
        events = events_in(list(islice(newest, MAX_EVENTS)))
        complete = bool(events) and events[0]["eventId"] == 1
        records = activity_records(events)
        self._keep(task.run_id, records, complete)
        found = _found(task, records, complete)
        if found is None:
            if events and events[-1]["eventId"] >= task.started_event_id > 0:
                raise HistoryError(
                    f"the task was scheduled more than {MAX_EVENTS:,} events ago, more than Flowy "
                    "reads."
                )
            raise NotThereYetError("SWF's history does not have this task yet.")
        return found

    def _keep(self, run_id: str, records: Sequence[ActivityRecord], complete: bool) -> None:
        texts = ((each.input, each.control, each.text, each.heartbeat) for each in records)
        chars = sum(len(text or "") for each in texts for text in each)
        with self._lock:
            self._kept.pop(run_id, None)
            if chars <= KEPT_CHARS:
                self._kept[run_id] = records, complete
            while len(self._kept) > KEPT_EXECUTIONS:
                self._kept.popitem(last=False)


def _found(
    task: ActivityTask, records: Sequence[ActivityRecord], complete: bool
) -> TaskRecords | None:
    for each in reversed(records):
        if each.started_event_id == task.started_event_id > 0:
            return TaskRecords(each, records, complete)
    return None
