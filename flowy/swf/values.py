"""SWF's nouns, as frozen values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple

from .times import seconds_of

#: Stands for a default timeout that a type was registered without; real timeouts are over 0.
NOT_SET = 0


class ActivityType(NamedTuple):
    """The key of an activity: at SWF, each version of a name is a separate type."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class ActivityDefaults:
    """The defaults of a type; a workflow may override each when it schedules a task.

    The timeouts are seconds, None for no limit. If task_priority is None, SWF uses 0.
    """

    task_list: str
    heartbeat: int | None
    schedule_to_close: int | None
    schedule_to_start: int | None
    start_to_close: int | None
    task_priority: int | None = None

    def differences(self, other: ActivityDefaults) -> list[str]:
        """Return one text for each default that differs in *other*, the registered ones."""
        found = [
            f"{field.name} is {getattr(self, field.name)!r} here, "
            f"{'not set' if theirs == NOT_SET else repr(theirs)} at SWF"
            for field in fields(self)
            if field.name != "task_priority"
            and (theirs := getattr(other, field.name)) != getattr(self, field.name)
        ]
        # Compared only if it is declared: types that others have registered may have one.
        if self.task_priority not in (None, other.task_priority or 0):
            held = "not set" if other.task_priority is None else other.task_priority
            found.append(f"task_priority is {self.task_priority} here, {held} at SWF")
        return found


@dataclass(frozen=True)
class ActivityImplementation:
    """An activity that a scan found: its type, its defaults, its class and its place.

    Attributes:
        auto_heartbeat_seconds: the interval of its background heartbeats, or None.
        max_stall_seconds: how long they go on without a report; None for no limit.
        description: its description at SWF, for people, or None.
        converter: a ``flowy.convert.Converter``, or None.
        envelope: a ``flowy.envelope.Envelope``, or None.
        history: whether the history is read before a run: ``"no"``, ``"wanted"`` or ``"needed"``.
        same_as: which earlier tasks count as attempts at the same work, as the decorator takes it.
    """

    type: ActivityType
    defaults: ActivityDefaults
    factory: Callable[[str | None, Any, str], Callable[[], None]]
    file: str
    line: int
    auto_heartbeat_seconds: float | None = None
    max_stall_seconds: float | None = None
    description: str | None = None
    converter: Any = None
    envelope: Any = None
    history: str = "no"
    same_as: Any = None

    @property
    def place(self) -> str:
        """The place of the decorator, as ``file:line``."""
        return f"{self.file}:{self.line}"

    @property
    def class_name(self) -> str:
        """The qualified name of the class."""
        return getattr(self.factory, "__qualname__", repr(self.factory))

    def agrees_with(self, other: ActivityImplementation) -> bool:
        """Return whether both make the same declaration of one class, in whichever place."""
        return replace(self, file=other.file, line=other.line) == other


@dataclass(frozen=True)
class ActivityTask:
    """One delivery of an activity: what a poll brought; ``repr`` hides the token and the input."""

    type: ActivityType
    task_token: str = field(repr=False)
    activity_id: str
    workflow_id: str
    run_id: str
    started_event_id: int
    input: Any = field(repr=False)  #: Text, or None; SWF sends nothing else.

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> ActivityTask | None:
        """Return the task of a poll's answer; None if it has no token, like that of an empty poll.

        Any answer with a token is a task that needs an answer. So a field that is not text, which
        SWF never sends, becomes the name of its type.
        """
        token = answer.get("taskToken")
        if not token or not isinstance(token, str):
            return None
        kind = _mapping(answer.get("activityType"))
        execution = _mapping(answer.get("workflowExecution"))
        started = answer.get("startedEventId")
        return cls(
            type=ActivityType(_text(kind.get("name")), _text(kind.get("version"))),
            task_token=token,
            activity_id=_text(answer.get("activityId")),
            workflow_id=_text(execution.get("workflowId")),
            run_id=_text(execution.get("runId")),
            started_event_id=started if isinstance(started, int) else 0,
            input=answer.get("input"),
        )

    def __str__(self) -> str:
        return f"{self.type} (activity {self.activity_id} of workflow {self.workflow_id})"


