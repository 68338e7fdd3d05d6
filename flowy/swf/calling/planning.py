"""What a call says: which activity, its arguments, and the options of the call."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from ...exception import CodecError, ScanError, TooLongError
from ...invocation import envelope_of
from ...task import Activity
from ...writing import write
from ..client import Layer1
from ..limits import MAX_INPUT_CHARS, MAX_VERSION_CHARS, name_text, timeout_seconds
from ..scanner import declared, run_types_of
from ..values import ActivityImplementation, ActivityType
from .decider import Plan

if TYPE_CHECKING:
    from ...convert import RunTypes
    from ...envelope import Envelope

#: How long an activity may take to end after the request to cancel it, in seconds.
GRACE_SECONDS = 5


@dataclass(frozen=True)
class CallOptions:
    """The options of ``call_activity``."""

    task_list: object = None
    timeout: Any = 3600
    grace: Any = GRACE_SECONDS
    workflow_id: object = None
    layer1: Layer1 | None = None


_OPTIONS = frozenset(each.name for each in fields(CallOptions))


def planned(
    domain: str,
    activity: Any,
    args: Sequence[Any],
    keywords: Mapping[str, Any],
    defaults: CallOptions,
    written_by: type[Activity] = Activity,
) -> tuple[Plan, CallOptions]:
    """Return the plan of a call, and its options.

    Args:
        domain: the SWF domain.
        activity: a class that has a mark; or a name, and the version is the first of *args*.
        args: the positional arguments.
        keywords: the keyword arguments, those of the activity and the options.
        defaults: the options that are not among the keywords.
        written_by: for a call by name: the class whose format, codecs and store the texts of the
            call have. It converts nothing.

    Raises:
        TypeError: the arguments do not fit ``run``, or a keyword is unknown.
        ValueError: a value cannot be used.
        ScanError: the class is not marked, or an annotation cannot be used.
        ConversionError: an argument does not fit its type.
        SerializationError: an argument is not JSON-serializable.
        TooLongError: the input is longer than 32,768 characters, and cannot be stored.
        CodecError, UnavailableError: it cannot be encoded, or stored; or an argument is encoded.
    """
    types: RunTypes | None = None
    envelope: Envelope | None = envelope_of(written_by)
    if isinstance(activity, type):
        mark, types = _of_class(activity)
        written_by = activity
        type_, defaults = mark.type, replace(defaults, task_list=mark.defaults.task_list)
        parameters, envelope = _parameters(activity, types), mark.envelope
    elif not args:
        raise TypeError(f"Cannot call {activity!r}: its version is missing.")
    else:
        version, *args = args
        type_ = ActivityType(
            name_text(activity, "name"), name_text(version, "version", MAX_VERSION_CHARS)
        )
        parameters = []
    kwargs, given = _split(keywords, parameters)
    options = replace(defaults, **given)
    if envelope is not None:
        _check_not_encoded(args, kwargs)
    if types is not None:
        args, kwargs = types.to_wire(args, kwargs)
    task_list = options.task_list
    plan = Plan(
        type_,
        input_text(args, kwargs, envelope, domain, activity=written_by),
        None if task_list is None else name_text(task_list, "task_list", trimmed=True),
        _timeout_seconds(options.timeout),
        _grace_seconds(options.grace),
        types,
        envelope,
        written_by,
    )
    return plan, options


def _check_not_encoded(args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Raise CodecError if an argument is encoded, because its activity would get it so."""
    from ...envelope import is_envelope_value  # imported already, with the envelope

    named = [*((f"{number}", each) for number, each in enumerate(args, 1)), *kwargs.items()]
    for name, each in named:
        if is_envelope_value(each):
            raise CodecError(
                f"Cannot call with the class and argument {name}, which is encoded or stored "
                "already. Read it with flowy.transport.read, or call without the class."
            )


def _of_class(activity: type) -> tuple[ActivityImplementation, RunTypes | None]:
    """Return the first mark of a class, and the types of its ``run`` if it has a converter."""
    found = declared(activity) if issubclass(activity, Activity) else ()
    if not found:
        raise ScanError(
            f"Cannot call {activity.__qualname__}: it has no @activity(name=..., version=..., "
            "task_list=...). Decorate it, or call by name and version."
        )
    return found[0], run_types_of(activity)


def _parameters(activity: Any, types: RunTypes | None) -> list[inspect.Parameter]:
    signature = inspect.signature(activity.run) if types is None else types.signature
    return list(signature.parameters.values())


def _split(
    keywords: Mapping[str, Any], parameters: Sequence[inspect.Parameter]
) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Return the keyword arguments of the activity, and the options."""
    options = {name: value for name, value in keywords.items() if name in _OPTIONS}
    if keywords.get("kwargs") is not None:
        unknown = sorted(set(keywords) - _OPTIONS - {"kwargs"})
        if unknown:
            raise TypeError(
                f"Cannot call with kwargs and {', '.join(unknown)}: with kwargs, all others must "
                f"be options: {', '.join(sorted(_OPTIONS))}."
            )
        return keywords["kwargs"], options
    for each in parameters:
        if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY):
            options.pop(each.name, None)
    spared = {*options, "kwargs"}
    return {name: value for name, value in keywords.items() if name not in spared}, options


def input_text(
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    envelope: Envelope | None = None,
    domain: str = "-",
    activity: type[Activity] = Activity,
) -> str | None:
    """Return the wire text of a call's arguments, in an envelope if one is given.

    Args:
        args: the positional arguments.
        kwargs: the keyword arguments.
        envelope: how the text travels; None as it is.
        domain: the domain in whose folder a store keeps it.
        activity: the class whose format it has.

    Raises:
        TypeError: the format has no place for the arguments.
        SerializationError: an argument is not JSON-serializable.
        CodecError: it cannot be encoded.
        UnavailableError: a key service or the store does not answer at the moment.
        TooLongError: it is longer than 32,768 characters, which SWF would refuse.
    """
    text = write(envelope, activity._serialize_arguments, args, kwargs)
    if text is None:
        return None
    if envelope is not None:
        from ...claims import Place  # imported already, with the envelope

        return envelope.sealed(text, "input", place=Place(domain), limit=MAX_INPUT_CHARS)
    if len(text) > MAX_INPUT_CHARS:
        raise TooLongError(
            f"the input has {len(text):,} characters, SWF takes {MAX_INPUT_CHARS:,}.",
            length=len(text),
            limit=MAX_INPUT_CHARS,
        )
    return text


def _timeout_seconds(timeout: Any) -> int:
    seconds = timeout_seconds(timeout, "timeout")
    if seconds is None:
        raise ValueError(
            "Cannot call without a timeout: the execution would stay open if its caller was "
            "killed. Give whole seconds, from 1 to a year."
        )
    return seconds


def _grace_seconds(grace: Any) -> int:
    seconds = 0 if grace == 0 else timeout_seconds(grace, "grace")
    if seconds is None:
        raise ValueError("Cannot use None as grace: give whole seconds, 0 or more.")
    return seconds
