"""Finds executions by any filters, open and closed ones in one list.

SWF lists open and closed executions by two actions. Each needs a time filter, by start or by close
but not both, and takes only one of the filters by workflow id, tag, type and close status. So SWF
gets the most selective filter, and the others are applied here.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..client import SWFClient
from ..values import ExecutionInfo

#: The values of ``ExecutionInfo.status`` for closed executions.
CLOSE_STATUSES = (
    "completed",
    "failed",
    "canceled",
    "terminated",
    "timed out",
    "continued as new",
)


@dataclass(frozen=True)
class ExecutionFilter:
    """Describes the wanted executions: those that match all its fields.

    Attributes:
        workflow_id, name, version, tag: those of the execution; None for any.
        status: ``open``, ``closed``, or one of ``CLOSE_STATUSES``; None for any.
        since, until: when it started, in seconds since the epoch; None for any time.
        closed_since, closed_until: when it closed; open executions do not match.
    """

    workflow_id: str | None = None
    name: str | None = None
    version: str | None = None
    tag: str | None = None
    status: str | None = None
    since: float | None = None
    until: float | None = None
    closed_since: float | None = None
    closed_until: float | None = None

    @property
    def _by_close(self) -> bool:
        return self.closed_since is not None or self.closed_until is not None

    @property
    def may_be_open(self) -> bool:
        """Whether open executions may match."""
        return self.status in (None, "open") and not self._by_close

    @property
    def may_be_closed(self) -> bool:
        """Whether closed executions may match."""
        return self.status != "open"

    def when(self, execution: ExecutionInfo) -> float:
        """Return the time by which lists are ordered, in seconds since the epoch."""
        return (execution.closed_at or 0.0) if self._by_close else execution.started_at

    def fits(self, execution: ExecutionInfo) -> bool:
        """Return whether an execution matches."""
        closed = "open" if execution.is_open else "closed"
        return (
            self.workflow_id in (None, execution.workflow_id)
            and self.name in (None, execution.name)
            and self.version in (None, execution.version)
            and (self.tag is None or self.tag in execution.tags)
            and self.status in (None, closed, execution.status)
            and _between(self.since, execution.started_at, self.until)
            and (
                not self._by_close
                or _between(self.closed_since, execution.closed_at, self.closed_until)
            )
        )

    def parameters(self, *, closed: bool) -> dict[str, Any]:
        """Return the parameters of the action that lists them: one time and at most one filter."""
        by_close = closed and self._by_close
        oldest, latest = (
            (self.closed_since, self.closed_until) if by_close else (self.since, self.until)
        )
        # boto3 sends whole seconds, and knows no times long before 1970.
        time: dict[str, Any] = {"oldestDate": max(0, int(oldest or 0))}
        if latest is not None:
            time["latestDate"] = max(0, int(latest)) + 1
        filters: list[tuple[str, Mapping[str, str | None]]] = [
            ("executionFilter", {"workflowId": self.workflow_id}),
            ("tagFilter", {"tag": self.tag}),
            ("typeFilter", {"name": self.name, "version": self.version}),
        ]
        if closed and self.status in CLOSE_STATUSES:
            status = self.status.upper().replace(" ", "_")
            filters.append(("closeStatusFilter", {"status": status}))
        given = (
            {name: {key: value for key, value in wanted.items() if value is not None}}
            for name, wanted in filters
            if next(iter(wanted.values())) is not None
        )
        return {
            "closeTimeFilter" if by_close else "startTimeFilter": time,
            **next(given, {}),
        }


def find_executions(
    client: SWFClient, domain: str, wanted: ExecutionFilter
) -> Iterator[ExecutionInfo]:
    """Yield the executions that match, the latest first; pages are requested when needed.

    They are ordered by their start, or by their close if *wanted* filters by it.

    Raises:
        SWFError: while it yields: the domain does not exist, SWF refuses a call, or it is out of
            reach.
    """
    lists = []
    if wanted.may_be_open:
        lists.append(
            client.list_open_workflow_executions(domain=domain, **wanted.parameters(closed=False))
        )
    if wanted.may_be_closed:
        lists.append(
            client.list_closed_workflow_executions(domain=domain, **wanted.parameters(closed=True))
        )
    seen = set()
    for each in heapq.merge(*lists, key=wanted.when, reverse=True):
        # An execution that closes between the two calls is in both lists.
        if each.run_id not in seen and wanted.fits(each):
            seen.add(each.run_id)
            yield each


def find_run(client: SWFClient, domain: str, workflow_id: str) -> ExecutionInfo | None:
    """Return the open run of a workflow id; if none is open, the one that started last.

    Returns:
        None if SWF has none, or no longer: it forgets closed executions after the retention period
            of their domain.

    Raises:
        SWFError: the domain does not exist, SWF refuses a call, or it is out of reach.
    """
    for status in ("open", "closed"):
        wanted = ExecutionFilter(workflow_id=workflow_id, status=status)
        if (found := next(find_executions(client, domain, wanted), None)) is not None:
            return found
    return None


def _between(oldest: float | None, when: float | None, latest: float | None) -> bool:
    return (
        when is not None
        and (oldest is None or oldest <= when)
        and (latest is None or when <= latest)
    )
