"""Validates requests against SWF's service model before they are carried out.

boto3 checks types and minimum lengths and leaves the rest to SWF, which refuses a bad value with
ValidationException. moto accepts it and may then fail at every later call (with a timeout of
``abc``) or answer HTTP 500, which clients retry. botocore's model has required members, types,
lengths and enumerations. The rules that it lacks come from the parameters' descriptions in the API
reference.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, ServiceModel, Shape, StructureShape

#: Durations that may not be ``NONE``: "unlike some of the other timeout parameters in
#: Amazon SWF, you cannot specify a value of NONE" (API reference, StartWorkflowExecution,
#: RegisterWorkflowType); a timer's is "an integer greater than or equal to 0" and no more
#: (StartTimerDecisionAttributes).
NEVER_NONE = frozenset(
    {
        "executionStartToCloseTimeout",
        "defaultExecutionStartToCloseTimeout",
        "startToFireTimeout",
    }
)

#: The input shape and member of each name that SWF keeps. SWF's rule for names: "must not contain a
#: : (colon), / (slash), | (vertical bar), or any control characters (\\u0000-\\u001f |
#: \\u007f-\\u009f). Also, it must not be the literal string arn."
_NAMES = frozenset(
    {
        ("RegisterDomainInput", "name"),
        ("RegisterActivityTypeInput", "name"),
        ("RegisterActivityTypeInput", "version"),
        ("RegisterWorkflowTypeInput", "name"),
        ("RegisterWorkflowTypeInput", "version"),
        ("StartWorkflowExecutionInput", "workflowId"),
        ("StartChildWorkflowExecutionDecisionAttributes", "workflowId"),
        ("ScheduleActivityTaskDecisionAttributes", "activityId"),
        ("StartTimerDecisionAttributes", "timerId"),
        ("TaskList", "name"),
    }
)

#: Those names that "must not start or end with whitespace".
_TRIMMED_NAMES = frozenset({("RegisterDomainInput", "name"), ("TaskList", "name")})

_NOT_IN_NAMES = re.compile(r"[:/|\x00-\x1f\x7f-\x9f]")

#: A taskPriority: "Valid values are integers that range from Java's Integer.MIN_VALUE
#: (-2147483648) to Integer.MAX_VALUE (2147483647)".
_PRIORITY = re.compile(r"[-+]?[0-9]{1,10}")

#: "The maximum workflow execution retention period is 90 days" (API reference, RegisterDomain).
_MAX_RETENTION_DAYS = 90

#: The longest value that an error text repeats, in characters; longer ones may be user data.
_SHOWN_CHARS = 64


class RequestFault(Exception):
    """A request that SWF refuses.

    Attributes:
        fault: SWF's name for the fault.
    """

    def __init__(self, fault: str, message: str) -> None:
        super().__init__(message)
        self.fault = fault


@functools.cache
def _service_model() -> ServiceModel:
    """Return botocore's model of SWF; all local SWFs of a process share it."""
    return ServiceModel(Loader().load_service_model("swf", "service-2"), "swf")


class RequestValidator:
    """Knows SWF's actions and the rules for their parameters."""

    def __init__(self) -> None:
        self._service = _service_model()
        self._actions = frozenset(self._service.operation_names)

    def check(self, action: str, parameters: object) -> dict[str, Any]:
        """Check a request.

        Args:
            action: the name of the action, such as ``PollForActivityTask``.
            parameters: the decoded body of the request.

        Returns:
            The parameters, without members that are null.

        Raises:
            RequestFault: the action is unknown, a type is wrong, or values are out of range (all
                such values in one text).
        """
        if action not in self._actions:
            raise RequestFault("UnknownOperationException", f"Unknown action: {action[:64]}")
        if not isinstance(parameters, dict):
            raise _wrong_type("the request", "a JSON object")
        shape = self._service.operation_model(action).input_shape
        problems = [] if shape is None else list(_problems(shape, parameters, ""))
        if problems:
            errors = "error" if len(problems) == 1 else "errors"
            raise RequestFault(
                "ValidationException",
                f"{len(problems)} validation {errors} detected: {'; '.join(problems)}",
            )
        return parameters


