"""SWF's nouns and its limits.

The limits are those of SWF's service model (botocore's ``service-2.json``), in characters.
botocore does not check them; SWF refuses what is longer with a ValidationException, and an
answer that is refused leaves its task open until it times out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from ..failure import cut_end, sendable

MAX_INPUT_CHARS = 32_768  #: Input of a task or an execution.
MAX_RESULT_CHARS = 32_768  #: Result of a completed task.
MAX_DETAILS_CHARS = 32_768  #: Details of a failed or canceled task.
MAX_HEARTBEAT_DETAILS_CHARS = 2_048  #: Details of a heartbeat.
MAX_REASON_CHARS = 256  #: Reason of a failed task.
MAX_TOKEN_CHARS = 1_024  #: Task token.
MAX_NAME_CHARS = 256  #: Domain, type name, task list, workflow id, activity id, identity.
MAX_VERSION_CHARS = 64  #: Version of a type.
MAX_TIMEOUT_CHARS = 8  #: A timeout is digits or NONE in so many characters.

#: What SWF writes for "no limit".
NO_LIMIT = "NONE"

#: A default timeout that a type was registered without; no timeout is 0.
NOT_SET = 0

#: Names, versions and task lists must not contain these (API reference, RegisterActivityType).
_FORBIDDEN = re.compile("[:/|\u0000-\u001f\u007f-\u009f]")


class ActivityType(NamedTuple):
    """The key of an activity: SWF knows each version of a name as a type of its own."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class ActivityDefaults:
    """What a type is registered with; a workflow may override each when it schedules a task.

    The timeouts are seconds, None for no limit.
    """

    task_list: str
    heartbeat: int | None
    schedule_to_close: int | None
    schedule_to_start: int | None
    start_to_close: int | None

    def differences(self, other: ActivityDefaults) -> list[str]:
        """Return one text for each default that is another in *other*."""
        return [
            f"{field.name} is {getattr(self, field.name)!r} here, "
            f"{'not set' if theirs == NOT_SET else repr(theirs)} at SWF"
            for field in fields(self)
            if (theirs := getattr(other, field.name)) != getattr(self, field.name)
        ]


@dataclass(frozen=True)
class ActivityImplementation:
    """What a scan found: a type, its defaults, the class that implements it, and where.

    Attributes:
        auto_heartbeat_seconds: the interval of its background heartbeats; None for none.
        max_stall_seconds: how long it may report nothing before they rest; None for ever.
    """

    type: ActivityType
    defaults: ActivityDefaults
    factory: Callable[[str | None, Any, str], Callable[[], None]]
    file: str
    line: int
    auto_heartbeat_seconds: float | None = None
    max_stall_seconds: float | None = None

    @property
    def place(self) -> str:
        """Where the decorator stands, as ``file:line``."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class ActivityTask:
    """One delivery: what a poll brought."""

    type: ActivityType
    task_token: str
    activity_id: str
    workflow_id: str
    run_id: str
    started_event_id: int
    input: str | None

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> ActivityTask | None:
        """Return the task of a poll's answer; None where the poll was empty.

        SWF marks an empty poll with an empty ``taskToken``, emulators leave the key out, and
        boto3 makes ``{}`` of a body that it cannot read.
        """
        token = answer.get("taskToken")
        if not token:
            return None
        kind = answer.get("activityType", {})
        execution = answer.get("workflowExecution", {})
        return cls(
            type=ActivityType(kind.get("name", ""), kind.get("version", "")),
            task_token=token,
            activity_id=answer.get("activityId", ""),
            workflow_id=execution.get("workflowId", ""),
            run_id=execution.get("runId", ""),
            started_event_id=answer.get("startedEventId", 0),
            input=answer.get("input"),
        )

    def __str__(self) -> str:
        return f"{self.type} (activity {self.activity_id} of workflow {self.workflow_id})"


def name_text(
    value: object, what: str, limit: int = MAX_NAME_CHARS, *, trimmed: bool = False
) -> str:
    """Return ``str(value)`` where SWF takes it as a name.

    Args:
        value: any object.
        what: what it is to be, for the error's text: "name", "version", "task_list", "domain".
        limit: its greatest length, in characters.
        trimmed: whether white space at either end is refused, as of domains and task lists.

    Raises:
        ValueError: it is empty, too long, or holds what SWF does not allow.
    """
    text = str(value)
    rule = (
        f"SWF takes 1 to {limit} characters, no ':', '/', '|' or control character, not 'arn'"
        + (", no white space at either end" if trimmed else "")
    )
    if not 1 <= len(text) <= limit:
        raise ValueError(f"Cannot use a {what} of {len(text)} characters: {rule}.")
    if text != sendable(text):
        raise ValueError(f"Cannot use {text!r} as {what}: it has a character without UTF-8 form.")
    if _FORBIDDEN.search(text) or text == "arn" or (trimmed and text.strip() != text):
        raise ValueError(f"Cannot use {text!r} as {what}: {rule}.")
    return text


def timeout_seconds(value: Any, what: str) -> int | None:
    """Return *value* as whole seconds over 0; None, SWF's "no limit", stays None.

    Args:
        value: whatever ``int()`` takes.
        what: which timeout it is, for the error's text.

    Raises:
        ValueError: it is no number, not over 0, or has more than 8 digits.
    """
    if value is None:
        return None
    rule = "give whole seconds from 1 to 99999999, or None for no limit"
    try:
        seconds = int(value)
    except Exception:  # an __int__ may raise anything
        raise ValueError(f"Cannot use {_shown(value)} as {what}: {rule}.") from None
    if not 0 < seconds < 10**MAX_TIMEOUT_CHARS:
        raise ValueError(f"Cannot use {_shown(value)} as {what}: {rule}.")
    return seconds


def _shown(value: object) -> str:
    """Return what *value* looks like, in few words: it may be 5,000 digits, which have no repr."""
    try:
        return cut_end(repr(value), 100)
    except Exception:
        return f"this {type(value).__name__}"


def timeout_text(seconds: int | None) -> str:
    """Return a timeout as SWF writes it."""
    return NO_LIMIT if seconds is None else str(seconds)


def timeout_from_text(text: str | None) -> int | None:
    """Return the seconds of a timeout as SWF writes it; None for no limit, or none set."""
    return None if text is None or text == NO_LIMIT else int(text)
