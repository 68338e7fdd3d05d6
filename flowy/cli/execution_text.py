"""One execution as lines of text for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..texts import printable
from .moments import local_time, span, span_between
from .terminal import readable

#: Characters of a value that are printed as they are.
_KEPT = "\n\t"

#: The fields that may be long, in the order in which they stand at the end.
_VALUES = ("input", "result", "details")


def lines_of(execution: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines: a label and a text; fields that are empty are left out.

    Args:
        execution: what ``--json`` prints, without its activities.
    """
    for label, text in _fields(execution):
        if text:
            yield f"{label:<11}{printable(text)}"
    for key in _VALUES:
        yield from value_lines(key, execution[key])


def value_lines(label: str, value: str | None) -> Iterator[str]:
    """Yield a value of any length below its label, indented; nothing for None."""
    if value is None:
        return
    yield f"{label.capitalize()}:"
    for line in printable(readable(value), kept=_KEPT).rstrip("\n").split("\n"):
        yield f"  {line}".rstrip()


def _fields(execution: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    started, closed = execution["started_at"], execution["closed_at"]
    yield "Workflow", execution["workflow_id"]
    yield "Run", execution["run_id"]
    yield "Type", f"{execution['name']} {execution['version']}"
    asked = closed is None and execution["cancel_requested"]
    yield "Status", f"{execution['status']}{', cancel requested' if asked else ''}"
    yield "Reason", execution["reason"] or ""
    yield "Started", f"{local_time(started)}, {span_between(started, None)} ago"
    yield "Closed", closed and f"{local_time(closed)}, after {span_between(started, closed)}"
    yield "Next run", execution["next_run_id"] or ""
    yield "Tags", ", ".join(execution["tags"])
    if parent := execution["parent_workflow_id"]:
        yield "Parent", f"{parent}, run {execution['parent_run_id']}"
    yield "Timeout", f"{_limit(execution['timeout'])}; children: {execution['child_policy']}"
    yield (
        "Decisions",
        f"from task list {execution['task_list']}, {_limit(execution['decision_timeout'])} each",
    )
    counts = execution["open_counts"].items()
    yield "Open", ", ".join(f"{name}: {count}" for name, count in counts if count)
    yield "History", f"{execution['events']:,} events"


def _limit(seconds: int | None) -> str:
    return "no limit" if seconds is None else span(seconds)
