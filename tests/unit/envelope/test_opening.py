"""What an envelope lets in: limits, inputs that must be encrypted, and texts for people."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from flowy import Activity, async_scheduler
from flowy.claims import Claim, FolderStore, Place
from flowy.codecs import Codec, ZlibCodec
from flowy.codecs.fernet import FernetCodec
from flowy.envelope import Envelope
from flowy.envelope.forms import claim_text, coded_text
from flowy.exception import CodecError, InputError, TooLongError
from flowy.reasons import INPUT_INVALID
from flowy.swf.worker import WorkerOptions
from flowy.transport import read

FERNET = FernetCodec([Fernet.generate_key()])
BOTH = (ZlibCodec(), FERNET)
SECRET = "the secret"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    """A store that takes little."""
    return FolderStore(tmp_path, max_bytes=100_000)


def test_sealed_and_opened(store: FolderStore) -> None:
    """Text of an author's own is the same to the letter, by each way."""
    texts = ["7", '{"$flowy": 1.10}', "not JSON", '"\\u00e9"', json.dumps("x" * 45_000), "[ 1 ]"]
    for codecs in ((), (ZlibCodec(),), BOTH):
        envelope = Envelope(codecs, store)
        for text in texts:
            sent = envelope.sealed(text)
            assert len(sent) <= 32_768
            assert envelope.opened(sent) == text
            if text == "not JSON":
                continue
            within = envelope.opened(f'[[1, {sent}], {{"$$flowy": {sent}}}]')
            assert within == f'[[1, {text}], {{"$flowy": {text}}}]'


def test_only_what_helps_is_done(store: FolderStore, tmp_path: Path) -> None:
    """Short values are not compressed, and what fits is not stored."""
    assert Envelope((ZlibCodec(),)).sealed('"short"') == '"short"'
    assert '"chain": ["fernet:' in Envelope(BOTH).sealed('"short"')
    assert '"chain": ["zlib", "fernet:' in Envelope(BOTH).sealed(json.dumps("long" * 1_000))
    envelope = Envelope(BOTH, store)
    assert "codec/1" in envelope.sealed(json.dumps("long" * 10_000))
    assert "claim/1" in Envelope((), store).sealed(json.dumps("long" * 10_000))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] != []


def test_too_long() -> None:
    """Without a store, and if the store refuses, the error says why."""
    text = json.dumps("x" * 40_000)
    with pytest.raises(TooLongError, match=r"40,002 characters, SWF takes 32,768\. Give a store"):
        Envelope().sealed(text)
    with pytest.raises(TooLongError, match=r"30,002 characters \(40,\d+ when encoded\)"):
        Envelope((FERNET,)).sealed(json.dumps("x" * 30_000))


def test_too_long_for_the_store(store: FolderStore) -> None:
    """The store's own limit is told."""
    with pytest.raises(TooLongError, match="cannot be stored: it has 200,002 bytes"):
        Envelope((), store).sealed(json.dumps("x" * 200_000))


def test_what_is_too_long_to_be_read_is_not_written(store: FolderStore) -> None:
    """Readers count bytes, of which a character may have several; compressed, it would fit."""
    text = "\u20ac" * 18_000_000
    with pytest.raises(TooLongError, match="its readers take 52,428,800 bytes"):
        Envelope((ZlibCodec(),), store).sealed(text)


def test_unknown_codecs_and_keys() -> None:
    """The codec, or the id of the key, is named."""
    text = Envelope(BOTH).sealed(json.dumps(SECRET))
    with pytest.raises(CodecError, match=f"encoded by 'fernet:{FERNET.key_id}'; this activity"):
        Envelope().opened(text)
    other = FernetCodec([Fernet.generate_key()])
    with pytest.raises(CodecError, match=f"'{FERNET.key_id}'; this codec has {other.key_id}"):
        Envelope((other,)).opened(text)


def test_what_a_codec_holds_is_a_value() -> None:
    """Envelopes in an encrypted value are an author's own objects, and are not opened."""
    inner = Envelope(BOTH).sealed(json.dumps(SECRET))
    assert Envelope(BOTH).opened(Envelope(BOTH).sealed(inner)) == inner


