"""What is known of a suspended task."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from flowy.exception import TokenStoreError, TransientError, UsedHandleError
from flowy.invocation.outcome import TaskOutcome
from flowy.tokens import Finisher, Handles
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.suspended import a_task


def test_repr_shows_neither_token_nor_note() -> None:
    """A token is a credential and a note may be private: neither is in a repr or a text."""
    task = a_task("secret-token", note={"iban": "secret-note"})
    for text in (repr(task), str(task), f"{[task]}"):
        assert "secret" not in text
        assert "order-7" in text


def test_remaining_counts_down_to_zero() -> None:
    """The time left is seconds, never below 0; None without a deadline."""
    task = a_task(deadline=1_000.0)
    assert task.remaining(now=900.0) == 100.0
    assert task.remaining(now=1_001.0) == 0.0
    assert task.remaining() == 0.0
    assert a_task().remaining() is None


class Desk:
    """Takes the first answer, or none at all."""

    def __init__(self, *taken: bool) -> None:
        self.taken = list(taken)
        self.answers: list[tuple[object, ...]] = []

    def complete(self, token: str, result: object) -> bool:
        return self._answer("complete", token, result)

    def fail(self, token: str, reason: str, details: str | None = None) -> bool:
        return self._answer("fail", token, reason, details)

    def cancel(self, token: str, details: str | None = None) -> bool:
        return self._answer("cancel", token, details)

    def _answer(self, *said: object) -> bool:
        self.answers.append(said)
        if not self.taken:
            raise TransientError("no way", fault="ConnectionClosedError")
        return self.taken.pop(0)


def test_finisher_records_what_was_taken(
    store: SQLiteTokenStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Each verb answers with the task's token and marks the row; no log line has the token."""
    caplog.set_level(logging.DEBUG)
    first, second, third = (store.keep(a_task(f"secret-{number}")) for number in range(3))
    desk = Desk(True, True, True)
    finisher = Finisher(store, desk)
    assert finisher.complete(first, {"yes": 1})
    assert finisher.fail(second, "too dear", "more")
    assert finisher.cancel(third, "bye")
    assert desk.answers == [
        ("complete", "secret-0", {"yes": 1}),
        ("fail", "secret-1", "too dear", "more"),
        ("cancel", "secret-2", "bye"),
    ]
    kept = {task.id: (task.outcome, task.reason, task.learned) for task in store.closed()}
    assert kept == {
        first.id: (TaskOutcome.COMPLETED, None, False),
        second.id: (TaskOutcome.FAILED, "too dear", False),
        third.id: (TaskOutcome.CANCELED, "bye", False),
    }
    assert "secret" not in caplog.text
    assert first.id in caplog.text


class Hopeless:
    """A text that cannot be read."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_finisher_raises_nothing_once_swf_has_taken_it(
    store: SQLiteTokenStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the reason is made of: taken is True, and the store has its text, cut as SWF's."""
    told: list[tuple[object, str]] = [
        ("half \ud800", "half \\ud800"),
        (7, "7"),
        ("r" * 300, "r" * 252 + " ..."),
    ]
    for number, (reason, kept) in enumerate(told):
        task = store.keep(a_task(f"secret-{number}"))
        assert Finisher(store, Desk(True)).fail(task, reason)  # type: ignore[arg-type]
        found = store.get(task.id)
        assert found is not None
        assert (found.outcome, found.reason) == (TaskOutcome.FAILED, kept)
    task = store.keep(a_task("secret-9"))
    desk = Desk(True)
    with pytest.raises(RuntimeError, match="no text"):
        Finisher(store, desk).fail(task, Hopeless())  # type: ignore[arg-type]
    assert desk.answers == []


class Full(SQLiteTokenStore):
    """A store that cannot be written any more."""

    def close(self, *_: object, **__: object) -> bool:
        raise TokenStoreError("Cannot use the token store: the disk is full.")

    def beat_in(self, *_: object, **__: object) -> None:
        raise TokenStoreError("Cannot use the token store: the disk is full.")


def test_finisher_answers_though_the_store_is_full(
    store_file: Path, store: SQLiteTokenStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Taken by SWF and not marked: True with a log line, and a handle stays used."""
    task = store.keep(a_task("secret-token"))
    full = Full(store_file)
    handles = Handles(full, b"k" * 32)
    handle = handles.make(task, "complete", lifetime=60)
    with handles.use(handle, "complete") as granted:
        assert Finisher(full, Desk(True)).complete(granted)
    with pytest.raises(UsedHandleError), handles.use(handle, "complete"):
        pytest.fail("used twice")
    assert f"{task.id} of {task}: completed, but the store does not say so yet;" in caplog.text
    assert not Finisher(full, Desk(False)).complete(task)
    assert "The keeper learns later" in caplog.text
    assert "secret" not in caplog.text


def test_finisher_leaves_to_the_keeper_what_was_closed_already(store: SQLiteTokenStore) -> None:
    """Closed already: the answer is False, the row stays open, and its beat is due at once."""
    task = store.keep(a_task())
    assert store.claim_due("shop", 60) is not None
    store.beat_in(task.id, 300)
    assert not Finisher(store, Desk(False)).complete(task)
    assert [each.id for each in store.pending()] == [task.id]
    due = store.claim_due("shop", 60)
    assert due is not None
    assert due.id == task.id


def test_finisher_keeps_open_what_could_not_be_answered(store: SQLiteTokenStore) -> None:
    """If SWF is out of reach the error is raised, and the task stays open."""
    task = store.keep(a_task())
    with pytest.raises(TransientError):
        Finisher(store, Desk()).fail(task, "no")
    assert store.pending() == [task]
