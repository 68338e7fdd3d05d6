"""Files with tokens and keys: their owner's alone, or on request a group's as well."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flowy.exception import TokenStoreError
from flowy.tokens import key_from_file
from flowy.tokens.privacy import why_not_private
from flowy.tokens.sqlite import SQLiteTokenStore, downgrade

ME, MY_GROUP = os.geteuid(), os.getegid()
SOMEBODY, THEIR_GROUP = 54_321, 54_322


def _status(mode: int, user: int = ME, group: int = MY_GROUP) -> os.stat_result:
    return os.stat_result((0o100000 | mode, 1, 1, 1, user, group, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("status", "alone", "group"),
    [
        (_status(0o600), None, None),
        (_status(0o400), None, None),
        (_status(0o640), "others than its owner may read it (its mode is 640)", None),
        (_status(0o660), "or allow its group with allow_group=True", None),
        (_status(0o644), "others than its owner may read it (its mode is 644)", "chmod o= x"),
        (_status(0o602), "chmod 600 x", "chmod o= x"),
        (_status(0o640, group=THEIR_GROUP), "chmod 600 x", f"the group {THEIR_GROUP} may read it"),
        (_status(0o600, group=THEIR_GROUP), None, None),
        (_status(0o600, SOMEBODY), f"another user (uid {SOMEBODY}", "another user"),
        (_status(0o640, SOMEBODY), f"another user (uid {SOMEBODY}", "another user"),
    ],
)
def test_who_may_read(status: os.stat_result, alone: str | None, group: str | None) -> None:
    """The mode, the owner and the group each have their own text, with a way out."""
    for allow_group, said in ((False, alone), (True, group)):
        why = why_not_private(status, "x", allow_group=allow_group)
        assert (why is None) is (said is None)
        assert said is None or said in str(why)


def test_roots_file_is_one_for_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Kubernetes mounts a secret with fsGroup: root's, mode 440, a group of the process's."""
    monkeypatch.setattr(os, "geteuid", lambda: 1_000)
    monkeypatch.setattr(os, "getegid", lambda: 1_000)
    monkeypatch.setattr(os, "getgroups", lambda: [2_000])
    mounted = _status(0o440, 0, 2_000)
    assert why_not_private(mounted, "x", allow_group=True) is None
    assert "another user (uid 0" in str(why_not_private(mounted, "x", allow_group=False))
    world = _status(0o444, 0, 2_000)  # Docker's default
    assert "its mode is 444" in str(why_not_private(world, "x", allow_group=True))


def test_a_store_and_a_key_of_the_group(tmp_path: Path) -> None:
    """On request only; what is made new is its owner's alone all the same."""
    path, key = tmp_path / "tokens.db", tmp_path / "key"
    SQLiteTokenStore(path, allow_group=True)
    assert path.stat().st_mode & 0o777 == 0o600
    key.write_bytes(b"f" * 32)
    path.chmod(0o660)
    key.chmod(0o440)
    with pytest.raises(TokenStoreError, match="its mode is 660"):
        SQLiteTokenStore(path)
    with pytest.raises(ValueError, match="its mode is 440"):
        key_from_file(key)
    assert SQLiteTokenStore(path, allow_group=True).pending() == []
    assert key_from_file(key, allow_group=True) == b"f" * 32
    downgrade(path, allow_group=True)


@pytest.mark.skipif(ME != 0, reason="only root gives files away")
def test_another_users_store_is_refused(tmp_path: Path) -> None:
    """Root could read it; but its owner could change it."""
    path = tmp_path / "tokens.db"
    SQLiteTokenStore(path)
    os.chown(path, SOMEBODY, THEIR_GROUP)
    for allow_group in (False, True):
        with pytest.raises(TokenStoreError, match=f"another user \\(uid {SOMEBODY}"):
            SQLiteTokenStore(path, allow_group=allow_group)


def test_a_pipe_is_no_store(tmp_path: Path) -> None:
    """Anything but a regular file is refused at once; opening a pipe would wait for ever."""
    os.mkfifo(tmp_path / "tokens.db", 0o600)
    with pytest.raises(TokenStoreError, match="it is not a regular file"):
        SQLiteTokenStore(tmp_path / "tokens.db")
