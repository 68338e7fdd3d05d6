"""Which tasks of an execution were earlier attempts at the work of a given one.

SWF knows no attempts: a decider that tries again schedules another task, and how it names that one
is its own business. So a rule decides, and what no rule tells stays unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias

from ...exception import HistoryError
from ...invocation.outcome import TaskOutcome
from .records import ActivityRecord

#: A rule: a name, or a function that gets the record of the running task and an earlier one.
SameAs: TypeAlias = (
    Literal["id", "flowy", "input"] | Callable[[ActivityRecord, ActivityRecord], bool]
)

#: The names of rules.
RULES = ("id", "flowy", "input")

#: Ids of Flowy 0.4's deciders: the name, the number of the call, and that of the retry, from 0.
_FLOWY_04 = re.compile(r"(?P<call>.+-\d+)-(?P<retry>\d+)", re.DOTALL)

#: Ids of Flowy 0.2's deciders: numbers, of which each call reserves one for each retry.
_FLOWY_02 = re.compile(r"0|[1-9]\d*")


class Earlier(NamedTuple):
    """The earlier attempts, newest first; None if unknown. Whether there are none before them."""

    records: tuple[ActivityRecord, ...] | None
    is_all: bool


def earlier_attempts(
    records: Sequence[ActivityRecord], this: ActivityRecord, rule: SameAs | None, *, complete: bool
) -> Earlier:
    """Return the attempts before a task at the same work.

    They are of the same activity type, and had ended when the task was scheduled. One that
    completed ends the row: what a decider schedules after it is new work.

    Args:
        records: the tasks of the execution, in the order in which they were scheduled.
        this: the task, one of the records.
        rule: what counts as the same work: ``"id"``, the same activity id; ``"flowy"``, the ids of
            the first Flowy's deciders; ``"input"``, the same input; or a function of both records.
            None for the id, or if no other task has it, those of the first Flowy; else nothing is
            known, unless nothing of this type has ended otherwise than completed.
        complete: whether the records are those of the whole history.

    Raises:
        HistoryError: the function has raised something.
    """
    ended = [each for each in reversed(records) if _had_ended(each, this)]
    if rule == "flowy":
        return _by_first_flowy(ended, this, complete) or Earlier(None, False)
    if rule is not None:
        return _in_a_row([each for each in ended if _fits(rule, this, each)], complete)
    same_id = _in_a_row([each for each in ended if each.activity_id == this.activity_id], complete)
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


def _in_a_row(found: Sequence[ActivityRecord], complete: bool) -> Earlier:
    """Return what comes before the first one that completed."""
    tries: list[ActivityRecord] = []
    for each in found:
        if each.outcome is TaskOutcome.COMPLETED:
            return Earlier(tuple(tries), True)
        tries.append(each)
    return Earlier(tuple(tries) if tries or complete else None, complete)


def _by_first_flowy(
    ended: Sequence[ActivityRecord], this: ActivityRecord, complete: bool
) -> Earlier | None:
    """Return the attempts whose ids lead to this task's; None if its id is none of Flowy's."""
    by_retry = _FLOWY_04.fullmatch(this.activity_id) is not None
    if not by_retry and not _FLOWY_02.fullmatch(this.activity_id):
        return None
    by_id = {each.activity_id: each for each in reversed(ended)}  # of equal ids the newest
    tries: list[ActivityRecord] = []
    is_all = True
    for activity_id in _ids_before(this.activity_id):
        each = by_id.get(activity_id)
        if each is None or each.outcome is not TaskOutcome.TIMED_OUT or each.input != this.input:
            is_all = complete and not by_retry  # a retry has as many before it as its id says
            break
        tries.append(each)
    return Earlier(tuple(tries) if tries or is_all else None, is_all)


def _ids_before(activity_id: str) -> Iterator[str]:
    """Yield the ids under which the decider would have made the tries before, newest first."""
    if found := _FLOWY_04.fullmatch(activity_id):
        for retry in range(int(found["retry"]) - 1, -1, -1):
            yield f"{found['call']}-{retry}"
    elif _FLOWY_02.fullmatch(activity_id):
        for number in range(int(activity_id) - 1, -1, -1):
            yield str(number)
