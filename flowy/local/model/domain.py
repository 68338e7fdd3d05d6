"""Domains: their open and closed executions and their task lists.

What SWF does and moto does not:

- "After the retention period, the workflow execution isn't available in the results of visibility
  calls"; a retention of 0 or NONE keeps nothing (API reference, RegisterDomain).
- Polls get tasks with a higher priority first, and the older one among equals (developer guide,
  "Setting task priority").

Executions and tasks are looked up by their ids, never searched for, so the cost of a call does not
depend on their number.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, TypeAlias

from moto.swf.models.domain import Domain

from ..clock import Clock
from ..journal import Journal
from ..long_polls import LongPolls
from ..priority_queue import PriorityQueue
from ..quotas import Quotas
from ..throttle import Throttle
from ..timeout_queue import TimeoutQueue
from .events import LocalActivityTask, LocalDecisionTask, Untracked
from .registered_types import TYPES
from .task_tokens import TaskTokens

Task: TypeAlias = "LocalActivityTask | LocalDecisionTask"

_DAY_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Shared:
    """What all domains of one local SWF share."""

    clock: Clock
    polls: LongPolls
    journal: Journal
    tokens: TaskTokens
    quotas: Quotas
    throttle: Throttle
    timeouts: TimeoutQueue[Any]


class LocalDomain(Untracked, Domain):
    """A domain that looks its executions up by id and wakes pollers when a task comes."""

    def __init__(self, *args: Any, shared: Shared) -> None:
        super().__init__(*args)
        #: For how many days closed executions are kept, or NONE; text as in SWF. moto expects int.
        self.retention_days: str = str(self.retention)
        self.shared = shared
        #: The executions whose child policies are being applied, and the policies.
        self.policies: deque[tuple[Any, str]] = deque()
        #: How many executions have started.
        self._started = 0
        #: The open executions by workflowId, in the order of their start.
        self.open: dict[str, Any] = {}
        #: The closed executions that are still kept, in the order in which they closed.
        self.closed: deque[Any] = deque()
        #: The executions of both, by runId.
        self.runs: dict[str, Any] = {}
        #: The waiting tasks by kind of task and name of the task list. An empty task list has no
        #: entry, because a program may use thousands of lists, one for each call.
        self.lists: dict[tuple[str, str], PriorityQueue[Task]] = {}

    def save(self) -> None:
        """Add the domain's present state to the journal."""
        self.shared.journal.add("domain", *self.record())

    def record(self) -> list[Any]:
        """Return the values of the journal record that restores the domain itself."""
        return [self.name, self.retention, self.description, self.status]

    def drop_expired(self) -> None:
        """Drop the executions that closed before the retention period."""
        days = 0 if self.retention_days == "NONE" else int(self.retention_days)
        until = self.shared.clock.now() - days * _DAY_SECONDS
        while self.closed and (self.closed[0].close_timestamp or 0) <= until:
            del self.runs[self.closed.popleft().run_id]

    def opened(self, execution: Any) -> None:
        """Add an execution that has started."""
        self._started += 1
        execution.number = self._started
        self.open[execution.workflow_id] = execution

    def has_closed(self, execution: Any) -> None:
        """Move an execution that has closed."""
        del self.open[execution.workflow_id]
        self.closed.append(execution)
        self.shared.timeouts.discard(execution)

    def enqueue(self, task: Task) -> None:
        """Put a task on its task list, and wake a poller for it."""
        kind, name = key = _list_of(task)
        tasks = self.lists.setdefault(key, PriorityQueue())
        tasks.put(task, (-task.priority, task.scheduled_timestamp))
        self.shared.polls.wake((kind, self.name, name))

    def dequeue(self, task: Task) -> None:
        """Take a task off its task list; do nothing if it is not there."""
        key = _list_of(task)
        tasks = self.lists.get(key)
        if tasks is not None:
            tasks.discard(task)
            if not tasks:
                del self.lists[key]

    def first(self, kind: str, task_list: str) -> Any:
        """Return the next task of a task list, left on the list; None if it is empty."""
        tasks = self.lists.get((kind, task_list))
        return tasks and tasks.first()

    def type_of(self, kind: str, wanted: dict[str, str]) -> Any:
        """Return the type that a history names; a deleted type has only its name and version."""
        name, version = wanted["name"], wanted["version"]
        found: Any = self.get_type(kind, name, version, ignore_empty=True)
        return found or TYPES[kind](name, version)

    def get_workflow_execution(
        self,
        workflow_id: str,
        run_id: str | None = None,
        raise_if_none: bool = True,
        raise_if_closed: bool = False,
    ) -> Any:
        found = self.runs.get(run_id) if run_id else self.open.get(workflow_id)
        if (
            found is None
            or found.workflow_id != workflow_id
            or (raise_if_closed and not found.open)
        ):
            # moto searches its own list, which is empty, and raises SWF's fault.
            return super().get_workflow_execution(workflow_id, run_id, raise_if_none)
        return found


def _list_of(task: Task) -> tuple[str, str]:
    kind = "activity" if isinstance(task, LocalActivityTask) else "decision"
    return kind, task.task_list