@dataclass(frozen=True)
class RegisteredType:
    """An activity type or a workflow type as SWF lists it.

    Attributes:
        kind: ``activity`` or ``workflow``.
        created_at, deprecated_at: seconds since the epoch; None for a type that is not deprecated.
    """

    kind: str
    name: str
    version: str
    description: str | None
    created_at: float | None
    deprecated_at: float | None
    deprecated: bool

    @classmethod
    def from_info(cls, kind: str, info: Mapping[str, Any]) -> RegisteredType:
        """Return the type of one entry of a list."""
        key = info[f"{kind}Type"]
        return cls(
            kind=kind,
            name=key["name"],
            version=key["version"],
            description=info.get("description"),
            created_at=seconds_of(info.get("creationDate")),
            deprecated_at=seconds_of(info.get("deprecationDate")),
            deprecated=info.get("status") == "DEPRECATED",
        )

    @property
    def type(self) -> ActivityType:
        """The key of the type: name and version."""
        return ActivityType(self.name, self.version)

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class ExecutionInfo:
    """One run of a workflow as SWF lists it.

    Attributes:
        name, version: its workflow type.
        status: ``open``, or how it closed: ``completed``, ``failed``, ``canceled``, ``terminated``,
            ``timed out``, ``continued as new``.
        started_at, closed_at: seconds since the epoch; *closed_at* is None while it is open.
        tags: up to five texts with which it was started.
        cancel_requested: whether its cancellation was requested.
        parent: the workflow id and run id of the execution that started it, or None.
    """

    workflow_id: str
    run_id: str
    name: str
    version: str
    status: str
    started_at: float
    closed_at: float | None
    tags: tuple[str, ...]
    cancel_requested: bool
    parent: tuple[str, str] | None

    @classmethod
    def from_info(cls, info: Mapping[str, Any]) -> ExecutionInfo:
        """Return the execution of one entry of a list."""
        type_, parent = info["workflowType"], info.get("parent")
        status = info.get("closeStatus") or info["executionStatus"]
        return cls(
            workflow_id=info["execution"]["workflowId"],
            run_id=info["execution"]["runId"],
            name=type_["name"],
            version=type_["version"],
            status=status.lower().replace("_", " "),
            started_at=seconds_of(info["startTimestamp"]) or 0.0,
            closed_at=seconds_of(info.get("closeTimestamp")),
            tags=tuple(info.get("tagList", ())),
            cancel_requested=bool(info.get("cancelRequested")),
            parent=(parent["workflowId"], parent["runId"]) if parent else None,
        )

    @property
    def is_open(self) -> bool:
        """Whether the execution is open."""
        return self.closed_at is None

    def __str__(self) -> str:
        return f"{self.workflow_id} (run {self.run_id})"


@dataclass(frozen=True)
class ExecutionDescription:
    """SWF's description of one run, open or closed, without its history.

    Attributes:
        info: the part that lists contain, too.
        task_list: the task list for its decisions.
        child_policy: what happens to its children if it is terminated.
        timeout, decision_timeout: how long it, and each decision, may take, in seconds; None for no
            limit.
        open_counts: how many of each are open: ``activities``, ``decisions``, ``timers``,
            ``children``, ``lambdas``.
    """

    info: ExecutionInfo
    task_list: str
    child_policy: str
    timeout: int | None
    decision_timeout: int | None
    open_counts: Mapping[str, int]

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> ExecutionDescription:
        """Return the description in an answer of SWF's."""
        how, counts = answer["executionConfiguration"], answer.get("openCounts", {})
        return cls(
            info=ExecutionInfo.from_info(answer["executionInfo"]),
            task_list=how["taskList"]["name"],
            child_policy=how["childPolicy"],
            timeout=_limit(how["executionStartToCloseTimeout"]),
            decision_timeout=_limit(how["taskStartToCloseTimeout"]),
            open_counts={name: counts.get(key, 0) for name, key in _OPEN_COUNTS.items()},
        )


#: By kind of open item in an execution: SWF's name for its count.
_OPEN_COUNTS = {
    "activities": "openActivityTasks",
    "decisions": "openDecisionTasks",
    "timers": "openTimers",
    "children": "openChildWorkflowExecutions",
    "lambdas": "openLambdaFunctions",
}


def _limit(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else f"<{type(value).__name__}>"
