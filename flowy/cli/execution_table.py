"""What lists of executions show of each."""

from __future__ import annotations

from typing import Any

from ..swf.values import ExecutionInfo
from .moments import span_between, table_time

#: The columns of the table.
HEADINGS = ("WORKFLOW", "TYPE", "STATUS", "STARTED", "LASTED", "TAGS")

#: The column that is added if it is asked for.
RUN_HEADING = "RUN"

#: The keys of an execution in ``--json``; programs rely on them.
KEYS = (
    "domain",
    "workflow_id",
    "run_id",
    "name",
    "version",
    "status",
    "cancel_requested",
    "started_at",
    "closed_at",
    "tags",
    "parent_workflow_id",
    "parent_run_id",
)


def shown(domain: str, execution: ExecutionInfo) -> dict[str, Any]:
    """Return the fields of an execution for ``--json``; times are seconds since the epoch."""
    parent_workflow_id, parent_run_id = execution.parent or (None, None)
    return {
        "domain": domain,
        "workflow_id": execution.workflow_id,
        "run_id": execution.run_id,
        "name": execution.name,
        "version": execution.version,
        "status": execution.status,
        "cancel_requested": execution.cancel_requested,
        "started_at": execution.started_at,
        "closed_at": execution.closed_at,
        "tags": list(execution.tags),
        "parent_workflow_id": parent_workflow_id,
        "parent_run_id": parent_run_id,
    }


def row(execution: ExecutionInfo) -> tuple[str, ...]:
    """Return the cells of an execution, one for each heading."""
    return (
        execution.workflow_id,
        f"{execution.name} {execution.version}",
        status_text(execution),
        table_time(execution.started_at),
        span_between(execution.started_at, execution.closed_at),
        ", ".join(execution.tags),
    )


def row_with_run(execution: ExecutionInfo) -> tuple[str, ...]:
    """Return the cells of an execution, its run id last."""
    return (*row(execution), execution.run_id)


def status_text(execution: ExecutionInfo) -> str:
    """Return the status, with a request to cancel that has not come to its end."""
    asked = execution.is_open and execution.cancel_requested
    return f"{execution.status}, cancel requested" if asked else execution.status
