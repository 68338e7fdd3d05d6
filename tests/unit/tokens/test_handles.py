"""Signed handles: each ends one task, once, until it expires; a forged one does nothing."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from flowy.exception import (
    ExpiredHandleError,
    ForeignHandleError,
    ForgedHandleError,
    HandleError,
    UsedHandleError,
)
from flowy.invocation.outcome import TaskOutcome
from flowy.tokens import Handles, SuspendedTask, key_from_environment, key_from_file
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.suspended import WallClock, a_task

KEY = b"k" * 32


@pytest.fixture
def handles(store: SQLiteTokenStore, clock: WallClock) -> Handles:
    return Handles(store, KEY, clock=clock)


@pytest.fixture
def task(store: SQLiteTokenStore) -> SuspendedTask:
    return store.keep(a_task("secret-token", note="secret-note"))


def test_a_handle_names_a_task_and_holds_no_token(handles: Handles, task: SuspendedTask) -> None:
    """Its text is safe in a URL, holds neither token nor note, and no two are the same."""
    made = {handles.make(task, "complete", "fail", lifetime=60) for _ in range(20)}
    assert len(made) == 20
    for handle in made:
        assert re.fullmatch(r"[0-9A-Za-z_.-]{60,140}", handle)
        assert task.id in handle
        assert "secret" not in handle
        grant = handles.look(handle)
        assert grant.task == task
        assert grant.verbs == {"complete", "fail"}
        assert grant.expires_at == 1_000_060


def test_a_handle_is_used_once(handles: Handles, task: SuspendedTask) -> None:
    """The first use yields the task; every later one, of any verb, is refused as used."""
    handle = handles.make(task, "complete", "fail", lifetime=60)
    with handles.use(handle, "complete") as granted:
        assert granted == task
    for verb in ("complete", "fail"):
        with pytest.raises(UsedHandleError), handles.use(handle, verb):
            pytest.fail("used twice")


def test_looking_uses_nothing(handles: Handles, task: SuspendedTask) -> None:
    """A mail scanner that follows the link uses nothing up."""
    handle = handles.make(task, "fail", lifetime=60)
    for _ in range(3):
        handles.look(handle)
    with handles.use(handle, "fail"):
        pass


def test_a_deed_that_was_not_done_may_be_tried_again(handles: Handles, task: SuspendedTask) -> None:
    """If the block raises, because SWF is out of reach for example, the handle is good again."""
    handle = handles.make(task, "fail", lifetime=60)
    with pytest.raises(KeyboardInterrupt), handles.use(handle, "fail"):
        raise KeyboardInterrupt
    with handles.use(handle, "fail"):
        pass


def test_a_handle_of_a_closed_task_says_so_by_its_task(
    store: SQLiteTokenStore, handles: Handles, task: SuspendedTask
) -> None:
    """What became of the task meanwhile is in what the handle grants."""
    handle = handles.make(task, "fail", lifetime=60)
    store.close(task.id, TaskOutcome.TIMED_OUT, "HEARTBEAT")
    assert handles.look(handle).task.outcome is TaskOutcome.TIMED_OUT


def test_an_expired_handle_is_refused(
    handles: Handles, task: SuspendedTask, clock: WallClock
) -> None:
    """From its last second on a handle is expired, even one that was used."""
    handle = handles.make(task, "fail", lifetime=60)
    clock.now += 59.9
    handles.look(handle)
    clock.now += 0.1
    with pytest.raises(ExpiredHandleError):
        handles.look(handle)
    with pytest.raises(ExpiredHandleError), handles.use(handle, "fail"):
        pytest.fail("expired")


def test_a_foreign_handle_is_refused(handles: Handles, task: SuspendedTask, tmp_path: Path) -> None:
    """A verb that it does not allow, and a task that this store does not have, are refused."""
    handle = handles.make(task, "fail", lifetime=60)
    with pytest.raises(ForeignHandleError, match="does not allow"), handles.use(handle, "complete"):
        pytest.fail("not granted")
    elsewhere = Handles(SQLiteTokenStore(tmp_path / "other.db"), KEY, clock=handles._clock)
    with pytest.raises(ForeignHandleError, match="not, or no longer, in this store"):
        elsewhere.look(handle)
    with handles.use(handle, "fail"):
        pass  # a refusal used nothing up


def test_a_forged_handle_is_refused_and_taught_nothing(
    handles: Handles, task: SuspendedTask, store: SQLiteTokenStore
) -> None:
    """Whatever is changed in a handle, the refusal is one and the same."""
    handle = handles.make(task, "fail", lifetime=60)
    said, _, signature = handle.rpartition(".")
    other_key = Handles(store, b"o" * 32, clock=handles._clock).make(task, "fail", lifetime=60)
    forged = [
        "",
        ".",
        "é" * 100,
        "\ud800.x",
        said,
        said + ".",
        handle + "A",
        handle.replace("fail", "complete"),
        handle.replace(task.id, "0" * 16),
        handle.replace("1000060", "9999999"),
        handle.replace(".1000060.", ".0."),
        f"{said}.{signature.swapcase()}",
        f"{said}.{'A' * 43}",
        other_key,
        "x" * 100_000,
        handle + "\n",
    ]
    for number in range(len(handle)):
        changed = "A" if handle[number] != "A" else "B"
        forged.append(handle[:number] + changed + handle[number + 1 :])
    texts = set()
    for each in forged:
        with pytest.raises(HandleError) as caught:
            handles.look(each)
        assert type(caught.value) is ForgedHandleError, each
        texts.add(str(caught.value))
    assert texts == {"Cannot use this handle: it is not one of ours."}


def test_what_the_key_signs_elsewhere_is_no_handle(handles: Handles, task: SuspendedTask) -> None:
    """A signature of the same text for another purpose does not make a handle."""
    import base64
    import hashlib
    import hmac

    said = handles.make(task, "fail", lifetime=60).rpartition(".")[0]
    digest = hmac.new(KEY, said.encode(), hashlib.sha256).digest()
    signature = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    with pytest.raises(ForgedHandleError):
        handles.look(f"{said}.{signature}")


def test_old_keys_are_still_honoured(
    store: SQLiteTokenStore, handles: Handles, task: SuspendedTask, clock: WallClock
) -> None:
    """After a change of key, handles of the old key are good only if it is given as such."""
    handle = handles.make(task, "fail", lifetime=60)
    new = b"n" * 32
    assert Handles(store, new, old_keys=[KEY], clock=clock).look(handle).task == task
    with pytest.raises(ForgedHandleError):
        Handles(store, new, clock=clock).look(handle)


def test_says_what_cannot_be_made(
    store: SQLiteTokenStore, handles: Handles, task: SuspendedTask
) -> None:
    """A short key, no verb, an unknown verb and a lifetime of nothing are errors of the caller."""
    with pytest.raises(ValueError, match="a key of 31 bytes: it needs 32"):
        Handles(store, b"k" * 31)
    with pytest.raises(ValueError, match="a key of 0 bytes"):
        Handles(store, KEY, old_keys=[b""])
    with pytest.raises(ValueError, match="no verb: give one or more of complete, fail, cancel"):
        handles.make(task, lifetime=60)
    with pytest.raises(ValueError, match=r"\['approve'\]"):
        handles.make(task, "approve", lifetime=60)
    for lifetime in (0, -1, float("nan"), float("inf"), 1e12, 366 * 86_400 + 1):
        with pytest.raises(ValueError, match=r"give seconds, over 0 and at most 31,622,400\."):
            handles.make(task, "fail", lifetime=lifetime)
    for task_id in ("", "a.b", "x" * 65, "é", "a\n"):
        with pytest.raises(ValueError, match="for the task id"):
            handles.make(a_task(id=task_id), "fail", lifetime=60)


def test_a_short_lifetime_is_rounded_up(
    handles: Handles, task: SuspendedTask, clock: WallClock
) -> None:
    """A handle is good for as long as was asked, or a part of a second more; never born expired."""
    clock.now += 0.9
    handle = handles.make(task, "fail", lifetime=0.05)
    clock.now += 0.04
    handles.look(handle)
    clock.now += 1
    with pytest.raises(ExpiredHandleError):
        handles.look(handle)
    assert handles.look(handles.make(task, "fail", lifetime=366 * 86_400)).task == task


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text of 32 bytes or more; the error names the variable and says how to make one."""
    monkeypatch.setenv("FLOWY_HANDLE_KEY", "s" * 40 + "\n")
    assert key_from_environment() == b"s" * 40
    assert key_from_environment("MINE", {"MINE": "m" * 32}) == b"m" * 32
    with pytest.raises(ValueError, match="MINE is not set"):
        key_from_environment("MINE", {})
    with pytest.raises(ValueError, match="of 5 bytes") as caught:
        key_from_environment("MINE", {"MINE": "short"})
    assert "short" not in str(caught.value)


