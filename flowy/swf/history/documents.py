"""Histories as they are at hand: pages of boto3's answers, or JSON that the AWS CLI has written.

boto3 has times as ``datetime``; the AWS CLI writes them as text of ISO 8601 (version 2) or as
seconds since the epoch (version 1). ``aws swf get-workflow-execution-history`` joins all pages, and
a history that was read with ``reverseOrder`` begins with its newest event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from ...exception import HistoryError
from .events import Event

#: A page, several pages, or events.
Document: TypeAlias = Mapping[str, Any] | Iterable[Mapping[str, Any]]


def events_in(document: Document) -> list[Event]:
    """Return the events of a history, oldest first, each once.

    Args:
        document: an answer of GetWorkflowExecutionHistory, several of them, or events; in any
            order, as boto3 returns them or as the AWS CLI writes them.

    Raises:
        HistoryError: it is not a history.
    """
    found: dict[int, Event] = {}
    for part in _parts(document):
        events = part.get("events", (part,)) if isinstance(part, Mapping) else (part,)
        for event in events if isinstance(events, list | tuple) else (events,):
            found[_event_id(event)] = event
    return [found[event_id] for event_id in sorted(found)]


def _parts(document: Any) -> Iterable[Any]:
    if isinstance(document, Mapping):
        return (document,)
    if isinstance(document, str | bytes) or not isinstance(document, Iterable):
        raise no_history(f"it is of type {type(document).__name__}")
    return document


def _event_id(event: Any) -> int:
    if not isinstance(event, Mapping):
        raise no_history(f"an event is of type {type(event).__name__}")
    kind, event_id = event.get("eventType"), event.get("eventId")
    if not isinstance(kind, str) or not isinstance(event_id, int):
        raise no_history("an event has no eventType or eventId")
    return event_id


def no_history(why: str) -> HistoryError:
    """Return the error for a document that is not a history."""
    return HistoryError(
        f"Cannot read the history: {why}. Give the answers of GetWorkflowExecutionHistory, or the "
        "JSON of `aws swf get-workflow-execution-history`."
    )
