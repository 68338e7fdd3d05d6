"""Values through a real worker, the local SWF, and a decider that knows nothing of envelopes."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import boto3
import pytest
from cryptography.fernet import Fernet

from flowy import Activity, AsyncActivity, activity, async_scheduler, call_activity, reasons
from flowy.claims import FolderStore, S3Store, Store
from flowy.codecs import Codec, ZlibCodec
from flowy.codecs.fernet import FernetCodec
from flowy.codecs.kms import KMSCodec
from flowy.context import current
from flowy.convert.msgspec import MsgspecConverter
from flowy.envelope import Envelope
from flowy.exception import (
    ActivityFailedError,
    CancelTask,
    CodecError,
    ScanError,
    SerializationError,
    TooLongError,
)
from flowy.swf.worker import WorkerOptions
from flowy.testing import ActivityEnvironment, Canceled, LocalWorker, Suspended
from flowy.tokens import SuspendedTask, TokenStore
from flowy.tokens.sqlite import SQLiteTokenStore
from flowy.transport import read
from tests.aws_services import AWSServices
from tests.unit.envelope.plain_decider import PlainDecider

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from flowy.local import LocalSWF

SECRET = "4111-1111-1111-1111"
KEYS = (Fernet.generate_key(), Fernet.generate_key())
FERNET = FernetCodec([KEYS[0]])
BOTH = (ZlibCodec(), FERNET)


@dataclass
class Card:
    """A typed value."""

    number: str
    limit: Decimal


def shop(
    codecs: tuple[Codec, ...], store: Store | None = None, **more: Any
) -> list[type[Activity]]:
    """Return activities that travel by these codecs and this store."""
    given = {"codecs": codecs, "claims": store, **more}
    base: Any = type("ShopActivity", (Activity,), given)
    async_base: Any = type("AsyncShopActivity", (AsyncActivity,), given)

    @activity("make", 1, "list")
    class Make(base):  # type: ignore[misc]
        def run(self, size: int = 1) -> Any:
            return {"cards": [SECRET] * size, "$flowy": SECRET}

    @activity("typed", 1, "list", converter=MsgspecConverter())
    class Typed(base):  # type: ignore[misc]
        def run(self, made: dict[str, Any]) -> Card:
            return Card(made["cards"][0], Decimal("1.10"))

    @activity("check", 1, "list", converter=MsgspecConverter())
    class Check(async_base):  # type: ignore[misc]
        async def run(self, card: Card) -> str:
            assert card == Card(SECRET, Decimal("1.10"))
            return f"{SECRET} is fine"

    @activity("count", 1, "list")
    class Count(async_base):  # type: ignore[misc]
        async def run(self, made: Any, *more: Any) -> int:
            assert set(made["cards"]) == {SECRET}
            return sum(len(each["cards"]) for each in (made, *more))

    @activity("fail", 1, "list", heartbeat=60)
    class Fail(base):  # type: ignore[misc]
        def run(self, made: Any) -> None:
            self.heartbeat({"card": SECRET})
            raise ValueError(f"declined: {made['cards'][0]}")

    return [Make, Typed, Check, Count, Fail]


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


# Other ways in and out


def test_calls_by_the_class(
    local_swf: LocalSWF, domain: str, client: SWFClient, tmp_path: Path
) -> None:
    """Arguments, result and details of a failure go through the class's codecs and store."""
    store = FolderStore(tmp_path)
    served = shop((FERNET,), store, require_encryption=True)
    make, _typed, _check, count, fail = served
    with LocalWorker(local_swf, domain, served) as worker:
        assert worker.call(count, {"cards": [SECRET] * 3_000}) == 3_000
        assert worker.call(make, kwargs={"size": 2})["$flowy"] == SECRET
        with pytest.raises(ActivityFailedError) as raised:
            call_activity(domain, fail, {"cards": ["x"]}, kwargs={}, layer1=local_swf.client())
        assert SECRET in (raised.value.details or "")
    infos = client.list_closed_workflow_executions(
        domain=domain, startTimeFilter={"oldestDate": "1970-01-01"}
    )["executionInfos"]
    for info in infos:
        history = client.get_workflow_execution_history(domain=domain, execution=info["execution"])
        assert SECRET not in json.dumps(history, default=str)


