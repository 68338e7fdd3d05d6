"""Values through a real worker, the local SWF, and a decider that knows nothing of envelopes."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import boto3
import pytest

from flowy import Activity, reasons
from flowy.claims import FolderStore, S3Store
from flowy.codecs import Codec, ZlibCodec
from flowy.codecs.fernet import FernetCodec
from flowy.codecs.kms import KMSCodec
from flowy.exception import ActivityFailedError, CancelTask, SerializationError, TooLongError
from flowy.testing import ActivityEnvironment, Canceled, LocalWorker
from flowy.tokens import TokenStore
from flowy.transport import read
from tests.aws_services import AWSServices
from tests.unit.envelope.plain_decider import PlainDecider
from tests.unit.envelope.shop_activities import BOTH, FERNET, KEYS, SECRET, shop

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from flowy.local import LocalSWF


@pytest.fixture
def decider(client: SWFClient, domain: str) -> PlainDecider:
    """The plain decider."""
    return PlainDecider(client, domain)


def assert_secret(decider: PlainDecider, caplog: pytest.LogCaptureFixture) -> None:
    """The secret is nowhere in the history, and in no log line."""
    assert len(decider.events) > 5
    assert SECRET not in decider.history
    for record in caplog.records:
        assert SECRET not in f"{record.getMessage()} {vars(record)}"


def test_typed_and_encrypted(
    local_swf: LocalSWF, domain: str, decider: PlainDecider, caplog: pytest.LogCaptureFixture
) -> None:
    """From one activity's result into the next one's arguments, through three of them."""
    caplog.set_level(logging.DEBUG, "flowy")
    with LocalWorker(local_swf, domain, shop(BOTH)):
        value = decider.run("make", "typed", "check")
    assert list(value) == ["$flowy", "chain", "data"]
    assert read(value, BOTH) == f"{SECRET} is fine"
    assert_secret(decider, caplog)


@pytest.mark.parametrize("codecs", [(), BOTH])
def test_ten_megabytes(
    local_swf: LocalSWF, domain: str, decider: PlainDecider, tmp_path: Path,
    caplog: pytest.LogCaptureFixture, codecs: tuple[Codec, ...],
) -> None:  # fmt: skip
    """They are stored, and a claim goes in their place; encrypted, if codecs are given."""
    caplog.set_level(logging.DEBUG, "flowy")
    many, used = 460_000, tuple(each for each in codecs if each.encrypts)  # they compress too well
    with LocalWorker(local_swf, domain, shop(used, FolderStore(tmp_path))):
        assert read(decider.run("make", "count", args=[many]), BOTH) == many
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert file.relative_to(tmp_path).parts[:3] == ("v1", domain, "order%207")
    assert file.stat().st_size > 10_000_000
    assert (SECRET in file.read_text()) is not bool(used)
    assert_secret(decider, caplog)


def test_s3_and_kms(
    local_swf: LocalSWF, domain: str, decider: PlainDecider, aws: AWSServices,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """Both of AWS's, over HTTP; one data key for all values of the worker."""
    caplog.set_level(logging.DEBUG, "flowy")
    key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    boto3.client("s3").create_bucket(Bucket="shop-claims")
    aws.calls.clear()
    codecs, store = (KMSCodec([key], domain=domain),), S3Store("shop-claims", "flowy")
    with LocalWorker(local_swf, domain, shop(codecs, store)):
        made = decider.run("make", "count", args=[3_000])
    assert read(made, codecs) == 3_000
    assert aws.calls.count("POST / TrentService.GenerateDataKey") == 1
    assert [call[:22] for call in aws.calls if "flowy" in call] == [
        "PUT /shop-claims/flowy", "GET /shop-claims/flowy"
    ]  # fmt: skip
    assert_secret(decider, caplog)


def test_failures(
    local_swf: LocalSWF, domain: str, decider: PlainDecider, caplog: pytest.LogCaptureFixture
) -> None:
    """Details are encrypted, with the last heartbeat's; the reason is, if it is hidden."""
    caplog.set_level(logging.DEBUG, "flowy")
    with LocalWorker(local_swf, domain, shop(BOTH, hide_reasons=True)):
        failed = decider.run("make", "fail")
    assert failed["reason"] == "Reason hidden: ValueError."
    shown = read(failed["details"], BOTH)
    assert shown.endswith(
        f'ValueError: declined: {SECRET}\n\nLast heartbeat: {{"card": "{SECRET}"}}\n'
        f"Reason: declined: {SECRET}"
    )
    assert_secret(decider, caplog)


def test_readable_reasons(local_swf: LocalSWF, domain: str, decider: PlainDecider) -> None:
    """Reasons stay as they are, because deciders decide by them."""
    with LocalWorker(local_swf, domain, shop(BOTH)):
        failed = decider.run("make", "fail")
    assert failed["reason"] == f"declined: {SECRET}"
    assert SECRET not in failed["details"]


