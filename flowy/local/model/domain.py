"""Domains and types: what is open, what has closed and until when it is kept.

What SWF does, and moto does not:

- "After the retention period, the workflow execution isn't available in the results of
  visibility calls"; 0 or NONE keeps nothing (API reference, RegisterDomain).
- Tasks of a higher priority are given out first, then the older ones (developer guide,
  "Setting task priority").
- A type tells the true dates of its registration and deprecation, and a type of activity
  its default priority.

Executions (each a LocalExecution, which knows its domain) are found by their ids; nothing
is searched for.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeAlias

from moto.swf.models import activity_type, workflow_type
from moto.swf.models.domain import Domain
from moto.swf.models.generic_type import GenericType

from flowy.local.alarms import Alarms
from flowy.local.clock import Clock
from flowy.local.journal import Journal
from flowy.local.lines import WaitingLines
from flowy.local.model.events import LocalActivityTask, LocalDecisionTask, Tokens, Untracked
from flowy.local.quotas import Quotas
from flowy.local.throttle import Throttle

Task: TypeAlias = "LocalActivityTask | LocalDecisionTask"

_DAY_SECONDS = 24 * 3600

#: Tasks that have left a task list and may still lie in its heap, before it is swept.
_SWEEP_AT = 1000


@dataclass(frozen=True)
class Shared:
    """What all domains of one local SWF have in common."""

    clock: Clock
    lines: WaitingLines
    journal: Journal
    tokens: Tokens
    quotas: Quotas
    throttle: Throttle
    alarms: Alarms[Any]


class TaskList:
    """The tasks that wait on one task list."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, float, int, Task]] = []
        self._numbers = count()
        self._waiting: set[Task] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, task: Task) -> None:
        """One more that waits."""
        place = (-task.priority, task.scheduled_timestamp, next(self._numbers), task)
        heapq.heappush(self._heap, place)
        self._waiting.add(task)

    def remove(self, task: Task) -> None:
        """It waits no longer; does nothing where it did not."""
        self._waiting.discard(task)
        if len(self._heap) > 2 * len(self._waiting) + _SWEEP_AT:
            self._heap = [place for place in self._heap if place[-1] in self._waiting]
            heapq.heapify(self._heap)

    def first(self) -> Task | None:
        """The next one to give out; None where none waits."""
        while self._heap and self._heap[0][-1] not in self._waiting:
            heapq.heappop(self._heap)
        return self._heap[0][-1] if self._heap else None


class LocalDomain(Untracked, Domain):
    """A domain that finds its executions, and tells the waiting pollers when a task comes."""

    def __init__(self, *args: Any, shared: Shared) -> None:
        super().__init__(*args)
        #: In days, or NONE; SWF's text, where moto says a number.
        self.keeps_days: str = str(self.retention)
        self.shared = shared
        #: The open executions, by workflowId, in the order of their start.
        self.open: dict[str, Any] = {}
        #: The closed ones that are kept, in the order in which they closed.
        self.closed: deque[Any] = deque()
        #: All of these, by runId.
        self.runs: dict[str, Any] = {}
        #: The task lists on which something waits, by kind of task and name. Names come and
        #: go by the thousand (a list for each call is common), so none is kept for later.
        self.lists: dict[tuple[str, str], TaskList] = {}

    def note(self) -> None:
        """The journal has to know how this domain is now."""
        self.shared.journal.note("domain", *self.record())

    def record(self) -> list[Any]:
        """What restores the domain, without its types and executions."""
        return [self.name, self.retention, self.description, self.status]

    def forget(self) -> None:
        """Let go of the executions that have been closed for longer than they are kept."""
        days = 0 if self.keeps_days == "NONE" else int(self.keeps_days)
        until = self.shared.clock.now() - days * _DAY_SECONDS
        while self.closed and (self.closed[0].close_timestamp or 0) <= until:
            del self.runs[self.closed.popleft().run_id]

    # -- for executions --

    def opened(self, execution: Any) -> None:
        self.open[execution.workflow_id] = execution

    def has_closed(self, execution: Any) -> None:
        del self.open[execution.workflow_id]
        self.closed.append(execution)
        self.shared.alarms.disarm(execution)

    def line_up(self, task: Task) -> None:
        """A task waits for a poller."""
        key = _list_of(task)
        self.lists.setdefault(key, TaskList()).add(task)
        kind, name = key
        self.shared.lines.wake((kind, self.name, name))

    def step_out(self, task: Task) -> None:
        """A task waits no longer, whatever became of it."""
        key = _list_of(task)
        tasks = self.lists.get(key)
        if tasks is not None:
            tasks.remove(task)
            if not tasks:
                del self.lists[key]

    def first(self, kind: str, task_list: str) -> Any:
        """The next task of a list to give out; None where none waits."""
        tasks = self.lists.get((kind, task_list))
        return tasks and tasks.first()

    def type_of(self, kind: str, wanted: dict[str, str]) -> Any:
        """A type that a history names; one that was deleted meanwhile has its name only."""
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
            # Nothing: moto, which searches an empty list, says that in SWF's words.
            return super().get_workflow_execution(workflow_id, run_id, raise_if_none)
        return found


class LocalType(Untracked, GenericType):
    """A type, with the dates of what became of it.

    Attributes:
        created: when it was registered, in seconds since the epoch.
        deprecated: when it was deprecated last; None where it never was.
    """

    created: float
    deprecated: float | None = None
    #: Its settings, as they were given at its registration.
    given: dict[str, Any]

    def record(self) -> list[Any]:
        """What restores the type."""
        return [self.kind, self.name, self.version, self.given, self.created, self.deprecated]

    def to_medium_dict(self) -> dict[str, Any]:
        dates = {"creationDate": self.created}
        if self.status == "DEPRECATED" and self.deprecated is not None:
            dates["deprecationDate"] = self.deprecated
        return {**super().to_medium_dict(), **dates}


# moto's faults show the name of the class, where SWF says ActivityType or WorkflowType.


class ActivityType(LocalType, activity_type.ActivityType):
    """A type of activity."""

    @property
    def _configuration_keys(self) -> list[str]:
        return [*super()._configuration_keys, "defaultTaskPriority"]


class WorkflowType(LocalType, workflow_type.WorkflowType):
    """A type of workflow."""


#: The class of each kind of type.
TYPES: dict[str, type[LocalType]] = {"activity": ActivityType, "workflow": WorkflowType}


def _list_of(task: Task) -> tuple[str, str]:
    kind = "activity" if isinstance(task, LocalActivityTask) else "decision"
    return kind, task.task_list
