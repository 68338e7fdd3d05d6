"""What an activity class must be, checked where it is decorated rather than at its first task."""

from __future__ import annotations

import inspect

from ...task import Activity, AsyncActivity
from ..values import ActivityDefaults, ActivityType

#: The seed's default start-to-close timeout, in seconds.
DEFAULT_START_TO_CLOSE_SECONDS = 300


def check_implementation(implementation: object, type_: ActivityType) -> None:
    """Raise a TypeError that says how to write the class, if it cannot be an activity."""
    if not (isinstance(implementation, type) and issubclass(implementation, Activity)):
        raise TypeError(
            f"Cannot make {implementation!r} the activity {type_}: decorate a subclass of "
            "flowy.task.Activity."
        )
    if implementation.run in (Activity.run, AsyncActivity.run):
        raise TypeError(
            f"Cannot make {implementation.__qualname__} the activity {type_}: it does not "
            "override run()."
        )
    is_async = inspect.iscoroutinefunction(implementation.run)
    if is_async and not issubclass(implementation, AsyncActivity):
        raise TypeError(
            f"Cannot make {implementation.__qualname__} the activity {type_}: its run() is a "
            "coroutine. Derive it from flowy.task.AsyncActivity."
        )
    if not is_async and issubclass(implementation, AsyncActivity):
        raise TypeError(
            f"Cannot make {implementation.__qualname__} the activity {type_}: an AsyncActivity "
            "needs `async def run`. Write that, or derive it from flowy.task.Activity."
        )


def auto_heartbeat_seconds(asked: bool | float, defaults: ActivityDefaults) -> float | None:
    """Return the interval of background heartbeats; None for none."""
    if asked is False:
        return None
    if asked is not True:
        return positive_seconds(asked, "auto_heartbeat")
    if defaults.heartbeat is None:
        raise ValueError(
            "Cannot send heartbeats every third of the heartbeat timeout: none is declared. "
            "Give heartbeat=SECONDS too, or auto_heartbeat=SECONDS if workflows set the timeout."
        )
    return defaults.heartbeat / 3


def positive_seconds(value: float, what: str) -> float:
    """Return a finite number of seconds over 0; any other value is a ValueError."""
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise ValueError(f"Cannot use {value!r} as {what}: give seconds, more than 0.")
    return seconds


def timeout_conflicts(defaults: ActivityDefaults) -> list[str]:
    """Return one text for each timeout that cannot fire, because another one ends the task before.

    They are legal at SWF. The default start-to-close is left out: whoever gives a shorter
    schedule-to-close alone means that one.
    """
    is_default = defaults.start_to_close == DEFAULT_START_TO_CLOSE_SECONDS
    pairs = [
        *([] if is_default else [("start_to_close", "schedule_to_close")]),
        ("heartbeat", "schedule_to_close"),
        ("heartbeat", "start_to_close"),
    ]
    return [
        f"{longer}={above} has no effect, because {shorter}={most} ends the task before. Give a "
        f"longer {shorter}, or None for no limit"
        for longer, shorter in pairs
        if (above := getattr(defaults, longer)) is not None
        and (most := getattr(defaults, shorter)) is not None
        and above > most
    ]
