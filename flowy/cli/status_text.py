"""What ``flowy status`` shows to people of the answer of ``/status``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..nouns import counted
from ..texts import printable
from .moments import span, table_time
from .tables import print_table

#: The columns of the tasks.
HEADINGS = ("ACTIVITY", "WORKFLOW", "ACTIVITY ID", "RUNNING", "HEARTBEAT", "STATUS", "LEFT")

Status = Mapping[str, Any]


def print_status(status: Status) -> None:
    """Print what a worker does, or a supervisor and each of its processes."""
    how = [
        "live" if status["live"] else "not live",
        "ready" if status["ready"] else "not ready",
    ]
    print(f"Worker {status['pid']}: {status['phase']}, {', '.join(how)}")
    for problem in status["problems"]:
        print(f"  {printable(problem)}")
    if "processes" not in status:
        _print_worker(status)
        return
    for process in status["processes"]:
        said = f"heard {span(process['silent_seconds'])} ago"
        print(f"\nProcess {process['pid']}, slot {process['slot']}, {said}")
        if process["status"] is None:
            print("  It does not answer.")
        else:
            _print_worker(process["status"])


def _print_worker(status: Status) -> None:
    place = f"task list {status['task_list']} of domain {status['domain']}"
    print(f"  {printable(place)}, as {printable(status['identity'])}")
    slots = f"{status['slots_used']} of {counted(status['slots'], 'slot')} used"
    print(f"  {slots}, {counted(status['polls_out'], 'poll')} out")
    ended = ", ".join(f"{number} {name}" for name, number in status["ended"].items() if number)
    print(f"  ended: {ended.replace('_', ' ') or 'none'}")
    blocked = status["loop_blocked_seconds"]
    if blocked:
        by = status.get("loop_blocked_by")
        print(f"  event loop blocked for {span(blocked)}{f' by {printable(by)}' if by else ''}")
    if status["tasks"]:
        print()
        print_table(HEADINGS, map(_row, status["tasks"]))


def _row(task: Status) -> tuple[str, ...]:
    beat, left = task["last_heartbeat"], task["remaining_seconds"]
    return (
        f"{task['activity']} {task['version']}",
        task["workflow_id"],
        task["activity_id"],
        span(task["seconds"]),
        "none" if beat is None else table_time(datetime.fromisoformat(beat).timestamp()),
        task["status"].replace("_", " "),
        "no limit" if left is None else span(left),
    )