@pytest.mark.parametrize("text", ["violet", '1, "violet"', '1], {"violet": true', "[" * 100_000])
@pytest.mark.parametrize("stored", [False, True])
def test_a_part_of_an_input_is_one_value(store: FolderStore, text: str, *, stored: bool) -> None:
    """A text that is not JSON cannot add arguments; as the whole input, it is what it was."""
    envelope = Envelope((), store) if stored else Envelope(BOTH)
    sealed = envelope.sealed(text, limit=0) if stored else envelope.sealed(text)
    assert envelope.opened(f" {sealed}\n") == f" {text}\n"
    for whole in (f"[[{sealed}], {{}}]", f'{{"path": {sealed}}}'):
        with pytest.raises(InputError, match="part of it is not a JSON value") as caught:
            envelope.opened(whole)
        assert "violet" not in str(caught.value)
    assert envelope.opened(f"[{envelope.sealed('[7, null]')}]") == "[[7, null]]"
    assert envelope.opened(f"Last heartbeat: {sealed}") == f"Last heartbeat: {text}"


def test_bombs_together() -> None:
    """The limit holds for all values of one task together."""
    data = zlib.compress(b"1".rjust(26 * 1024 * 1024), 1)
    one = coded_text(["zlib"], data)
    envelope = Envelope((ZlibCodec(),))
    assert len(envelope.opened(one)) == 26 * 1024 * 1024
    with pytest.raises(CodecError, match="longer than"):
        envelope.opened(f"[{one}, {one}]")
    twice = coded_text(["zlib", "zlib"], zlib.compress(zlib.compress(bytes(51 * 1024 * 1024), 1)))
    with pytest.raises(CodecError, match="longer than"):
        envelope.opened(twice)


class Raising(Codec):
    """Raises an error with the value in it."""

    name = "raising"
    encrypts = True

    def encode(self, data: bytes) -> bytes:
        """Raise."""
        raise LookupError(data)

    def decode(self, data: bytes, key_id: str | None, max_bytes: int) -> bytes:
        """Raise."""
        raise LookupError(data)


def test_codec_that_raises() -> None:
    """Of its error only the class is told."""
    envelope = Envelope((Raising(),))
    with pytest.raises(CodecError, match=r"^raising cannot encode it \(LookupError\)\.$"):
        envelope.sealed(json.dumps(SECRET))
    with pytest.raises(CodecError, match=r"^raising cannot decode it \(LookupError\)\.$"):
        envelope.opened(coded_text(["raising"], SECRET.encode()))
    with pytest.raises(CodecError, match="is not text"):
        Envelope((ZlibCodec(),)).opened(coded_text(["zlib"], zlib.compress(b"\xff")))


def kept(store: FolderStore, text: str) -> Claim:
    """Store a text and return its claim."""
    return store.keep(Place("shop", "order/7", "run"), text.encode())


# Encryption that is required


def test_required_encryption(store: FolderStore) -> None:
    """Brackets and keys may be plain, nothing else; what is stored is encrypted, too."""
    envelope = Envelope(BOTH, store, require_encryption=True)
    one, stored = envelope.sealed("7"), Envelope((FERNET,), store).sealed(json.dumps("x" * 40_000))
    assert "claim/1" in stored
    for good in ("[[], {}]", f"[[{one}, [{stored}]], {{}}]", f'[[], {{"key": {one}}}]', one):
        assert envelope.opened(good)
    plain_claim = claim_text(kept(store, "7"))
    only_compressed = coded_text(["zlib"], zlib.compress(b"7"))
    for bad in (
        "[[7], {}]", f"[[{one}, null], {{}}]", f'[[{one}], {{"a": [false]}}]', '"text"', "no JSON",
        f"[[{plain_claim}], {{}}]", f"[[{only_compressed}], {{}}]", f"[{one}, {plain_claim}]",
    ):  # fmt: skip
        with pytest.raises(InputError, match="not encrypted"):
            envelope.opened(bad)
        assert Envelope(BOTH, store).opened(bad)


