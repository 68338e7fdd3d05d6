"""Histories as they are at hand: pages of boto3's answers, or JSON that the AWS CLI has written.

boto3 has times as ``datetime``; the AWS CLI writes them as text of ISO 8601 (version 2) or as
seconds since the epoch (version 1). ``aws swf get-workflow-execution-history`` joins all pages, and
a history that was read with ``reverseOrder`` begins with its newest event. If not all pages were
read, the last one has a token for the next: boto3's ``nextPageToken``, the CLI's ``NextToken``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

from ...exception import HistoryError
from .events import Event, attributes

#: A page, several pages, or events.
Document: TypeAlias = Mapping[str, Any] | Iterable[Mapping[str, Any]]


def events_in(document: Document) -> list[Event]:
    """Return the events of a history, oldest first, each once.

    Args:
        document: an answer of GetWorkflowExecutionHistory, several of them, or events; in any
            order, as boto3 returns them or as the AWS CLI writes them.

    Raises:
        HistoryError: it is not a history, or those of two executions.
    """
    found: dict[int, Event] = {}
    for part in _parts(document):
        for event in _events_of(part):
            number = _event_id(event)
            if number in found and _differ(found[number], event):
                raise HistoryError(
                    f"Cannot use the history: event {number} is there twice, with other contents. "
                    "Give the pages of one execution."
                )
            found[number] = event
    return [found[event_id] for event_id in sorted(found)]


def check_gaps(events: Sequence[Event]) -> None:
    """Check that no event is missing between others.

    Args:
        events: as ``events_in`` returns them.

    Raises:
        HistoryError: some are missing, such as those of a page; the text has their numbers.
    """
    ids = [each["eventId"] for each in events]
    gaps = [(one + 1, other - 1) for one, other in pairwise(ids) if other > one + 1]
    if not gaps:
        return
    first, last = gaps[0]
    missing = f"event {first} is" if first == last else f"events {first} to {last} are"
    more = f", and more after event {gaps[1][0] - 1}" if gaps[1:] else ""
    raise HistoryError(
        f"Cannot use the history: {missing} missing{more}. Give all of its pages, or a file that "
        "`flowy replay --save` has written."
    )


def lacks_end(document: Document, events: Sequence[Event]) -> bool:
    """Return whether a page says that others follow whose events are not there.

    Args:
        document: what ``events_in`` got.
        events: what it returned.
    """
    for part in _parts(document):
        if not (part.get("nextPageToken") or part.get("NextToken")):
            continue
        ids = [each["eventId"] for each in _events_of(part)]
        if ids and ids[0] <= ids[-1] == events[-1]["eventId"]:  # oldest first
            return True
    return False


def _parts(document: Any) -> Iterable[Any]:
    if isinstance(document, Mapping):
        return (document,)
    if isinstance(document, str | bytes) or not isinstance(document, Iterable):
        raise no_history(f"it is of type {type(document).__name__}")
    return document


def _events_of(part: Any) -> Sequence[Any]:
    """Return the events of a page; an event that stands alone is its own page."""
    events = part.get("events", (part,)) if isinstance(part, Mapping) else (part,)
    return events if isinstance(events, list | tuple) else (events,)


def _event_id(event: Any) -> int:
    if not isinstance(event, Mapping):
        raise no_history(f"an event is of type {type(event).__name__}")
    kind, event_id = event.get("eventType"), event.get("eventId")
    if not isinstance(kind, str) or not isinstance(event_id, int):
        raise no_history("an event has no eventType or eventId")
    return event_id


def _differ(one: Event, other: Event) -> bool:
    if one["eventType"] != other["eventType"]:
        return True
    said = attributes(one), attributes(other)
    return all(said) and said[0] != said[1]  # a saved task keeps no attributes of event 1


def no_history(why: str) -> HistoryError:
    """Return the error for a document that is not a history."""
    return HistoryError(
        f"Cannot read the history: {why}. Give the answers of GetWorkflowExecutionHistory, or the "
        "JSON of `aws swf get-workflow-execution-history`."
    )
