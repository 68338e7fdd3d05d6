"""``flowy.testing.replay``: a recorded task as a test."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from flowy.context import replaying
from flowy.exception import HistoryError, ScanError
from flowy.swf.replay import save
from flowy.testing import Replay, replay
from tests.unit.swf.replay.recorded import Charge, History, Ship, one


def two_tasks() -> History:
    """A history with a task of each type."""
    history = History()
    for name, activity_id, result in (("charge", "a", '{"paid": 7}'), ("ship", "b", "[8]")):
        scheduled = history.schedule(name, 7, activity_id=activity_id)
        history.start(scheduled)
        history.end("Completed", scheduled, result=result)
    return history


def test_from_a_file(tmp_path: Path) -> None:
    """The path of a saved task; the result tells all."""
    save(one("charge", 7, result='{"paid": 7}'), tmp_path / "task.json")
    beats: list[str | None] = []
    for file in (tmp_path / "task.json", str(tmp_path / "task.json")):
        replayed = replay(file, Charge, on_heartbeat=lambda _seconds, said: beats.append(said))
        assert isinstance(replayed, Replay)
        assert (replayed.equal, replayed.now.value) == (True, {"paid": 7})
        assert str(replayed).startswith(
            "charge 1 (activity a of workflow order-7)\nThen: completed"
        )
    assert beats == ['{"step": 1}', '{"step": 2}'] * 2
    assert not replaying()


def test_which_task() -> None:
    """The classes choose, or an id does."""
    events = two_tasks().events
    assert replay(events, Charge).equal
    assert replay({"events": events}, Ship).verdict == (
        "Not equal: result[0] was 8 then, and is 7 now."
    )
    assert replay([{"events": events[:3]}, {"events": events[3:]}], Charge, Ship,
                  activity_id="a").equal  # fmt: skip
    assert replay(events, Charge, Ship, event_id=4, input="[[9], {}]").now.value == {"paid": 9}
    with pytest.raises(HistoryError, match=r"2 tasks fit\. Give event_id, one of 2, 5\.$"):
        replay(events, Charge, Ship)
    with pytest.raises(HistoryError, match="Cannot find a task with activity id 'z'"):
        replay(events, Charge, activity_id="z")


def test_a_history_that_is_not_whole(tmp_path: Path) -> None:
    """A gap is an error; of a task whose end is missing, the verdict says so."""
    events = two_tasks().events
    with pytest.raises(HistoryError, match="Cannot use the history: events 2 to 3 are missing"):
        replay([events[0], *events[3:]], Charge)
    (tmp_path / "odd.json").write_text(json.dumps([events[0], *events[3:]]))
    with pytest.raises(HistoryError, match="Cannot use the history: events 2 to 3 are missing"):
        replay(tmp_path / "odd.json", Charge)
    replayed = replay({"events": events[:3], "nextPageToken": "x"}, Charge)
    assert replayed.verdict == "Nothing to compare with: the history lacks its end."


def test_what_cannot_be_run(tmp_path: Path) -> None:
    """Each says why: no class, no history, no file, a loop that runs."""
    events = two_tasks().events
    with pytest.raises(ScanError):
        replay(events)
    (tmp_path / "odd.json").write_text("odd")
    with pytest.raises(HistoryError, match="odd.json: it is not JSON"):
        replay(tmp_path / "odd.json", Charge)
    with pytest.raises(FileNotFoundError):
        replay(tmp_path / "none.json", Charge)

    async def within() -> Replay:
        """Replay a coroutine on a loop, and then in a thread."""
        assert replay(events, Charge).equal
        with pytest.raises(RuntimeError, match="an event loop runs already"):
            replay(events, Ship)
        return await asyncio.to_thread(replay, events, Ship)

    assert asyncio.run(within()).now.value == [7]


def test_of_the_worker(tmp_path: Path) -> None:
    """Codecs and a store that the classes do not name."""
    from flowy.claims import FolderStore
    from flowy.codecs import ZlibCodec
    from flowy.envelope import Envelope

    store = FolderStore(tmp_path)
    result = Envelope((ZlibCodec(),), store).sealed(json.dumps({"paid": "x" * 50_000}))
    task = one("charge", 7, input=f"[[{json.dumps('x' * 50_000)}], {{}}]", result=result)
    replayed = replay(task.events, Charge, codecs=[ZlibCodec()], claims=store)
    assert replayed.equal
