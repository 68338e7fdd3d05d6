"""Which tasks a history has, and what belongs to each."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from flowy.exception import HistoryError
from flowy.invocation import TaskOutcome
from flowy.swf.replay import Recording, history_in, recording_of, save
from flowy.swf.values import ActivityType
from tests.unit.swf.replay.recorded import RUN, History, one

CHARGE, SHIP = ActivityType("charge", "1"), ActivityType("ship", "1")


def two_tries() -> Recording:
    """A task that timed out, another one meanwhile, and the second try of the first, canceled."""
    history = History()
    first = history.schedule("charge", 7)
    history.start(first)
    other = history.schedule("ship", 7, activity_id="b")
    history.end("TimedOut", first, timeoutType="HEARTBEAT")
    second = history.schedule("charge", 7)
    history.start(second)
    history.add("ActivityTaskCancelRequested", activityId="b")
    history.add("ActivityTaskCancelRequested", activityId="a")
    history.end("Canceled", second)
    history.add("ScheduleActivityTaskFailed", activityType={"name": "none", "version": "1"},
                activityId="c", cause="ACTIVITY_TYPE_DOES_NOT_EXIST")  # fmt: skip
    history.add("WorkflowExecutionFailed", reason="No.")
    assert (first, other, second) == (2, 4, 6)
    return recording_of(history.events, **RUN)


def test_tasks() -> None:
    """Each task that has an input; each with its own events and times."""
    first, other, second = two_tries().tasks
    assert (first.event_ids, other.event_ids, second.event_ids) == (
        [2, 3, 5], [4, 8], [6, 7, 9, 10]
    )  # fmt: skip
    assert [each["eventId"] for each in other.events] == [4, 8, 12]  # it ended with its execution
    assert (first.canceled_after, other.canceled_after, second.canceled_after) == (None, None, 2.0)
    assert (first.closed_after, other.closed_after, second.closed_after) == (2.0, None, None)
    assert (first.seconds, other.seconds, second.seconds) == (2.0, None, 3.0)
    assert other.record.outcome is TaskOutcome.EXECUTION_CLOSED
    assert str(second) == "charge 1 (activity a of workflow order-7)"


@pytest.mark.parametrize(
    ("types", "wanted", "found"),
    [
        ({CHARGE, SHIP}, {}, [2, 4, 6]),
        ({CHARGE}, {}, [2, 6]),
        ({SHIP}, {}, [4]),
        ({CHARGE}, {"activity_id": "a"}, [2, 6]),
        ({CHARGE}, {"event_id": 2}, [2]),
        ({CHARGE}, {"event_id": 10}, [6]),
    ],
)
def test_fitting(types: set[ActivityType], wanted: dict[str, Any], found: list[int]) -> None:
    """By the types that can run, the activity id, or any event of the task."""
    assert [each.event_id for each in two_tries().fitting(types, **wanted)] == found


def test_a_long_history_is_read_a_few_times(tmp_path: Path) -> None:
    """However many tasks it has: 25,000 events have 8,000."""

    class Counted(list[Any]):
        reads = 0

        def __iter__(self) -> Iterator[Any]:
            Counted.reads += 1
            return super().__iter__()

    history = History()
    for number in range(100):
        scheduled = history.schedule("charge", number)
        history.start(scheduled)
        history.end("Completed", scheduled)
    recording = recording_of(history.events, **RUN)
    (task,) = replace(recording, events=Counted(history.events)).fitting({CHARGE}, event_id=301)
    save(task, tmp_path / "task.json")
    assert Counted.reads < 10


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"activity_id": "z"}, "Cannot find a task with activity id 'z' in the history. It has"),
        ({"event_id": 1}, "with event 1 in the history. It has, with the number of the event: a"),
        ({"activity_id": "b"}, "Cannot replay ship 1: the scanned packages have charge 1. Give"),
    ],
)
def test_none_fits(wanted: dict[str, Any], said: str) -> None:
    """The error says what there is."""
    with pytest.raises(HistoryError, match=said):
        two_tries().fitting({CHARGE}, **wanted)


def test_no_tasks() -> None:
    """A history without any, and one with many."""
    with pytest.raises(HistoryError, match=r"in the history: it has none\.$"):
        recording_of(History().events).fitting({CHARGE})
    history = History()
    for _ in range(22):
        history.schedule("charge", 7)
    with pytest.raises(HistoryError, match=r"a \(21\), and 2 more\.$"):
        recording_of(history.events).fitting({CHARGE}, event_id=1)


def test_saved(tmp_path: Path) -> None:
    """A saved task has its own events, says whose it is, and is its owner's alone."""
    tasks = two_tries().tasks
    file = tmp_path / "task.json"
    file.write_text("what was there")
    file.chmod(0o644)
    for task in tasks:
        save(task, file)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert list(tmp_path.iterdir()) == [file]
        recording = recording_of(history_in(file.read_text(), "task.json"))
        (again,) = recording.fitting({CHARGE, SHIP})
        assert (again.record, again.events) == (task.record, task.events)
        assert [each.event_id for each in recording.tasks] == [
            each.event_id for each in (*task.earlier, task)
        ]
        assert again.canceled_after == task.canceled_after
        assert (recording.domain, recording.workflow_id, recording.run_id) == tuple(RUN.values())
    assert [each.event_id for each in tasks[2].earlier] == [2]
    assert recording_of(json.loads(file.read_text()), domain="mine").domain == "shop"
    assert recording_of(tasks[0].recording.events, domain="mine").domain == "mine"


