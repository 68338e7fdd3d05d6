"""The data that the page shows.

Each answer is small, whatever the size of the state: executions come in pages, and histories start
after the events that the page has already. Call every function under the backend's lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from ..activity_names import activity_names
from ..real_time import monotonic_seconds
from .backend import LocalBackend
from .domain import LocalDomain
from .events import LocalActivityTask
from .execution import LocalExecution

#: How many executions are on one page.
PAGE_ROWS = 50

#: How many pollers, and how many running tasks, one answer has at most.
LIST_ROWS = 200

#: How many events one answer has at most.
EVENTS = 500


def page_data(backend: LocalBackend, what: str, parameters: dict[str, str]) -> Any | None:
    """Return the data that the page asks for.

    Args:
        backend: the backend to show.
        what: ``overview``, ``executions`` or ``history``.
        parameters: the parameters of the page's URL.

    Returns:
        A JSON-serializable value; None if it does not exist.

    Raises:
        JsonRESTError: the domain does not exist.
    """
    domain, page = parameters.get("domain", ""), parameters.get("page", "0")
    after = parameters.get("after", "0")
    if not all(each.isascii() and each.isdigit() and len(each) < 10 for each in (page, after)):
        return None
    if what == "overview":
        return overview(backend, domain)
    if what == "executions":
        status, find = parameters.get("status", ""), parameters.get("find", "")
        return executions(backend, domain, status=status, find=find, page=int(page))
    if what == "history":
        return history(backend, domain, parameters.get("run", ""), int(after))
    return None


def overview(backend: LocalBackend, domain_name: str = "") -> dict[str, Any]:
    """Return the clock, every domain, and the task lists, pollers and running tasks of one or all.

    Pollers that differ only in their waiting time share a row, with their count.

    Args:
        backend: the backend to show.
        domain_name: the domain; an empty text means all domains.
    """
    domains = [each for each in backend.own_domains() if domain_name in ("", each.name)]
    pollers = _pollers(backend, domain_name)
    running = list(_running(backend, domains))
    return {
        "now": backend.clock.now(),
        "held": backend.clock.held,
        "domains": [
            {"name": domain.name, "open": len(domain.open), "closed": len(domain.closed)}
            for domain in backend.own_domains()
        ],
        "taskLists": _task_lists(backend, domain_name, domains),
        "pollers": pollers[:LIST_ROWS],
        "pollersTotal": sum(poller["count"] for poller in pollers),
        "running": running[:LIST_ROWS],
        "runningTotal": len(running),
    }


def executions(
    backend: LocalBackend, domain_name: str, *, status: str, find: str, page: int
) -> dict[str, Any]:
    """Return one page of a domain's executions, newest first.

    Args:
        backend: the backend to show.
        domain_name: the domain.
        status: ``open``, ``closed``, a close status such as ``FAILED``, or an empty text for all.
        find: a part of the workflowId, of the name of the type or of an activity, or of a tag, in
            any case; an empty text finds every execution.
        page: the number of the page, from 0.

    Raises:
        JsonRESTError: the domain does not exist.
    """
    domain = backend.own_domain(domain_name)
    found: Iterable[LocalExecution] = _newest_first(domain, status)
    counts = {"": len(domain.runs), "open": len(domain.open), "closed": len(domain.closed)}
    if find or status not in counts:
        wanted = find.casefold()
        found = [
            each
            for each in found
            if (status in counts or each.close_status == status) and _has(each, wanted)
        ]
        total = len(found)
    else:
        total = counts[status]
    rows = islice(found, page * PAGE_ROWS, (page + 1) * PAGE_ROWS)
    return {"total": total, "pageRows": PAGE_ROWS, "executions": [_row(each) for each in rows]}


def history(
    backend: LocalBackend, domain_name: str, run_id: str, after: int
) -> dict[str, Any] | None:
    """Return an execution and its events with an id above *after*; None without such a run."""
    execution = backend.own_domain(domain_name).runs.get(run_id)
    if execution is None:
        return None
    events = execution.local_events[after : after + EVENTS]
    return {
        **_row(execution),
        "now": backend.clock.now(),
        "input": execution.input,
        "beats": [
            _running_activity(task, task.started_timestamp, backend.clock.now())
            for task in execution.activities.values()
            if task.started_timestamp is not None
        ],
        "events": [
            {
                "id": event.event_id,
                "type": event.event_type,
                "time": event.event_timestamp,
                "attributes": event.event_attributes,
            }
            for event in events
        ],
        "more": len(execution.local_events) > after + EVENTS,
    }


def _newest_first(domain: LocalDomain, status: str) -> Iterable[LocalExecution]:
    if status == "open":
        return reversed(domain.open.values())
    return reversed(domain.closed if status else domain.runs.values())


def _has(execution: LocalExecution, wanted: str) -> bool:
    texts = (execution.workflow_id, execution.workflow_type.name, *execution.tag_list)
    return any(wanted in text.casefold() for text in (*texts, *activity_names(execution)))


def _row(execution: LocalExecution) -> dict[str, Any]:
    return {
        "workflowId": execution.workflow_id,
        "runId": execution.run_id,
        "type": execution.workflow_type.to_short_dict(),
        "activities": activity_names(execution),
        "status": execution.close_status or "OPEN",
        "cancelRequested": execution.cancel_requested,
        "started": execution.start_timestamp,
        "closed": execution.close_timestamp,
        "tags": execution.tag_list,
        "eventCount": len(execution.local_events),
        "openActivities": len(execution.activities),
    }


def _task_lists(
    backend: LocalBackend, domain_name: str, domains: list[LocalDomain]
) -> list[dict[str, Any]]:
    waiting: dict[tuple[str, str, str], list[int]] = {}
    for (kind, polled, name), _ in backend.polls.pollers():
        if domain_name in ("", polled):
            waiting.setdefault((polled, name, kind), [0, 0])[1] += 1
    for domain in domains:
        for (kind, name), tasks in domain.lists.items():
            if kind == "activity":
                waiting.setdefault((domain.name, name, kind), [0, 0])[0] = len(tasks)
        for execution in domain.open.values():
            if execution.scheduled_decision is not None:
                key = (domain.name, execution.scheduled_decision.task_list, "decision")
                waiting.setdefault(key, [0, 0])[0] += 1
    return [
        {"domain": domain, "name": name, "kind": kind, "waiting": tasks, "pollers": pollers}
        for (domain, name, kind), (tasks, pollers) in sorted(waiting.items())
    ]


def _pollers(backend: LocalBackend, domain_name: str) -> list[dict[str, Any]]:
    now = monotonic_seconds()
    rows: dict[tuple[str | None, ...], dict[str, Any]] = {}
    for (kind, domain, task_list), poller in backend.polls.pollers():
        if domain_name not in ("", domain):
            continue
        row = rows.setdefault(
            (poller.identity, kind, domain, task_list),
            {
                "identity": poller.identity,
                "domain": domain,
                "taskList": task_list,
                "kind": kind,
                "count": 0,
                "seconds": now - poller.since,
            },
        )
        row["count"] += 1
    return list(rows.values())


def _running(backend: LocalBackend, domains: list[LocalDomain]) -> Iterator[dict[str, Any]]:
    now = backend.clock.now()
    for domain in domains:
        for execution in domain.open.values():
            place = {
                "domain": domain.name,
                "workflowId": execution.workflow_id,
                "runId": execution.run_id,
            }
            decision = execution.started_decision
            if decision is not None:
                yield {
                    **place,
                    "what": "decision",
                    "identity": decision.identity,
                    "seconds": now - (decision.started_timestamp or now),
                }
            for task in execution.activities.values():
                if task.started_timestamp is not None:
                    yield {**place, **_running_activity(task, task.started_timestamp, now)}


def _running_activity(task: LocalActivityTask, started: float, now: float) -> dict[str, Any]:
    return {
        "what": task.activity_id,
        "type": task.activity_type.to_short_dict(),
        "identity": task.identity,
        "seconds": now - started,
        "beatSeconds": now - task.last_heartbeat_timestamp,
        "details": task.details,
        "cancelRequested": task.cancel_requested_event_id is not None,
    }