def _problems(shape: Shape, value: object, path: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        if not isinstance(value, dict):
            raise _wrong_type(path, "an object")
        for name, member in shape.members.items():
            member_path = f"{path}.{name}" if path else name
            if value.get(name) is None:
                # SWF takes null for an absent member.
                value.pop(name, None)
                if name in shape.required_members:
                    yield _problem(None, member_path, "Member must not be null")
            else:
                yield from _problems(member, value[name], member_path)
                yield from _name_problems((shape.name, name), value[name], member_path)
    elif isinstance(shape, ListShape):
        if not isinstance(value, list):
            raise _wrong_type(path, "a list")
        yield from _length_problems(shape, value, path)
        for number, item in enumerate(value, 1):
            yield from _problems(shape.member, item, f"{path}.{number}.member")
    else:
        yield from _scalar_problems(shape, value, path)


def _scalar_problems(shape: Shape, value: object, path: str) -> Iterator[str]:
    if shape.type_name == "boolean":
        if not isinstance(value, bool):
            raise _wrong_type(path, "a boolean")
    elif shape.type_name == "string":
        if not isinstance(value, str):
            raise _wrong_type(path, "a string")
        yield from _text_problems(shape, value, path)
    else:
        whole = shape.type_name in ("integer", "long")
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            raise _wrong_type(path, "a whole number" if whole else "a number")
        least, most = shape.metadata.get("min"), shape.metadata.get("max")
        if least is not None and value < least:
            yield _problem(value, path, f"Member must have value greater than or equal to {least}")
        if most is not None and value > most:
            yield _problem(value, path, f"Member must have value less than or equal to {most}")


def _text_problems(shape: Shape, value: str, path: str) -> Iterator[str]:
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        values = ", ".join(allowed)
        yield _problem(value, path, f"Member must satisfy enum value set: [{values}]")
    problems = list(_length_problems(shape, value, path))
    if problems:
        yield from problems
    elif shape.name.startswith("DurationIn") and not _is_duration(value, path):
        also = "" if _never_none(path) else ", or NONE"
        yield _problem(value, path, f"Member must be a whole number of at least 0{also}")
    elif shape.name == "DurationInDays" and value != "NONE" and int(value) > _MAX_RETENTION_DAYS:
        yield _problem(value, path, f"Member must be at most {_MAX_RETENTION_DAYS}, or NONE")
    elif shape.name == "TaskPriority" and not _is_priority(value):
        yield _problem(value, path, "Member must be a whole number of 32 bits")


def _length_problems(shape: Shape, value: str | list[Any], path: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and len(value) < least:
        yield _problem(value, path, f"Member must have length greater than or equal to {least}")
    if most is not None and len(value) > most:
        yield _problem(value, path, f"Member must have length less than or equal to {most}")


def _name_problems(place: tuple[str, str], value: object, path: str) -> Iterator[str]:
    if place not in _NAMES or not isinstance(value, str):
        return
    found = _NOT_IN_NAMES.search(value)
    if found or value == "arn":
        what = ascii(found.group()) if found else "'arn'"
        yield (
            f"Value at '{path}' failed to satisfy constraint: Member must contain none of "
            f": / | and no control characters, and must not be 'arn'; it has {what}"
        )
    elif place in _TRIMMED_NAMES and value != value.strip():
        yield (
            f"Value at '{path}' failed to satisfy constraint: Member must not start or end "
            "with whitespace"
        )


def _is_duration(value: str, path: str) -> bool:
    return (value.isascii() and value.isdigit()) or (value == "NONE" and not _never_none(path))


def _is_priority(value: str) -> bool:
    return bool(_PRIORITY.fullmatch(value)) and -(2**31) <= int(value) < 2**31


def _never_none(path: str) -> bool:
    # The decisions that start an execution are exceptions: "You can use NONE".
    starts = ".continueAsNew" in path or ".startChild" in path
    return path.rpartition(".")[2] in NEVER_NONE and not starts


def _problem(value: object, path: str, rule: str) -> str:
    shown = str(value)
    if value is None:
        named = "Value null"
    else:
        named = f"Value '{shown}'" if len(shown) <= _SHOWN_CHARS else "Value"
    return f"{named} at '{path}' failed to satisfy constraint: {rule}"


def _wrong_type(path: str, wanted: str) -> RequestFault:
    return RequestFault("SerializationException", f"{path} must be {wanted}")