@pytest.mark.parametrize("way", ["position", "name"])
@pytest.mark.parametrize("stored", [False, True])
def test_calls_by_the_class_with_what_is_encoded(tmp_path: Path, way: str, *, stored: bool) -> None:
    """The activity would get the envelope itself, so the caller learns how to pass the value."""
    store = FolderStore(tmp_path)
    _, _, _, count, _ = shop((FERNET,), store)
    sent = Envelope((), store).sealed('"x"', limit=0) if stored else Envelope(BOTH).sealed('"x"')
    value = json.loads(sent)
    args, kwargs = ([value], {}) if way == "position" else ([], {"cards": value})
    said = "argument 1, which" if way == "position" else "argument cards, which"
    with pytest.raises(CodecError, match=said) as raised:
        call_activity("shop", count, *args, kwargs=kwargs, layer1=object())
    assert "flowy.transport.read, or call without the class" in str(raised.value)


def test_options_of_the_worker(
    local_swf: LocalSWF, domain: str, decider: PlainDecider, tmp_path: Path
) -> None:
    """They hold for classes without their own, by name as well."""

    @activity("own", 1, "list")
    class Own(Activity):
        codecs = (FernetCodec([KEYS[1]]),)

        def run(self) -> str:
            return SECRET

    class Module:
        CODECS = BOTH

    import sys

    sys.modules["envelope_keys"] = Module  # type: ignore[assignment]
    try:
        with LocalWorker(
            local_swf,
            domain,
            [*shop(()), Own],
            codecs=["envelope_keys:CODECS"],
            claims=tmp_path.as_uri(),
            hide_reasons=True,
        ):
            made, own = decider.run("make"), decider.run("own")
            assert decider.run("make", "fail")["reason"] == "Reason hidden: ValueError."
    finally:
        del sys.modules["envelope_keys"]
    assert read(made, BOTH)["cards"] == [SECRET]
    assert read(own, Own.codecs) == SECRET
    with pytest.raises(ScanError, match=r"Cannot serve .*Make at .*Cannot use hide_reasons"):
        LocalWorker(local_swf, domain, shop(()), hide_reasons=True)
    with pytest.raises(ScanError, match="Cannot use require_encryption"):
        WorkerOptions(domain, "list", activities=shop(()), require_encryption=True).load()


def test_suspended_tasks(tmp_path: Path) -> None:
    """The note is kept encrypted, and whoever has the codecs reads it."""
    store = SQLiteTokenStore(tmp_path / "tokens.db")

    class Ask(Activity):
        codecs = BOTH

        def run(self) -> None:
            self.suspend(store, {"card": SECRET})

    class AskAsync(AsyncActivity):
        codecs = BOTH

        async def run(self) -> None:
            await self.suspend(store, {"card": SECRET})

    for number, kind in enumerate((Ask, AskAsync)):
        assert isinstance(ActivityEnvironment(token=f"t{number}").run(kind), Suspended)
    tasks: list[SuspendedTask] = store.pending()
    assert [read(task.note, BOTH) for task in tasks] == [{"card": SECRET}] * 2
    assert SECRET not in f"{tasks}{[task.note for task in tasks]}"
    assert SECRET.encode() not in (tmp_path / "tokens.db").read_bytes()


def test_scheduler_of_suspended_tasks(
    local_swf: LocalSWF, domain: str, client: SWFClient, decider: PlainDecider
) -> None:
    """What ``async_scheduler`` sends is encrypted, by its codecs or those of the class."""
    tokens: list[str] = []

    def suspended(name: str) -> type[Activity]:
        @activity(name, 1, "list", heartbeat=60)
        class Ask(Activity):
            codecs = BOTH

            def run(self) -> None:
                scheduler = async_scheduler(current().domain, local_swf.client(), codecs=BOTH)
                scheduler.heartbeat(self.token, SECRET)
                answers[name](scheduler, self.token)
                self.suspend_now()

            def suspend_now(self) -> None:
                from flowy import SuspendTask

                tokens.append(self.token)
                raise SuspendTask

        return Ask

    answers: dict[str, Callable[[Any, str], Any]] = {
        "complete": lambda scheduler, token: scheduler.complete(token, SECRET),
        "fail": lambda scheduler, token: scheduler.fail(token, "declined", SECRET),
        "class": lambda scheduler, token: async_scheduler(domain, local_swf.client()).complete(
            token, SECRET, activity=kinds[2]
        ),
    }
    kinds = [suspended(name) for name in answers]
    with LocalWorker(local_swf, domain, kinds):
        ended = [decider.run(name) for name in answers]
    assert [read(ended[0], BOTH), read(ended[2], BOTH)] == [SECRET] * 2
    assert (ended[1]["reason"], read(ended[1]["details"], BOTH)) == ("declined", SECRET)
    assert SECRET not in decider.history
    with pytest.raises(ValueError, match="hide_reasons without"):
        async_scheduler(domain, local_swf.client(), hide_reasons=True)
