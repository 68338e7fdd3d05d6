"""Finds the earlier attempts at the work of a task.

SWF does not count attempts: to try again, a decider schedules another task, under any id. A rule
says which tasks are attempts at the same work. If no rule applies, the attempts are unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias

from ...exception import HistoryError
from ...invocation.outcome import TaskOutcome
from .records import ActivityRecord

#: A rule: its name, or a function of the records of the running task and of an earlier one, which
#: returns whether both are attempts at the same work.
SameAs: TypeAlias = (
    Literal["id", "flowy", "input"] | Callable[[ActivityRecord, ActivityRecord], bool]
)

#: The names of rules.
RULES = ("id", "flowy", "input")

#: Activity ids of Flowy 0.4's deciders: the name, the number of the call, the number of the retry;
#: both count from 0.
_FLOWY_04 = re.compile(r"(?P<call>.+-\d+)-(?P<retry>\d+)", re.DOTALL)

#: Activity ids of Flowy 0.2's deciders: numbers. Each call reserves one number for each retry.
_FLOWY_02 = re.compile(r"0|[1-9]\d*")


class Earlier(NamedTuple):
    """The earlier attempts at the work of a task.

    Attributes:
        records: the attempts, newest first; None if they are unknown.
        is_all: whether there are no others.
    """

    records: tuple[ActivityRecord, ...] | None
    is_all: bool


def earlier_attempts(
    records: Sequence[ActivityRecord], this: ActivityRecord, rule: SameAs | None, *, complete: bool
) -> Earlier:
    """Return the earlier attempts at the work of a task.

    Attempts have the activity type of the task, and had ended when it was scheduled. A completed
    attempt ends the series: what a decider schedules after it is new work.

    Args:
        records: the tasks of the execution, in the order in which they were scheduled.
        this: the task, one of *records*.
        rule: ``"id"``: attempts have the activity id of the task. ``"flowy"``: they timed out with
            its input, and have the ids that the first Flowy's deciders give to earlier attempts.
            ``"input"``: they have its input. A function: it returns True for them. None: by
            ``"id"``, or by ``"flowy"`` if ``"id"`` finds none. If both find none, there are no
            attempts if all tasks of this type that have ended completed; else they are unknown.
        complete: whether *records* come from the whole history, rather than from its end.

    Raises:
        HistoryError: the function raised an error.
    """
    ended = [each for each in reversed(records) if _had_ended(each, this)]
    if rule == "flowy":
        return _by_first_flowy(ended, this, complete) or Earlier(None, False)
    if rule is not None:
        return _up_to_completed([each for each in ended if _fits(rule, this, each)], complete)
    same_id = _up_to_completed(
        [each for each in ended if each.activity_id == this.activity_id], complete
    )
    if same_id.records:
        return same_id
    flowys = _by_first_flowy(ended, this, complete)
    if flowys is not None and flowys.records:
        return flowys
    if complete and all(each.outcome is TaskOutcome.COMPLETED for each in ended):
        return Earlier((), True)
    return Earlier(None, False)


def _had_ended(record: ActivityRecord, this: ActivityRecord) -> bool:
    return (
        0 < record.scheduled_event_id < this.scheduled_event_id
        and 0 < record.closed_event_id < this.scheduled_event_id
        and record.type == this.type
    )


def _fits(rule: SameAs, this: ActivityRecord, earlier: ActivityRecord) -> bool:
    if rule == "id":
        return earlier.activity_id == this.activity_id
    if rule == "input":
        return earlier.input == this.input
    assert callable(rule)
    try:
        return bool(rule(this, earlier))
    except Exception as error:
        raise HistoryError(
            f"same_as raised {type(error).__name__}, for activity {earlier.activity_id}."
        ) from error


def _up_to_completed(found: Sequence[ActivityRecord], complete: bool) -> Earlier:
    """Return the attempts up to the first one that completed; *found* has the newest first."""
    tries: list[ActivityRecord] = []
    for each in found:
        if each.outcome is TaskOutcome.COMPLETED:
            return Earlier(tuple(tries), True)
        tries.append(each)
    return Earlier(tuple(tries) if tries or complete else None, complete)


def _by_first_flowy(
    ended: Sequence[ActivityRecord], this: ActivityRecord, complete: bool
) -> Earlier | None:
    """Return the attempts by the ids of the first Flowy's deciders; None for other ids.

    Args:
        ended: the tasks of this type that had ended, newest first.
        this: the task.
        complete: whether they come from the whole history.
    """
    by_retry = _FLOWY_04.fullmatch(this.activity_id) is not None
    if not by_retry and not _FLOWY_02.fullmatch(this.activity_id):
        return None
    by_id = {each.activity_id: each for each in reversed(ended)}  # the newest of each id
    tries: list[ActivityRecord] = []
    is_all = True
    for activity_id in _ids_before(this.activity_id):
        each = by_id.get(activity_id)
        if each is None or each.outcome is not TaskOutcome.TIMED_OUT or each.input != this.input:
            is_all = complete and not by_retry  # the id of a retry tells how many came before
            break
        tries.append(each)
    return Earlier(tuple(tries) if tries or is_all else None, is_all)


def _ids_before(activity_id: str) -> Iterator[str]:
    """Yield the ids that the decider gave to earlier attempts, if there were any, newest first."""
    if found := _FLOWY_04.fullmatch(activity_id):
        for retry in range(int(found["retry"]) - 1, -1, -1):
            yield f"{found['call']}-{retry}"
    elif _FLOWY_02.fullmatch(activity_id):
        for number in range(int(activity_id) - 1, -1, -1):
            yield str(number)
