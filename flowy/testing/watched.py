"""What is run: the activity's class, what is declared of it, and what comes out of its ``run``.

An activity keeps its exceptions to itself, for SWF gets texts. A test wants the exception, so the
instance notes it where it answers for it. ``run`` stays as it is: a frame around it would stand in
the traceback, and SWF would get another text from a worker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from ..context import ActivityInfo
from ..swf.scanner import declared
from ..swf.values import ActivityImplementation
from ..task import Activity
from .scripted import ScriptedTask

#: What ``Activity.info`` is where nothing else is known.
PLAIN_INFO = ActivityInfo(
    name="activity",
    version="1",
    activity_id="1",
    workflow_id="test-workflow",
    run_id="test-run",
    domain="test",
    task_list="test",
    started_event_id=6,
    identity="ActivityEnvironment",
    heartbeat=None,
    schedule_to_close=420,
    schedule_to_start=120,
    start_to_close=300,
)


def info_of(
    activity: type[Activity], given: Mapping[str, Any]
) -> tuple[ActivityInfo, ActivityImplementation | None]:
    """Return what ``info`` is to be, and the declaration of the type that it names.

    Args:
        activity: the class.
        given: fields of the info that the test wants; they choose among several declarations.
    """
    declarations = declared(activity)
    matching = (
        one
        for one in declarations
        if given.get("name", one.type.name) == one.type.name
        and given.get("version", one.type.version) == one.type.version
    )
    declaration = next(matching, declarations[0] if declarations else None)
    info = replace(PLAIN_INFO, name=activity.__name__)
    if declaration is not None:
        name, version = declaration.type
        info = replace(info, name=name, version=version, **asdict(declaration.defaults))
    return replace(info, **given), declaration


class WatchedRun:
    """One call of one activity.

    Args:
        kind: the class.
        input: the wire text of its arguments.
        task: what it answers through.
        token: the task's.
    """

    def __init__(self, kind: type[Activity], input: str, task: ScriptedTask, token: str) -> None:
        self.kind = kind
        self.task = task
        #: What ``run`` raised; None where it returned, and where it let pass that it was canceled.
        self.error: BaseException | None = None
        self._input = input
        self._token = token

    def make(self) -> Activity:
        """Return the activity, to be called once."""
        activity = self.kind(self._input, self.task, self._token)
        answer_error = activity._answer_error

        def noting(error: BaseException) -> None:
            self.error = error
            answer_error(error)

        vars(activity)["_answer_error"] = noting
        return activity
