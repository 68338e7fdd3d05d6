"""Restores a backend from a journal, and makes the shortest journal of a backend.

The state of an execution follows from its history, except the last heartbeats of its open tasks. So
the journal contains only domains, types, events and heartbeats. Timeouts that fell due while the
local SWF was stopped fire when it starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..journal import Record
from .backend import LocalBackend
from .decisions import DecidedExecution
from .domain import LocalDomain
from .events import LocalEvent
from .execution import LocalExecution


class Restorer:
    """Puts the records of a journal into an empty backend."""

    def __init__(self, backend: LocalBackend) -> None:
        self._backend = backend
        #: By runId: domain and workflowId of each execution whose first event is still to come.
        self._announced: dict[str, tuple[LocalDomain, str]] = {}
        self._executions: dict[str, LocalExecution] = {}
        self._ahead_seconds = 0.0
        self._latest = 0.0

    def put(self, record: Record) -> None:
        """Restore the next record, by the method named after its kind."""
        kind, *values = record
        getattr(self, f"_put_{kind}")(*values)

    def resume_clock(self) -> None:
        """Let the clock run on; call this after the last record."""
        self._backend.clock.resume(self._ahead_seconds, self._latest)

    def _put_secret(self, secret: str) -> None:
        self._backend.shared.tokens.secret = bytes.fromhex(secret)

    def _put_clock(self, ahead_seconds: float) -> None:
        self._ahead_seconds = ahead_seconds

    def _put_domain(self, name: str, retention: str, description: Any, status: str) -> None:
        found: Any = self._backend._get_domain(name, ignore_empty=True)
        if found is None:
            self._backend.register_domain(name, retention, description)
            found = self._backend.own_domain(name)
        found.status = status

    def _put_type(
        self,
        domain: str,
        kind: str,
        name: str,
        version: str,
        given: dict[str, Any],
        created: float,
        deprecated: float | None,
    ) -> None:
        made = self._backend.add_type(
            self._backend.own_domain(domain), kind, name, version, given, created
        )
        made.deprecated = deprecated
        made.status = "REGISTERED" if deprecated is None else "DEPRECATED"

    def _put_type_deleted(self, domain: str, kind: str, name: str, version: str) -> None:
        self._backend.remove_type(self._backend.own_domain(domain), kind, name, version)

    def _put_start(self, domain: str, run_id: str, workflow_id: str) -> None:
        self._announced[run_id] = (self._backend.own_domain(domain), workflow_id)

    def _put_event(
        self, run_id: str, event_type: str, timestamp: float, attributes: dict[str, Any]
    ) -> None:
        self._latest = max(self._latest, timestamp)
        execution = self._executions.get(run_id)
        if execution is None:
            domain, workflow_id = self._announced.pop(run_id)
            execution = self._executions[run_id] = _new_execution(
                domain, run_id, workflow_id, attributes
            )
        event_id = len(execution.local_events) + 1
        execution.replay(LocalEvent(event_id, event_type, timestamp, attributes))

    def _put_beat(
        self, run_id: str, scheduled_event_id: int, timestamp: float, details: str | None
    ) -> None:
        task = self._executions[run_id].activities[scheduled_event_id]
        task.last_heartbeat_timestamp, task.details = timestamp, details  # type: ignore[assignment]


def records(backend: LocalBackend) -> Iterator[Record]:
    """Yield the records of the shortest journal that restores a backend."""
    yield ["secret", backend.shared.tokens.secret.hex()]
    yield ["clock", backend.clock.ahead_seconds]
    for domain in backend.own_domains():
        yield ["domain", *domain.record()]
        for family in (*domain.types["activity"].values(), *domain.types["workflow"].values()):
            for each in family.values():
                made: Any = each
                yield ["type", domain.name, *made.record()]
        # Closed executions first: an open one may have the same workflowId.
        for execution in (*domain.closed, *domain.open.values()):
            yield ["start", domain.name, execution.run_id, execution.workflow_id]
            for event in execution.local_events:
                yield [
                    "event",
                    execution.run_id,
                    event.event_type,
                    event.event_timestamp,
                    event.event_attributes,
                ]
            for task in execution.activities.values():
                if task.started_timestamp is not None:
                    beat = task.last_heartbeat_timestamp
                    yield ["beat", execution.run_id, task.scheduled_event_id, beat, task.details]


def _new_execution(
    domain: LocalDomain, run_id: str, workflow_id: str, started: dict[str, Any]
) -> DecidedExecution:
    return DecidedExecution(
        domain,
        domain.type_of("workflow", started["workflowType"]),
        workflow_id,
        run_id=run_id,
        child_policy=started["childPolicy"],
        execution_start_to_close_timeout=started["executionStartToCloseTimeout"],
        tag_list=started.get("tagList"),
        task_list=started["taskList"]["name"],
        task_priority=started.get("taskPriority"),
        task_start_to_close_timeout=started["taskStartToCloseTimeout"],
        workflow_input=started.get("input"),
    )
