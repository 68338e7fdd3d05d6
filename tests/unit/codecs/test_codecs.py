"""The codecs without a service, and what every list of codecs must be."""

from __future__ import annotations

import importlib
import sys
import tracemalloc
import zlib

import pytest
from cryptography.fernet import Fernet

from flowy.codecs import Codec, ZlibCodec, check_codecs
from flowy.codecs.fernet import FernetCodec
from flowy.exception import CodecError

CAP = 1_000_000


def test_zlib() -> None:
    """What was compressed is read again, at each level."""
    data = b"a value " * 1_000
    for level in (-1, 1, 9):
        written = ZlibCodec(level).encode(data)
        assert len(written) < 200
        assert ZlibCodec().decode(written, None, CAP) == data
    with pytest.raises(ValueError, match="level=10"):
        ZlibCodec(10)


def test_bomb_is_capped() -> None:
    """A value that would become 64 MB never takes more memory than the cap."""
    bomb = zlib.compress(bytes(64_000_000), 1)
    tracemalloc.start()
    try:
        with pytest.raises(CodecError, match="longer than 1,000,000 bytes"):
            ZlibCodec().decode(bomb, None, CAP)
        assert tracemalloc.get_traced_memory()[1] < 5 * CAP
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("broken", ["", "no zlib", "cut", "tail"])
def test_what_zlib_has_not_written(broken: str) -> None:
    """Half a value, or more than one, is refused."""
    whole = zlib.compress(b"value" * 10)
    data = {"cut": whole[:-3], "tail": whole + b"x"}.get(broken, broken.encode())
    with pytest.raises(CodecError, match="not what zlib has compressed"):
        ZlibCodec().decode(data, None, CAP)


def test_fernet_keys_rotate() -> None:
    """The first key writes, all read; a key that is not there is named by its id."""
    old, new = Fernet.generate_key(), Fernet.generate_key().decode()
    before, between, after = FernetCodec([old]), FernetCodec([new, old]), FernetCodec([new])
    written = before.encode(b"value")
    assert b"value" not in written
    assert between.key_id == after.key_id != before.key_id
    assert between.decode(written, before.key_id, CAP) == b"value"
    assert after.decode(between.encode(b"value"), between.key_id, CAP) == b"value"
    with pytest.raises(CodecError, match=before.key_id):
        after.decode(written, before.key_id, CAP)
    with pytest.raises(CodecError, match="None"):
        after.decode(written, None, CAP)


def test_fernet_tampered() -> None:
    """Each changed byte is seen."""
    codec = FernetCodec([Fernet.generate_key()])
    written = codec.encode(b"a secret")
    for place in (0, 9, 30, len(written) - 1):
        changed = bytearray(written)
        changed[place] ^= 1
        with pytest.raises(CodecError, match="was changed"):
            codec.decode(bytes(changed), codec.key_id, CAP)


@pytest.mark.parametrize("keys", [[], "a key", ["no-key"], [b""], [None]])
def test_fernet_keys_are_checked(keys: list[str]) -> None:
    """The error does not show a key that cannot be used."""
    with pytest.raises(ValueError, match="key") as raised:
        FernetCodec(keys)
    assert "no-key" not in str(raised.value)


@pytest.mark.parametrize(
    ("module", "library"), [("fernet", "cryptography.fernet"), ("kms", "aws_encryption_sdk")]
)
def test_missing_library(monkeypatch: pytest.MonkeyPatch, module: str, library: str) -> None:
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"flowy.codecs.{module}", raising=False)
    with pytest.raises(ImportError, match=f"Install Flowy's extra {module}"):
        importlib.import_module(f"flowy.codecs.{module}")


class Own(Codec):
    """A codec of an author's own."""

    name = "own"

    def encode(self, data: bytes) -> bytes:
        """Change nothing."""
        return data

    def decode(self, data: bytes, key_id: str | None, max_bytes: int) -> bytes:
        """Change nothing."""
        return data


def test_lists_of_codecs() -> None:
    """Compression comes before encryption, each codec once."""
    fernet = FernetCodec([Fernet.generate_key()])
    good = [ZlibCodec(), Own(), fernet]
    assert check_codecs(good) == tuple(good)
    for wrong, said in (
        ([fernet, ZlibCodec()], "compress what is encrypted"),
        ([ZlibCodec(), ZlibCodec()], "two codecs of one name"),
        ([zlib], "type module"),
        (fernet, "type FernetCodec"),
    ):
        with pytest.raises(ValueError, match=said):
            check_codecs(wrong)