def test_the_key_comes_from_a_file_of_its_owners(tmp_path: Path) -> None:
    """A file is its owner's alone, or refused."""
    path = tmp_path / "key"
    os.close(os.open(path, os.O_CREAT, 0o600))
    path.write_bytes(b"f" * 32 + b"\n")
    assert key_from_file(path) == b"f" * 32
    path.chmod(0o644)
    with pytest.raises(ValueError, match="others than its owner may read it"):
        key_from_file(path)
    with pytest.raises(FileNotFoundError):
        key_from_file(tmp_path / "none")


MARK = b"\xef\xbb\xbf"


@pytest.mark.parametrize("before", [MARK, MARK + b" ", b"\n" + MARK])
def test_a_byte_order_mark_is_no_part_of_the_key(tmp_path: Path, before: bytes) -> None:
    """An editor's mark before UTF-8 text is dropped, from a file and from the environment."""
    path = tmp_path / "key"
    path.touch(0o600)
    path.write_bytes(before + b"f" * 32 + b"\r\n")
    assert key_from_file(path) == b"f" * 32
    assert key_from_environment("MINE", {"MINE": os.fsdecode(before) + "m" * 32}) == b"m" * 32
    path.write_bytes(MARK + b"f" * 31)
    with pytest.raises(ValueError, match="of 31 bytes"):
        key_from_file(path)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_key_in_utf_16_is_refused(tmp_path: Path, encoding: str) -> None:
    """A key that an editor saved as UTF-16 would not be the key of the other processes."""
    path = tmp_path / "key"
    path.touch(0o600)
    path.write_bytes(f"\ufeff{'f' * 64}\r\n".encode(encoding))
    with pytest.raises(ValueError, match="it is UTF-16 text. Save it as ASCII or UTF-8") as caught:
        key_from_file(path)
    assert "fff" not in str(caught.value)
    binary = b"\xff\xfe" + bytes(range(129, 179))  # begins so by chance
    path.write_bytes(binary)
    assert key_from_file(path) == binary
