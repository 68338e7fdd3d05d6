"""Requests are checked against SWF's own model, before anything acts on them.

boto3 checks types and least lengths and leaves the rest to SWF, which refuses it with
ValidationException; moto takes it, and may then fail at every later call (a timeout of
``abc``) or answer HTTP 500, which clients repeat.  The model is the one botocore brings:
required members, types, lengths, enumerations.  What it can't say stands here, as the
parameters' own descriptions in the API reference put it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, ServiceModel, Shape, StructureShape

#: Durations that SWF takes no ``NONE`` for: "unlike some of the other timeout parameters in
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

#: The parameters that name something for good, and so follow SWF's rule for names: "must
#: not contain a : (colon), / (slash), | (vertical bar), or any control characters
#: (\\u0000-\\u001f | \\u007f-\\u009f).  Also, it must not be the literal string arn."
_NAMES = frozenset(
    {
        ("RegisterDomainInput", "name"),
        ("RegisterActivityTypeInput", "name"),
        ("RegisterActivityTypeInput", "version"),
        ("RegisterWorkflowTypeInput", "name"),
        ("RegisterWorkflowTypeInput", "version"),
        ("StartWorkflowExecutionInput", "workflowId"),
        ("ScheduleActivityTaskDecisionAttributes", "activityId"),
        ("StartTimerDecisionAttributes", "timerId"),
        ("TaskList", "name"),
    }
)

#: Those of them that "must not start or end with whitespace".
_TRIMMED_NAMES = frozenset({("RegisterDomainInput", "name"), ("TaskList", "name")})

_NOT_IN_NAMES = re.compile(r"[:/|\x00-\x1f\x7f-\x9f]")

#: Of taskPriority: "Valid values are integers that range from Java's Integer.MIN_VALUE
#: (-2147483648) to Integer.MAX_VALUE (2147483647)".
_PRIORITY = re.compile(r"[-+]?[0-9]{1,10}")

#: "The maximum workflow execution retention period is 90 days" (API reference,
#: RegisterDomain).
_MOST_DAYS = 90

#: Longest value that an error text repeats, in characters; longer ones may be data.
_SHOWN_CHARS = 64


class RequestFault(Exception):
    """A request that SWF refuses.

    Attributes:
        fault: SWF's name for it.
    """

    def __init__(self, fault: str, message: str) -> None:
        super().__init__(message)
        self.fault = fault


class RequestChecks:
    """SWF's actions and what their parameters must look like."""

    def __init__(self) -> None:
        model = Loader().load_service_model("swf", "service-2")
        self._service = ServiceModel(model, "swf")
        self._actions = frozenset(self._service.operation_names)

    def check(self, action: str, parameters: object) -> dict[str, Any]:
        """Let through what SWF would look at.

        Args:
            action: its name, as in ``PollForActivityTask``.
            parameters: what the request's body says.

        Returns:
            The parameters.

        Raises:
            RequestFault: an unknown action, a wrong type, or values out of range (all of
                these in one text).
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


def _problems(shape: Shape, value: object, where: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        if not isinstance(value, dict):
            raise _wrong_type(where, "an object")
        for name, member in shape.members.items():
            path = f"{where}.{name}" if where else name
            if value.get(name) is None:
                # JSON's null is an absent member.
                value.pop(name, None)
                if name in shape.required_members:
                    yield _problem(None, path, "Member must not be null")
            else:
                yield from _problems(member, value[name], path)
                yield from _name_problems((shape.name, name), value[name], path)
    elif isinstance(shape, ListShape):
        if not isinstance(value, list):
            raise _wrong_type(where, "a list")
        yield from _length_problems(shape, value, where)
        for number, item in enumerate(value, 1):
            yield from _problems(shape.member, item, f"{where}.{number}.member")
    else:
        yield from _scalar_problems(shape, value, where)


def _scalar_problems(shape: Shape, value: object, where: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if shape.type_name == "boolean":
        if not isinstance(value, bool):
            raise _wrong_type(where, "a boolean")
    elif shape.type_name != "string":
        whole = shape.type_name in ("integer", "long")
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            raise _wrong_type(where, "a whole number" if whole else "a number")
        if least is not None and value < least:
            yield _problem(value, where, f"Member must have value greater than or equal to {least}")
        if most is not None and value > most:
            yield _problem(value, where, f"Member must have value less than or equal to {most}")
    else:
        if not isinstance(value, str):
            raise _wrong_type(where, "a string")
        allowed = shape.metadata.get("enum")
        if allowed and value not in allowed:
            values = ", ".join(allowed)
            yield _problem(value, where, f"Member must satisfy enum value set: [{values}]")
        problems = list(_length_problems(shape, value, where))
        if problems:
            yield from problems
        elif shape.name.startswith("DurationIn") and not _is_duration(value, where):
            also = "" if _never_none(where) else ", or NONE"
            yield _problem(value, where, f"Member must be a whole number of at least 0{also}")
        elif shape.name == "DurationInDays" and value != "NONE" and int(value) > _MOST_DAYS:
            yield _problem(value, where, f"Member must be at most {_MOST_DAYS}, or NONE")
        elif shape.name == "TaskPriority" and not _is_priority(value):
            yield _problem(value, where, "Member must be a whole number of 32 bits")


def _length_problems(shape: Shape, value: str | list[Any], where: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and len(value) < least:
        yield _problem(value, where, f"Member must have length greater than or equal to {least}")
    if most is not None and len(value) > most:
        yield _problem(value, where, f"Member must have length less than or equal to {most}")


def _name_problems(place: tuple[str, str], value: object, where: str) -> Iterator[str]:
    if place not in _NAMES or not isinstance(value, str):
        return
    found = _NOT_IN_NAMES.search(value)
    if found or value == "arn":
        what = ascii(found.group()) if found else "'arn'"
        yield (
            f"Value at '{where}' failed to satisfy constraint: Member must contain none of "
            f": / | and no control characters, and must not be 'arn'; it has {what}"
        )
    elif place in _TRIMMED_NAMES and value != value.strip():
        yield (
            f"Value at '{where}' failed to satisfy constraint: Member must not start or end "
            "with whitespace"
        )


def _is_duration(value: str, where: str) -> bool:
    return (value.isascii() and value.isdigit()) or (value == "NONE" and not _never_none(where))


def _is_priority(value: str) -> bool:
    return bool(_PRIORITY.fullmatch(value)) and -(2**31) <= int(value) < 2**31


def _never_none(where: str) -> bool:
    # "You can use NONE" where an execution is continued as new.
    return where.rpartition(".")[2] in NEVER_NONE and ".continueAsNew" not in where


def _problem(value: object, where: str, rule: str) -> str:
    shown = str(value)
    if value is None:
        named = "Value null"
    else:
        named = f"Value '{shown}'" if len(shown) <= _SHOWN_CHARS else "Value"
    return f"{named} at '{where}' failed to satisfy constraint: {rule}"


def _wrong_type(where: str, wanted: str) -> RequestFault:
    return RequestFault("SerializationException", f"{where} must be {wanted}")
