"""What the demo schedules, and what SWF's history should say of it in the end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flowy.swf.decider import EndingKind

from .files import Selection, facts_now
from .workflow import Outcome, Planned

#: Stands for a value that there must be, but that cannot be compared.
UNKNOWN: Any = object()


def planned(selection: Selection, mailbox: Path) -> list[Planned]:
    """Return what to schedule: the one to suspend, the one to fail, and one for each file."""
    return [
        Planned("approve", "approve", ("the demo", str(mailbox))),
        Planned("echo", "echo", (1,)),
        *(
            Planned(f"file-{number}", "describe", (path,))
            for number, path in enumerate(selection.files, start=1)
        ),
    ]


def expected(plan: Sequence[Planned], selection: Selection, approver: int) -> dict[str, Outcome]:
    """Return what history should say, by activity id, found without SWF.

    Args:
        plan: what was scheduled.
        selection: tells which files have changed since, of which nobody knows what was read.
        approver: the id of the process that completes what was suspended.
    """
    return {each.activity_id: _expected(each, selection, approver) for each in plan}


def _expected(planned: Planned, selection: Selection, approver: int) -> Outcome:
    key = planned.activity_id, planned.name, planned.args
    if planned.name == "approve":
        answer = {"approved": True, "by_process": approver}
        return Outcome(*key, kind=EndingKind.COMPLETED, value=answer)
    if planned.name == "echo":
        return Outcome(*key, kind=EndingKind.FAILED, reason="Can't echo 1.")
    return Outcome(*key, kind=EndingKind.COMPLETED, value=_facts(planned.args[0], selection))


def _facts(path: str, selection: Selection) -> Any:
    try:
        return UNKNOWN if selection.changed(path) else facts_now(path)
    except OSError:
        return UNKNOWN
