"""From the journal back to all that was known, and from what is known to a journal.

A history is all that there is to an execution, but for the last heartbeat of its open
tasks; so the journal has domains, types, events and beats, and nothing that follows from
them.  Timeouts that fell due while nobody was there fire when the clocks run again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flowy.local.journal import Record
from flowy.local.model.backend import LocalBackend
from flowy.local.model.decisions import DecidedExecution
from flowy.local.model.domain import LocalDomain
from flowy.local.model.events import LocalEvent
from flowy.local.model.execution import LocalExecution


class Restorer:
    """Puts the records of a journal into a backend that is still empty."""

    def __init__(self, backend: LocalBackend) -> None:
        self._backend = backend
        #: Executions whose first event is still to come, by runId: domain and workflowId.
        self._announced: dict[str, tuple[LocalDomain, str]] = {}
        self._executions: dict[str, LocalExecution] = {}
        self._ahead_seconds = 0.0
        self._latest = 0.0

    def put(self, record: Record) -> None:
        """The next record."""
        kind, *values = record
        getattr(self, f"_put_{kind}")(*values)

    def resume_clock(self) -> None:
        """Let the clock run on, once all records are there."""
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
        self._backend.forget_type(self._backend.own_domain(domain), kind, name, version)

    def _put_start(self, domain: str, run_id: str, workflow_id: str) -> None:
        self._announced[run_id] = (self._backend.own_domain(domain), workflow_id)

    def _put_event(
        self, run_id: str, event_type: str, timestamp: float, attributes: dict[str, Any]
    ) -> None:
        self._latest = max(self._latest, timestamp)
        execution = self._executions.get(run_id)
        if execution is None:
            domain, workflow_id = self._announced.pop(run_id)
            execution = self._executions[run_id] = _begun(domain, run_id, workflow_id, attributes)
        event_id = len(execution.local_events) + 1
        execution.replay(LocalEvent(event_id, event_type, timestamp, attributes))

    def _put_beat(
        self, run_id: str, scheduled_event_id: int, timestamp: float, details: str | None
    ) -> None:
        task = self._executions[run_id].activities[scheduled_event_id]
        task.last_heartbeat_timestamp, task.details = timestamp, details  # type: ignore[assignment]


def records(backend: LocalBackend) -> Iterator[Record]:
    """The shortest journal that restores what a backend knows."""
    yield ["secret", backend.shared.tokens.secret.hex()]
    yield ["clock", backend.clock.ahead_seconds]
    for domain in backend.own_domains():
        yield ["domain", *domain.record()]
        for family in (*domain.types["activity"].values(), *domain.types["workflow"].values()):
            for each in family.values():
                made: Any = each
                yield ["type", domain.name, *made.record()]
        # The closed ones first: an open one may have the workflowId of one of them.
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


def _begun(
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
