"""What is read from a store: the claims of the task itself, and nothing else."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from flowy.claims import Claim, FolderStore, Place
from flowy.envelope import Envelope
from flowy.envelope.forms import claim_text
from flowy.exception import ClaimError, InputError, UnavailableError


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    """A store that takes little."""
    return FolderStore(tmp_path, max_bytes=100_000)


def kept(store: FolderStore, text: str) -> Claim:
    """Store a text and return its claim."""
    return store.keep(Place("shop", "order/7", "run"), text.encode())


def test_keys(store: FolderStore, tmp_path: Path) -> None:
    """Domain, workflow and run, percent-encoded; the same value is stored once."""
    claim = kept(store, '"value"')
    digest = hashlib.sha256(b'"value"').hexdigest()
    assert claim.uri == f"{store.root}/v1/shop/order%2F7/run/{digest}"
    assert kept(store, '"value"') == claim
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert file.stat().st_mode & 0o077 == 0
    for odd in ("..", ".", "a/../b", "\x00", "é" * 256, "\ud800", ""):
        claim = store.keep(Place(odd, odd, odd), odd.encode("utf-8", "replace"))
        assert store.redeem(claim, 1_000) == odd.encode("utf-8", "replace")
        assert "/../" not in claim.uri


def test_values_of_unknown_tasks(store: FolderStore) -> None:
    """In the folder of all tasks equal values are one file; others lie beside it, not in its place.

    No task has it, because no run id is a dash.
    """
    one, same, other = (store.keep(Place("shop"), data) for data in (b"1", b"1", b"2"))
    assert one == same != other
    assert [store.redeem(claim, 10) for claim in (one, other)] == [b"1", b"2"]
    of_a_task = store.keep(Place("shop", "-", "run"), b"1")
    assert of_a_task.uri != one.uri


@pytest.mark.parametrize(
    "uri",
    [
        "{root}/v1/shop/order%2F7/../run/{sha}",
        "{root}/v1/shop/../../{sha}",
        "{root}/../v1/shop/order%2F7/run/{sha}",
        "{root}/v1/shop/%2e%2e/run/x/{sha}",
        "{root}x/v1/shop/order%2F7/run/{sha}",
        "{root}//v1/shop/order%2F7/run/{sha}",
        "{root}/v1/shop/order%2F7/run/{sha}?versionId=1",
        "{root}/v1/shop/order%2F7/run/{other}",
        "{root}/v1/shop/order%2F7/run/{sha}\n",
        "file:///etc/passwd",
        "s3://bucket/v1/shop/order%2F7/run/{sha}",
        "http://169.254.169.254/v1/shop/order%2F7/run/{sha}",
        "",
    ],
)
def test_hostile_uris(store: FolderStore, uri: str) -> None:
    """Only the store's own keys are read, as they were written."""
    claim = kept(store, '"value"')
    hostile = uri.format(root=store.root, sha=claim.sha256, other="0" * 64)
    with pytest.raises(ClaimError, match="not for this worker's store"):
        store.redeem(Claim(hostile, claim.sha256, claim.bytes), 1_000)


def test_links_do_not_lead_out(
    store: FolderStore, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whoever can write into the folder cannot let a worker read elsewhere."""
    outside = tmp_path_factory.mktemp("outside") / "secret"
    outside.write_text('"secret"')
    claim = kept(store, '"secret"')
    file = tmp_path / claim.uri.removeprefix(store.root + "/")
    file.unlink()
    file.symlink_to(outside)
    with pytest.raises(ClaimError, match="out of the store's folder"):
        store.redeem(claim, 1_000)


def test_wrong_values(store: FolderStore, tmp_path: Path) -> None:
    """A missing value, another length, another hash, and what may not be read."""
    claim = kept(store, '"value"')
    file = tmp_path / claim.uri.removeprefix(store.root + "/")
    with pytest.raises(ClaimError, match="7 bytes, the claim says 8"):
        store.redeem(Claim(claim.uri, claim.sha256, 8), 1_000)
    with pytest.raises(ClaimError, match="7 bytes; 6 may be read"):
        store.redeem(claim, 6)
    file.write_text('"other"')
    with pytest.raises(ClaimError, match="its hash differs"):
        store.redeem(claim, 1_000)
    file.unlink()
    with pytest.raises(ClaimError, match="FileNotFoundError"):
        store.redeem(claim, 1_000)
    file.mkdir()
    with pytest.raises(ClaimError, match="IsADirectoryError|4,096 bytes|bytes, the claim"):
        store.redeem(claim, 1_000)


def test_folder_that_is_away(tmp_path: Path) -> None:
    """A file system that is not mounted may come back."""
    store = FolderStore(tmp_path / "none")
    with pytest.raises(UnavailableError, match="is not there"):
        store.keep(Place(), b"value")
    assert not (tmp_path / "none").exists()


def test_how_many_claims(store: FolderStore) -> None:
    """At most 100, and at most the store's bytes together; no claim within a claim."""
    envelope = Envelope((), store)
    small, half = claim_text(kept(store, "7")), claim_text(kept(store, json.dumps("x" * 60_000)))
    assert envelope.opened(f"[{', '.join([small] * 100)}]") == f"[{', '.join(['7'] * 100)}]"
    with pytest.raises(InputError, match="more than 100 claims"):
        envelope.opened(f"[{', '.join([small] * 101)}]")
    with pytest.raises(ClaimError, match="60,002 bytes; 39,998 may be read"):
        envelope.opened(f"[{half}, {half}]")
    with pytest.raises(ClaimError, match="claims of its own"):
        envelope.opened(claim_text(kept(store, f"[{small}]")))
    with pytest.raises(ClaimError, match="no store"):
        Envelope().opened(small)


def test_store_before_a_move(store: FolderStore, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Claims of the stores in *reads* are read, and nothing is written there."""
    claim = kept(store, '"old"')
    new = FolderStore(tmp_path_factory.mktemp("new"), reads=[store])
    assert Envelope((), new).opened(claim_text(claim)) == '"old"'
    assert new.keep(Place(), b"x").uri.startswith(new.root)
