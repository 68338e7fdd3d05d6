"""The ``activity`` decorator.

SWF checks values only when a type is registered, and a type never changes afterwards. So the
decorator checks all values.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from ...invocation import cut_end, envelope_of, sendable
from ...middleware import check_middleware
from ...task import Activity
from ..author_warnings import warn_author
from ..limits import (
    MAX_DESCRIPTION_CHARS,
    MAX_VERSION_CHARS,
    Name,
    Timeout,
    description_text,
    name_text,
    priority_number,
    timeout_seconds,
)
from ..values import ActivityDefaults, ActivityImplementation, ActivityType
from .checks import (
    auto_heartbeat_seconds,
    check_arguments,
    check_converter,
    check_implementation,
    checked_history,
    max_stall_seconds,
    timeout_conflicts,
)
from .marks import leave_mark

if TYPE_CHECKING:
    from ...convert import Converter
    from ...task.history import ReadsHistory
    from ..history.same_work import SameAs

A = TypeVar("A", bound=type[Activity])
P = ParamSpec("P")
T = TypeVar("T")


def _with_arguments(decorator: Callable[P, T]) -> Callable[P, T]:
    @functools.wraps(decorator)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        """Check that arguments were given, and pass them on."""
        check_arguments(args, kwargs)
        return decorator(*args, **kwargs)

    return checked


@_with_arguments
def activity(
    name: Name,
    version: Name,
    task_list: Name,
    heartbeat: Timeout = None,
    schedule_to_close: Timeout = 420,
    schedule_to_start: Timeout = 120,
    start_to_close: Timeout = 300,
    *,
    auto_heartbeat: bool | float | None = None,
    max_stall: float | None = None,
    task_priority: int | str | None = None,
    description: str | None = None,
    converter: Converter | None = None,
    history: ReadsHistory | None = None,
    same_as: SameAs | None = None,
) -> Callable[[A], A]:
    """Mark a class as the implementation of an activity type; the class is returned unchanged.

    Args:
        name: with the version, it identifies the type at SWF: text, or a number, which ``str()``
            converts; 1 to 256 characters.
        version: text or a number, 1 to 64 characters; ``version=1`` is ``"1"``. A float causes a
            warning, because 1.10 is ``"1.1"``.
        task_list: the default list on which workflows schedule it, 1 to 256 characters. A worker
            serves every activity that it has scanned, whatever its default list.
        heartbeat: the longest time between two heartbeats, in seconds; None for no limit.
        schedule_to_close: the longest time from scheduling to the end, in seconds; None for no
            limit.
        schedule_to_start: the longest time in the queue, in seconds; None for no limit.
        start_to_close: the longest run, in seconds; None for no limit.
        auto_heartbeat: send heartbeats in the background while it runs. True sends one every third
            of *heartbeat*, which must be given. A number sends one at that interval in seconds, in
            case workflows override the timeout. False sends none. None takes the class attribute
            (by default False).
        max_stall: pause the background heartbeats if the activity has not called ``heartbeat`` or
            ``progress`` for this many seconds, so that a hanging activity times out. None takes the
            class attribute (by default None: never pause).
        task_priority: the default priority of its tasks, a whole number of 32 bits, higher ones
            first. None declares no priority, and SWF uses 0.
        description: the description in SWF's console, up to 1,024 characters; None takes the first
            line of the class's docstring. SWF keeps the first one that it gets; it is not compared.
        converter: converts arguments and result by the annotations of ``run``, such as
            ``flowy.convert.msgspec.MsgspecConverter()``; None takes the class attribute (by default
            None: nothing is converted).
        history: whether to read SWF's history before each run, for ``attempt``,
            ``previous_details``, ``deadline`` and the timeouts in force: "no"; "wanted" runs
            without them if the history is not available; "needed" waits, and then fails the task.
            None takes the class attribute (by default "no").
        same_as: which earlier tasks of the execution were attempts at the same work: "id", those
            with the same activity id; "flowy", those with ids by the rules of the first Flowy's
            deciders; "input", those with the same input; or a function that gets the
            ``ActivityRecord`` of this task and of an earlier one. None takes the class attribute
            (by default None: by the id, or else by the first Flowy's rules).

    The task list, the timeouts and the priority are defaults: a workflow may override each. A
    timeout is whole seconds from 1 to 99999999: a number, its text, or a ``timedelta``. A timeout
    without effect, because another one ends the task before, causes a warning. You can decorate one
    class several times, once for each version that it serves.

    Raises:
        ValueError: SWF would refuse a value; the class's ``middleware`` is not a list or tuple of
            middleware; or a converter, a codec, a store, *history* or *same_as* is not valid.
        TypeError: the class is not a subclass of ``Activity`` that a worker can construct and that
            overrides ``run``, with ``self`` and without ``yield``.
    """
    type_ = ActivityType(name_text(name, "name"), name_text(version, "version", MAX_VERSION_CHARS))
    defaults = ActivityDefaults(
        task_list=name_text(task_list, "task_list", trimmed=True),
        heartbeat=timeout_seconds(heartbeat, "heartbeat"),
        schedule_to_close=timeout_seconds(schedule_to_close, "schedule_to_close"),
        schedule_to_start=timeout_seconds(schedule_to_start, "schedule_to_start"),
        start_to_close=timeout_seconds(start_to_close, "start_to_close"),
        task_priority=priority_number(task_priority),
    )
    said = None if description is None else description_text(description)
    if conflicts := timeout_conflicts(defaults):
        warn_author(f"Activity {type_}: {'; '.join(conflicts)}.")

    def mark(implementation: A) -> A:
        """Check a class and mark it."""
        check_implementation(implementation, type_)
        beats = _background_heartbeats(implementation, defaults, auto_heartbeat, max_stall)
        check_middleware(implementation.middleware)
        text = _first_line(implementation) if said is None else said
        declare = functools.partial(ActivityImplementation, type_, defaults, implementation)
        converts = check_converter(implementation.converter if converter is None else converter)
        fields = {"description": text or None, "converter": converts, **beats}
        fields["envelope"] = envelope_of(implementation)
        fields |= checked_history(implementation, history, same_as)
        leave_mark(implementation, functools.partial(declare, **fields))
        return implementation

    return mark


def _background_heartbeats(
    implementation: type[Activity],
    defaults: ActivityDefaults,
    auto_heartbeat: bool | float | None,
    max_stall: float | None,
) -> dict[str, Any]:
    """Return the fields of an ``ActivityImplementation`` about background heartbeats."""
    asked = implementation.auto_heartbeat if auto_heartbeat is None else auto_heartbeat
    interval = auto_heartbeat_seconds(asked, defaults)
    timeout = defaults.heartbeat
    if interval is not None and timeout is not None and interval > timeout:
        warn_author(
            f"Activity {implementation.__qualname__}: auto_heartbeat={interval:g} is too long, "
            f"because heartbeat={timeout} ends the task before. Give auto_heartbeat=True for a "
            "heartbeat every third of it."
        )
    stall = max_stall_seconds(max_stall, implementation, interval)
    return {"auto_heartbeat_seconds": interval, "max_stall_seconds": stall}


def _first_line(implementation: type) -> str:
    """Return the first line of the class's own docstring, cut to SWF's limit."""
    text = inspect.cleandoc(vars(implementation).get("__doc__") or "")
    return cut_end(sendable(text.partition("\n")[0]), MAX_DESCRIPTION_CHARS)
