"""What is recorded: the history of one run of a workflow, and the tasks in it.

The events of a history name neither the domain nor the workflow, so whoever has them says whose
they are; a file that ``flowy replay --save`` has written says so itself.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...exception import HistoryError
from ...invocation.outcome import TaskOutcome
from ..history import (
    ActivityRecord,
    Event,
    activity_records,
    attributes,
    check_gaps,
    closes_execution,
    events_in,
    lacks_end,
)
from ..history.documents import no_history
from ..times import seconds_of
from ..values import ActivityType

#: What stands for a domain, a workflow id or a run id that nobody has given.
UNKNOWN = "unknown"

#: The keys of a saved history that say whose it is, and which task was saved.
DOMAIN_KEY, WORKFLOW_KEY, RUN_KEY, EVENT_KEY = "domain", "workflowId", "runId", "eventId"


@dataclass(frozen=True)
class Recording:
    """The history of one run of a workflow, oldest event first.

    Attributes:
        event_id: the event of the task that was saved; None if the recording is not from
            ``--save``.
        lacks_end: whether the recording itself says that more events follow.
    """

    domain: str
    workflow_id: str
    run_id: str
    events: Sequence[Event] = field(repr=False)
    event_id: int | None = None
    lacks_end: bool = False

    @property
    def cut_off(self) -> str:
        """What is missing at its ends, as sentences; empty if nothing is, as far as is known."""
        said, ids = [], [each["eventId"] for each in self.events]
        if ids and ids[0] > 1 and self.event_id is None:
            said.append(f"The history lacks its beginning, the events before {ids[0]}.")
        if self.lacks_end:
            said.append(f"The history lacks its end, the events after {ids[-1]}.")
        return " ".join(said)

    @functools.cached_property
    def tasks(self) -> list[RecordedTask]:
        """The tasks that have an input, in the order in which they were scheduled."""
        return [
            RecordedTask(self, each, _cancel_requested_at(self.events_by_task, each))
            for each in activity_records(self.events)
            if each.outcome is not TaskOutcome.NOT_SCHEDULED
        ]

    @functools.cached_property
    def events_by_task(self) -> Mapping[int, Sequence[Event]]:
        """The events of each task, by the number of the one that scheduled it."""
        found: dict[int, list[Event]] = {}
        latest: dict[str, int] = {}  # by activity id, which alone names a task to be canceled
        for event in self.events:
            kind, said = event["eventType"], attributes(event)
            if kind == "ActivityTaskScheduled":
                found[event["eventId"]] = [event]
                latest[said["activityId"]] = event["eventId"]
            elif kind == "ActivityTaskCancelRequested":
                found.get(latest.get(said["activityId"], 0), []).append(event)
            elif kind.startswith("ActivityTask"):
                found.get(said["scheduledEventId"], []).append(event)
        return found

    def fitting(
        self,
        types: Collection[ActivityType],
        *,
        activity_id: str | None = None,
        event_id: int | None = None,
    ) -> list[RecordedTask]:
        """Return the tasks of these types that fit.

        Args:
            types: the types that can be run.
            activity_id: the wanted activity id; None for any.
            event_id: the number of one of the task's events; None for any.

        If nothing is wanted, it is the task for whose sake the history was saved.

        Raises:
            HistoryError: no task fits; the text says which there are.
        """
        if activity_id is None and event_id is None:
            event_id = self.event_id
        found = [
            each
            for each in self.tasks
            if activity_id in (None, each.record.activity_id)
            and (event_id is None or event_id in each.event_ids)
        ]
        if not found:
            raise HistoryError(self._none_fits(activity_id, event_id))
        runnable = [each for each in found if each.record.type in types]
        if not runnable:
            recorded = ", ".join(sorted({str(each.record.type) for each in found}))
            raise HistoryError(
                f"Cannot replay {recorded}: the scanned packages have "
                f"{', '.join(sorted(map(str, types)))}. Give the package with the activity."
            )
        return runnable

    def _none_fits(self, activity_id: str | None, event_id: int | None) -> str:
        tasks, cut_off = self.tasks, f" {self.cut_off}" if self.cut_off else ""
        if not tasks:
            return f"Cannot find an activity task in the history: it has none.{cut_off}"
        wanted = [
            text
            for text in (
                f"with activity id {activity_id!r}" if activity_id is not None else "",
                f"with event {event_id}" if event_id is not None else "",
            )
            if text
        ]
        shown = ", ".join(f"{each.record.activity_id} ({each.event_id})" for each in tasks[:20])
        more = f", and {len(tasks) - 20:,} more" if len(tasks) > 20 else ""
        return (
            f"Cannot find a task {' and '.join(wanted)} in the history. It has, with the number of "
            f"the event: {shown}{more}.{cut_off}"
        )


@dataclass(frozen=True)
class RecordedTask:
    """One task of a recording.

    Attributes:
        recording: the history that it is from.
        record: what the history says about it.
        cancel_requested_at: when its cancellation was requested, in seconds since the epoch; None
            if it was not.
    """

    recording: Recording
    record: ActivityRecord
    cancel_requested_at: float | None = None

    @property
    def event_id(self) -> int:
        """The number of the event that scheduled it."""
        return self.record.scheduled_event_id

    @property
    def events(self) -> list[Event]:
        """Its own events, and the one that closed its execution if that ended it."""
        own = self.recording.events_by_task[self.event_id]
        if self.record.outcome is not TaskOutcome.EXECUTION_CLOSED:
            return list(own)
        return [*own, *filter(closes_execution, self.recording.events)]

    @property
    def started_event_id(self) -> int:
        """The number of the event of its start; of one to come, if it has not started."""
        return self.record.started_event_id or self.recording.events[-1]["eventId"] + 1

    @property
    def known_events(self) -> list[Event]:
        """The events that were there when it started; if it has not, a start is made up."""
        last = self.started_event_id
        known = [each for each in self.recording.events if each["eventId"] <= last]
        if not self.record.started_event_id:
            known.append(
                {
                    "eventId": last,
                    "eventType": "ActivityTaskStarted",
                    "eventTimestamp": time.time(),  # the wall clock, like SWF's
                    "activityTaskStartedEventAttributes": {"scheduledEventId": self.event_id},
                }
            )
        return known

    @property
    def earlier(self) -> list[RecordedTask]:
        """The tasks of the same type that were scheduled before it: it may repeat one of them."""
        return [
            each
            for each in self.recording.tasks
            if each.record.type == self.record.type and each.event_id < self.event_id
        ]

    @property
    def event_ids(self) -> list[int]:
        """The numbers of its own events."""
        return [each["eventId"] for each in self.recording.events_by_task[self.event_id]]

    @property
    def seconds(self) -> float | None:
        """How long it ran; None if it has not started or not ended."""
        return self._after_start(self.record.closed_at)

    @property
    def canceled_after(self) -> float | None:
        """How many seconds after its start its cancellation was requested; None if never."""
        return self._after_start(self.cancel_requested_at)

    @property
    def closed_after(self) -> float | None:
        """How many seconds after its start SWF itself ended it; None if it did not."""
        cut_off = self.record.outcome in (TaskOutcome.TIMED_OUT, TaskOutcome.EXECUTION_CLOSED)
        return self.seconds if cut_off else None

    def __str__(self) -> str:
        return (
            f"{self.record.type} (activity {self.record.activity_id} of workflow "
            f"{self.recording.workflow_id})"
        )

    def _after_start(self, when: float | None) -> float | None:
        if when is None or self.record.started_at is None:
            return None
        return max(0.0, when - self.record.started_at)


def recording_of(
    document: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    domain: str | None = None,
    workflow_id: str | None = None,
    run_id: str | None = None,
) -> Recording:
    """Return the recording in a history.

    Args:
        document: an answer of GetWorkflowExecutionHistory, several of them, or events; as boto3
            returns them, as the AWS CLI writes them, or as ``save`` does.
        domain, workflow_id, run_id: whose it is, if it does not say so.

    Raises:
        HistoryError: it is not a history, or events between others are missing.
    """
    events = events_in(document)
    said: dict[str, Any] = {}
    for part in (document,) if isinstance(document, Mapping) else document:
        if "events" in part:
            said.update(part)
    recording = Recording(
        str(said.get(DOMAIN_KEY) or domain or UNKNOWN),
        str(said.get(WORKFLOW_KEY) or workflow_id or UNKNOWN),
        str(said.get(RUN_KEY) or run_id or UNKNOWN),
        events,
        said.get(EVENT_KEY),
        lacks_end(document, events),
    )
    try:
        if EVENT_KEY not in said:  # what was saved for a task has the events of that task alone
            check_gaps(events)
        recording.tasks  # noqa: B018 - reads all events
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        kind = type(error).__name__
        raise no_history(f"an event is not as SWF writes it ({kind}: {error})") from error
    return recording


def _cancel_requested_at(
    events_by_task: Mapping[int, Sequence[Event]], record: ActivityRecord
) -> float | None:
    """Return when the cancellation of a task was requested; None if it was not."""
    if not record.cancel_requested:
        return None
    return next(
        seconds_of(event["eventTimestamp"])
        for event in events_by_task[record.scheduled_event_id]
        if event["eventType"] == "ActivityTaskCancelRequested"
    )