def test_what_cannot_be_required() -> None:
    """Without a codec that encrypts, nothing can be hidden or required."""
    for given in ({"hide_reasons": True}, {"require_encryption": True}):
        Envelope(BOTH, None, **given).check()
        with pytest.raises(ValueError, match=f"Cannot use {next(iter(given))} without a codec"):
            Envelope((ZlibCodec(),), None, **given).check()


# Texts for people


@pytest.mark.parametrize("text", ["short", "x" * 100_000, "é😀" * 30_000, SECRET * 9_000])
@pytest.mark.parametrize("codecs", [(FERNET,), BOTH])
@pytest.mark.parametrize("limit", [2_048, 32_768])
def test_details_are_cut_before_they_are_encrypted(
    text: str, codecs: tuple[Codec, ...], limit: int
) -> None:
    """So they fit with their envelope, and the end is kept."""
    envelope = Envelope(codecs)
    sent = envelope.sealed_details(text, limit)
    assert len(sent) <= limit
    assert SECRET not in sent
    shown = envelope.opened(sent)
    assert shown == text or (shown.startswith("... ") and text.endswith(shown[4:]))
    assert len(shown) == len(text) or len(sent) > limit * 0.7


def test_random_details() -> None:
    """What compresses worse at its end than before is cut again."""
    import random

    noise = "".join(random.Random(7).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=60_000))
    envelope = Envelope(BOTH)
    sent = envelope.sealed_details("x" * 500_000 + noise, 2_048)
    assert len(sent) <= 2_048
    assert envelope.opened(sent).endswith(noise[-500:])


def test_details_without_encryption() -> None:
    """Compression alone leaves details to people."""
    assert Envelope((ZlibCodec(),)).sealed_details("x" * 9_000) == "x" * 9_000


def test_hidden_reasons() -> None:
    """A constant of Flowy's stays, or the class; the reason is in the details."""
    envelope = Envelope(BOTH, hide_reasons=True)
    reason, details = envelope.sealed_failure(SECRET, "a traceback", "ValueError")
    assert (reason, SECRET in str(details)) == ("Reason hidden: ValueError.", False)
    assert envelope.opened(str(details)) == f"a traceback\nReason: {SECRET}"
    reason, _details = envelope.sealed_failure(f"{INPUT_INVALID}{SECRET}", "x", "ConversionError")
    assert reason == "Input invalid: hidden."
    assert Envelope(BOTH).sealed_failure(SECRET, None, "ValueError") == (SECRET, None)


# Deciders in Python


def test_read(store: FolderStore) -> None:
    """Texts and values; codecs in any order; details that are not JSON."""
    envelope = Envelope(BOTH, store)
    sent = envelope.sealed(json.dumps({"a": [1]}))
    assert read(sent, [FERNET, ZlibCodec()]) == {"a": [1]}
    assert read({"x": json.loads(sent), "n": 7}, BOTH) == {"x": {"a": [1]}, "n": 7}
    assert read(envelope.sealed(json.dumps("y" * 200_000)), BOTH, store) == "y" * 200_000
    assert read(envelope.sealed_details("Traceback: x"), BOTH) == "Traceback: x"
    assert read("[7]") == [7]
    with pytest.raises(ValueError, match="type int as codec"):
        read(sent, [7])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="not JSON"):
        read("Traceback: x", BOTH)


def test_wrong_parts() -> None:
    """What is neither a codec nor a store is refused when the envelope is made."""
    wrong: Any = object()
    with pytest.raises(ValueError, match="codec"):
        Envelope((wrong,))
    with pytest.raises(ValueError, match="store"):
        Envelope((), wrong)


@pytest.mark.parametrize("wrong", [FERNET, "keys:FERNET", {FERNET}], ids=["one", "name", "set"])
def test_codecs_without_a_list(wrong: Any) -> None:
    """One codec must be in a list, too, and the error says so."""
    for refuse in (
        lambda: WorkerOptions("domain", "list", activities=[Activity], codecs=wrong).envelope,
        lambda: async_scheduler("domain", object(), codecs=wrong),
        lambda: read("7", wrong),
    ):
        with pytest.raises(ValueError, match=r"as codec: give a list of objects"):
            refuse()