@pytest.mark.parametrize("broken", ["key", "tampered", "plain", "unknown", "claim"])
def test_unreadable_inputs(
    local_swf: LocalSWF, domain: str, decider: PlainDecider, caplog: pytest.LogCaptureFixture,
    broken: str,
) -> None:  # fmt: skip
    """The task fails with a constant, the id of the key, and nothing of the value."""
    caplog.set_level(logging.DEBUG, "flowy")
    other = FernetCodec([KEYS[1]])
    base = ActivityEnvironment()
    make, *_ = shop((other,) if broken == "key" else (FERNET,))
    base.run(make)
    assert base.answer
    value = json.loads(base.answer.result or "")
    if broken == "tampered":
        value["data"] = (
            value["data"][:40] + ("A" if value["data"][40] != "A" else "B") + value["data"][41:]
        )
    value, said = {
        "key": (value, f"its key is '{other.key_id}'; this codec has {FERNET.key_id}."),
        "tampered": (value, f"it was changed after key {FERNET.key_id} had encrypted it."),
        "plain": (SECRET, "it is not encrypted, and must be: require_encryption is set."),
        "unknown": ({"$flowy": SECRET}, "an object with the key '$flowy' is none that this Flowy"),
        "claim": (
            {"$flowy": "claim/1", "uri": "s3://a/b", "sha256": "0" * 64, "bytes": 7},
            "it has a claim, and this activity has no store of claims.",
        ),
    }[broken]  # fmt: skip
    served = shop((FERNET,), require_encryption=broken == "plain")
    with LocalWorker(local_swf, domain, served):
        failed = decider.run("count", args=[value])
    assert failed["reason"].startswith(f"{reasons.INPUT_UNREADABLE}{said}")
    assert "details" not in failed
    if broken in ("key", "tampered"):
        assert_secret(decider, caplog)
    for record in caplog.records:
        assert SECRET not in record.getMessage()


def test_results_that_cannot_be_sent(tmp_path: Path) -> None:
    """If a store refuses, the result is too long; if a codec does, it has no form."""

    class Full(FolderStore):
        def _put(self, key: str, data: bytes) -> None:
            raise LookupError(data)

    class Broken(FernetCodec):
        def encode(self, data: bytes) -> bytes:
            raise LookupError(data)

    env = ActivityEnvironment()
    make, *_ = shop((), FolderStore(tmp_path, max_bytes=40_000))
    with pytest.raises(ActivityFailedError) as raised:
        env.run(make, 3_000)
    assert raised.value.reason == (
        "Result too long: the result has 69,044 characters, SWF takes 32,768, and it cannot be "
        "stored: it has 69,045 bytes, the store takes 40,000."
    )
    make, *_ = shop((), Full(tmp_path))
    with pytest.raises(ActivityFailedError, match=r"cannot be stored: the store fails \(LookupE"):
        env.run(make, 3_000)
    for store in (None, Full(tmp_path)):
        make, *_ = shop((Broken([KEYS[0]]),), store)
        with pytest.raises(ActivityFailedError) as raised:
            env.run(make, 3_000)
        assert raised.value.reason == (
            "Result not serializable: it cannot be encoded: fernet cannot encode it (LookupError)."
        )
        assert raised.value.details is None


def test_keys_of_what_cannot_be_sent() -> None:
    """They are part of the value: an encrypted one shows none of them in the reason."""

    class Odd(Activity):
        codecs: ClassVar[Any] = BOTH

        def run(self, value: str) -> Any:
            return {"set": {SECRET: [1, {SECRET}]}, "twice": {1: {SECRET: 1}, "1": 2}}[value]

    class Plain(Odd):
        codecs = ()

    class Keeps(Odd):
        def run(self, value: str) -> None:
            self.suspend(TokenStore, {SECRET: {1}})  # type: ignore[arg-type]

    def reason_of(kind: type[Activity], value: str) -> str:
        with pytest.raises((ActivityFailedError, SerializationError)) as raised:
            ActivityEnvironment().run(kind, value)
        return str(getattr(raised.value, "reason", raised.value))

    said = "Result not serializable: "
    assert reason_of(Odd, "set").startswith(f"{said}set at result[...][1] has no JSON form")
    twice = f"{said}keys ... and ... at result are the same key"
    assert reason_of(Odd, "twice").startswith(twice)
    assert reason_of(Plain, "set").startswith(f"{said}set at result['{SECRET}'][1] has no")
    assert reason_of(Keeps, "").startswith("set at result[...] has no JSON form")


def test_details_in_a_unit_test() -> None:
    """They are what a caller reads; what SWF gets is in ``answer``."""

    class Cancels(Activity):
        codecs = BOTH

        def run(self) -> None:
            self.heartbeat()
            raise CancelTask(SECRET)

    env = ActivityEnvironment(cancel_at=1)
    assert env.run(Cancels) == Canceled(SECRET)
    assert env.answer is not None
    assert read(env.answer.details, BOTH) == SECRET


def test_long_arguments_in_a_unit_test(tmp_path: Path) -> None:
    """They travel as a caller with the class would send them."""

    class Bare(Activity):
        def run(self, text: str) -> int:
            return len(text)

    class Keeps(Bare):
        claims = FolderStore(tmp_path)

    class Compresses(Bare):
        codecs = (ZlibCodec(),)

    for kind in (Keeps, Compresses):
        assert ActivityEnvironment().run(kind, "x" * 50_000) == 50_000
    with pytest.raises(TooLongError, match="the input has 50,"):
        ActivityEnvironment().run(Bare, "x" * 50_000)