def test_saved_from_boto3(tmp_path: Path) -> None:
    """boto3's times are saved, too; a file that cannot be written leaves nothing behind."""
    task = one("charge", 7)
    moments = [
        {**each, "eventTimestamp": datetime.fromtimestamp(each["eventTimestamp"], timezone.utc)}
        for each in task.events
    ]
    (read,) = recording_of({"events": moments}).tasks
    assert read.record == task.record
    save(read, tmp_path / "task.json")
    (saved,) = recording_of(json.loads((tmp_path / "task.json").read_text())).tasks
    assert saved.record == task.record
    odd = recording_of([{**each, "odd": object()} for each in moments]).tasks[0]
    with pytest.raises(TypeError, match="no JSON for object"):
        save(odd, tmp_path / "odd.json")
    assert [each.name for each in tmp_path.iterdir()] == ["task.json"]


def test_pages() -> None:
    """One document, several in a row, a list of them, or events; in any order."""
    events = two_tries().events
    pages = [json.dumps({"events": events[:5], "nextPageToken": "x"}),
             json.dumps({"events": events[5:]})]  # fmt: skip
    for text in (
        json.dumps({"events": events}),
        f"\ufeff{pages[1]}\n\n{pages[0]}\n",
        f"[{pages[0]}, {pages[1]}]",
        json.dumps(events),
    ):
        read = recording_of(history_in(text, "x"))
        assert read.events == events
        assert (read.domain, read.workflow_id) == ("unknown", "unknown")


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ({5}, "event 5 is missing. Give all of its pages, or a file"),
        ({5, 6, 7}, "events 5 to 7 are missing. Give"),
        ({3, 6, 7, 9}, "event 3 is missing, and more after event 5. Give"),
    ],
)
def test_gaps(missing: set[int], said: str) -> None:
    """A history without a page in its middle is refused, in any form."""
    events = [each for each in two_tries().events if each["eventId"] not in missing]
    for document in (events, {"events": events[::-1]}, [{"events": [each]} for each in events]):
        with pytest.raises(HistoryError, match=f"Cannot use the history: {said}"):
            recording_of(document)


def test_no_beginning() -> None:
    """The tasks in the rest can be run; whoever asks for another one is told why."""
    recording = recording_of(two_tries().events[5:])
    assert recording.cut_off == "The history lacks its beginning, the events before 6."
    assert [each.event_id for each in recording.tasks] == [6]
    with pytest.raises(
        HistoryError, match=r"a \(6\)\. The history lacks its beginning, the events"
    ):
        recording.fitting({CHARGE}, event_id=2)
    with pytest.raises(HistoryError, match=r"it has none\. The history lacks its beginning, the"):
        recording_of(two_tries().events[10:]).fitting({CHARGE})


@pytest.mark.parametrize("token", ["nextPageToken", "NextToken"])
@pytest.mark.parametrize("pages", [1, 2])
def test_no_end(token: str, pages: int) -> None:
    """The last page says that another one follows."""
    events = two_tries().events
    document = [{"events": events[:4], token: "x"}, {"events": events[4:7], token: "y"}][:pages]
    recording = recording_of(document)
    end = "The history lacks its end, the events after"
    assert recording.cut_off == f"{end} {4 if pages == 1 else 7}."
    assert recording_of(document[::-1]).cut_off == recording.cut_off
    with pytest.raises(HistoryError, match=end):
        recording.fitting({CHARGE}, event_id=12)
    backwards = [{"events": each["events"][::-1], token: "x"} for each in document[::-1]]
    assert not recording_of(backwards[:1]).lacks_end
    assert recording_of([*document, {"events": events[3:]}]).cut_off == ""
    assert recording_of({"events": events[0], token: "x"}).lacks_end  # one event, not in a list


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{]", r"Cannot read the history in x: it is not JSON \(line 1\)\. Write one by `aws swf"),
        (" \n", r"Cannot read the history in x: it is empty\.$"),
        ("[" * 100_000, r"it is not JSON \(nesting\)"),
        ('"text"', "Cannot read the history: "),
        ("{}", "Cannot read the history: "),
        (
            '{"events": [{"eventId": 5, "eventType": "ActivityTaskScheduled"}]}',
            r"an event is not as SWF writes it \(KeyError: 'activityType'\)",
        ),
    ],
)
def test_no_history(text: str, said: str) -> None:
    """Says why, and what would be one."""
    with pytest.raises(HistoryError, match=said):
        recording_of(history_in(text, "x"))
