"""Checks of an activity class, made by the decorator rather than at the first task."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import FunctionType
from typing import Any

from ...task import Activity, AsyncActivity
from ...task.history import READS_HISTORY
from ..values import ActivityDefaults, ActivityType

#: Defaults, in seconds, that do not contradict a shorter schedule-to-close.
DEFAULT_SECONDS = {"schedule_to_start": 120, "start_to_close": 300}

#: Usual names of the instance; any other first parameter of ``run`` counts as an argument.
_SELF = frozenset({"self", "this", "me", "cls"})


def check_implementation(implementation: Any, type_: ActivityType) -> None:
    """Check that a class can be an activity.

    Raises:
        TypeError: it cannot; the text says how to write it.
    """
    if isinstance(implementation, FunctionType):
        raise TypeError(
            f"Cannot make the function {implementation.__qualname__}() the activity {type_}: "
            f"decorate a class. Write `class {_class_name(implementation)}(Activity):` and in it "
            f"`{_run_of(implementation)}`."
        )
    if not (isinstance(implementation, type) and issubclass(implementation, Activity)):
        raise TypeError(
            f"Cannot make {implementation!r} the activity {type_}: decorate a subclass of "
            "flowy.task.Activity."
        )
    if wrong := _fault_of_run(implementation) or fault_of_constructor(implementation):
        raise TypeError(f"Cannot make {implementation.__qualname__} the activity {type_}: {wrong}")


def check_arguments(args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
    """Check that the decorator was written with its arguments.

    Raises:
        TypeError: it was not; the text says how to write it.
    """
    if len(args) == 1 and not kwargs and callable(args[0]):
        name = getattr(args[0], "__name__", "Echo")
        raise TypeError(
            f"Cannot make {name} an activity by @activity alone: it needs a name, a version and a "
            f'task list. Write @activity(name="{name.lower()}", version=1, '
            'task_list="my_tasklist").'
        )


def check_converter(converter: object) -> object:
    """Return *converter*.

    Raises:
        ValueError: it is neither None nor a ``Converter``.
    """
    if converter is not None:
        from ...convert import Converter  # needed only by those who have one

        if not isinstance(converter, Converter):
            raise ValueError(
                f"Cannot use {converter!r} as converter: give an object whose class derives from "
                "flowy.convert.Converter, such as MsgspecConverter()."
            )
    return converter


def checked_history(
    implementation: type[Activity], history: object, same_as: object
) -> dict[str, Any]:
    """Return the fields of an ``ActivityImplementation`` about the history.

    Raises:
        ValueError: a value cannot be used.
    """
    asked = implementation._reads_history if history is None else history
    if asked not in READS_HISTORY:
        raise ValueError(f"Cannot use history={asked!r}: give 'no', 'wanted' or 'needed'.")
    rule = implementation.same_as if same_as is None else same_as
    if rule not in (None, "id", "flowy", "input"):
        _check_rule(rule)
    return {"history": asked, "same_as": rule}


def _check_rule(rule: object) -> None:
    if not callable(rule):
        raise ValueError(
            f"Cannot use same_as={rule!r}: give 'id', 'flowy', 'input', or a function of two "
            "records that returns whether they are attempts at the same work."
        )
    if inspect.iscoroutinefunction(rule) or inspect.isgeneratorfunction(rule):
        raise ValueError(
            f"Cannot use same_as={rule!r}: what it returns is always true. Write it with def and "
            "return."
        )
    try:
        signature = inspect.signature(rule)
    except (TypeError, ValueError):  # it has no signature to check
        return
    try:
        signature.bind(None, None)
    except TypeError:
        raise ValueError(
            f"Cannot use same_as={rule!r}: it takes {signature}. Write a function of two records, "
            "of this task and of an earlier one."
        ) from None


def fault_of_constructor(implementation: Any) -> str | None:
    """Return why a worker cannot construct this class, and how to fix it; None if it can."""
    if inspect.isabstract(implementation):
        lacking = ", ".join(f"{name}()" for name in sorted(implementation.__abstractmethods__))
        return f"it is abstract. Decorate a subclass that has {lacking}."
    name = implementation.__name__
    call = f"a worker constructs it as {name}(input, scheduler, token), but"
    if _has_generated_init(implementation):
        return (
            f"{call} @dataclass gives it another __init__. Leave out @dataclass, and set "
            "attributes in run()."
        )
    try:
        signature = inspect.signature(implementation)
    except (TypeError, ValueError):  # it has no signature to check
        return None
    try:
        signature.bind(None, None, "")
    except TypeError:
        return (
            f"{call} its own constructor takes {signature}. Leave out __init__, and set attributes "
            "in run(); or write `def __init__(self, input, scheduler, token)` and call "
            "`super().__init__(input, scheduler, token)`."
        )
    return None


def _has_generated_init(implementation: type) -> bool:
    parameters = vars(implementation).get("__dataclass_params__")
    is_generated = parameters is not None and parameters.init and "__init__" in vars(implementation)
    return is_generated and not hasattr(implementation, "__post_init__")


def _fault_of_run(implementation: type[Activity]) -> str | None:
    run = implementation.run
    if run in (Activity.run, AsyncActivity.run):
        return "it does not override run()."
    if not callable(run):
        return f"its run is {_a(run)}, which a worker cannot call. Write `def run(self, ...)`."
    if inspect.isgeneratorfunction(run) or inspect.isasyncgenfunction(run):
        return (
            "its run() is a generator, because it contains `yield`; calling it would run nothing. "
            "Return the values as a list; report progress with `self.heartbeat(...)`."
        )
    is_async = inspect.iscoroutinefunction(run)
    if is_async and not issubclass(implementation, AsyncActivity):
        return "its run() is a coroutine. Derive it from flowy.task.AsyncActivity."
    if not is_async and issubclass(implementation, AsyncActivity):
        return (
            "an AsyncActivity needs `async def run`. Write that, or derive it from "
            "flowy.task.Activity."
        )
    return _fault_of_self(implementation)


def _fault_of_self(implementation: type[Activity]) -> str | None:
    """Return how to write ``run`` if its first parameter is not the instance; else None."""
    function = inspect.getattr_static(implementation, "run")
    if not isinstance(function, FunctionType):  # a static method, or another descriptor
        return None
    parameters = [*inspect.signature(function, follow_wrapped=False).parameters.values()]
    first = parameters[0] if parameters else None
    if first is not None and (
        first.kind is first.VAR_POSITIONAL
        or (
            (first.kind in (first.POSITIONAL_ONLY, first.POSITIONAL_OR_KEYWORD))
            and (first.name in _SELF or first.name.startswith("_"))
        )
    ):
        return None
    names = ", ".join(str(each.replace(annotation=each.empty)) for each in parameters)
    return f"its run({names}) has no self. Write `{_run_of(function)}`."


def _run_of(function: FunctionType) -> str:
    """Return the head of a ``run`` that takes what *function* takes."""
    parameters = inspect.signature(function, follow_wrapped=False).parameters.values()
    names = [str(each.replace(annotation=each.empty)) for each in parameters]
    start = "async def" if inspect.iscoroutinefunction(function) else "def"
    return f"{start} run({', '.join(['self', *names])})"


def _class_name(function: FunctionType) -> str:
    name = function.__name__.title().replace("_", "")
    return name if name.isidentifier() else "Work"


def _a(thing: object) -> str:
    kind = type(thing).__name__
    return "None" if thing is None else f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"


def auto_heartbeat_seconds(asked: bool | float, defaults: ActivityDefaults) -> float | None:
    """Return the interval of background heartbeats, or None."""
    if asked is False:
        return None
    if asked is not True:
        return _positive_seconds(asked, "auto_heartbeat")
    if defaults.heartbeat is None:
        raise ValueError(
            "Cannot send heartbeats every third of the heartbeat timeout: none is declared. "
            "Give heartbeat=SECONDS too, or auto_heartbeat=SECONDS if workflows set the timeout."
        )
    return defaults.heartbeat / 3


def max_stall_seconds(
    given: float | None, implementation: type[Activity], interval_seconds: float | None
) -> float | None:
    """Return how long background heartbeats go on without a report; None for no limit.

    Raises:
        ValueError: it is not a number over 0, or the activity has no background heartbeats.
    """
    asked = implementation.max_stall if given is None else given
    if asked is None:
        return None
    seconds = _positive_seconds(asked, "max_stall")
    # A base class may set it for subclasses that have background heartbeats.
    in_body = vars(implementation).get("max_stall") is not None
    is_meant = given is not None or (in_body and implementation.auto_heartbeat is False)
    if interval_seconds is None and is_meant:
        raise ValueError(
            f"Cannot use max_stall={asked!r}: the activity has no background heartbeats to pause. "
            f"Give heartbeat=SECONDS, auto_heartbeat=True, max_stall={asked!r}."
        )
    return seconds


def _positive_seconds(value: float, what: str) -> float:
    """Return a finite number of seconds over 0; any other value is a ValueError."""
    try:
        seconds = 0.0 if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise ValueError(f"Cannot use {value!r} as {what}: give seconds, more than 0.")
    return seconds


def timeout_conflicts(defaults: ActivityDefaults) -> list[str]:
    """Return one text for each timeout that cannot fire because another one fires before it.

    SWF allows this. Timeouts that are the default are not reported, because a shorter
    schedule-to-close alone is usually meant.
    """
    pairs = [
        ("start_to_close", "schedule_to_close"),
        ("schedule_to_start", "schedule_to_close"),
        ("heartbeat", "schedule_to_close"),
        ("heartbeat", "start_to_close"),
    ]
    return [
        f"{longer}={above} has no effect, because {shorter}={most} ends the task before. Give a "
        f"longer {shorter}, or None for no limit"
        for longer, shorter in pairs
        if (above := getattr(defaults, longer)) not in (None, DEFAULT_SECONDS.get(longer))
        and (most := getattr(defaults, shorter)) is not None
        and above > most
    ]
