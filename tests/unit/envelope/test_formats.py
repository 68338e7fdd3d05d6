"""Codecs and stores together with other people's formats, and with tasks that others answer."""

from __future__ import annotations

import contextlib
import json
import sys
import uuid
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from cryptography.fernet import Fernet

from flowy import Activity, AsyncActivity, activity, async_scheduler, call_activity
from flowy.claims import FolderStore
from flowy.cli.command import main
from flowy.codecs import ZlibCodec
from flowy.codecs.fernet import FernetCodec
from flowy.context import current
from flowy.convert.msgspec import MsgspecConverter
from flowy.envelope import Envelope
from flowy.exception import ActivityFailedError, HandOverTask, SerializationError
from flowy.swf.suspended.async_scheduler import AsyncScheduler
from flowy.testing import ActivityEnvironment, LocalWorker
from flowy.transport import read
from flowy.transport.plain import ObjectActivity, TextActivity, ValueActivity
from flowy.transport.simpleflow import SimpleflowActivity, decode_result
from tests.unit.envelope.plain_decider import PlainDecider
from tests.unit.swf.calls import Calls
from tests.unit.transport.simpleflow.object_store import ObjectStore, object_store

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from flowy.local import LocalSWF

SECRET = "4111-1111-1111-1111"
FERNET = FernetCodec([Fernet.generate_key()])
BOTH = (ZlibCodec(), FERNET)


class Make(SimpleflowActivity):
    codecs = (FERNET,)

    def run(self, size: int) -> Any:
        return {"cards": [SECRET] * size}


class Count(SimpleflowActivity):
    codecs = (FERNET,)

    def run(self, made: Any, *more: Any) -> int:
        return sum(each["cards"].count(SECRET) for each in (made, *more))


class CountAsync(SimpleflowActivity, AsyncActivity):
    codecs = (FERNET,)

    async def run(self, made: Any, *more: Any) -> int:
        return sum(each["cards"].count(SECRET) for each in (made, *more))


class Fail(SimpleflowActivity):
    codecs = (FERNET,)

    def run(self, size: int) -> None:
        self.heartbeat(SECRET)
        raise ValueError(SECRET * size)


class Decider:
    """Carries values as simpleflow's deciders do, jumbo fields included."""

    def __init__(self, store: ObjectStore | None = None) -> None:
        self.store = store
        self.sent: list[str] = []

    def result(self, kind: type[Activity], *args: Any, **kwargs: Any) -> Any:
        """Return the result of an activity, as the decider reads it."""
        text = json.dumps({"args": args, "kwargs": kwargs}, sort_keys=True)
        if len(text) > 32_768:
            assert self.store is not None
            self.store.put("bucket/dir/input", text.encode())
            text = f"simpleflow+s3://bucket/dir/input {len(text)}"
        env = ActivityEnvironment(
            serialize_arguments=lambda *_: text, deserialize_result=lambda text: None
        )
        with contextlib.suppress(ActivityFailedError, ValueError):
            env.run(kind)
        assert env.answer is not None
        answer = env.answer
        self.sent += [text, answer.result or "", answer.reason or "", answer.details or ""]
        return answer if answer.result is None else decode_result(answer.result)


@pytest.fixture
def store() -> Any:
    """An S3 of the test's own."""
    with object_store() as store:
        yield store


def test_simpleflow(store: ObjectStore) -> None:
    """A value is carried from one to the other, and travels in a jumbo field encrypted."""
    given = {"jumbo_bucket": "bucket/dir", "jumbo_client": store.client}
    kinds: Any = [type(kind.__name__, (kind,), given) for kind in (Make, Count, CountAsync, Fail)]
    make, count, count_async, fail = kinds
    decider = Decider(store)
    made = decider.result(make, 500)
    assert read(made, [FERNET]) == {"cards": [SECRET] * 500}
    assert list(store.objects) == []
    for kind in (count, count_async):  # several values of it are too long for SWF
        assert read(decider.result(kind, made, made, made), [FERNET]) == 1_500
    assert list(store.objects) == ["/bucket/dir/input"]
    failed = decider.result(fail, 3_000)
    assert failed.reason == f"ValueError: {SECRET * 3_000}"[:252] + " ..."
    shown = read(failed.details, [FERNET])
    assert list(shown) == ["error", "error_type", "message", "traceback"]
    assert len(decider.sent[-1]) <= 32_768
    assert SECRET not in f"{store.objects}{decider.sent[0]}{decider.sent[3:-2]}{failed.details}"


def test_simpleflow_with_a_store(tmp_path: Path) -> None:
    """What is too long goes there: the format itself must not refuse it."""
    store, decider = FolderStore(tmp_path), Decider()
    for codecs in ((), (FERNET,)):
        given = {"claims": store, "codecs": codecs}
        make, count = (type(kind.__name__, (kind,), given) for kind in (Make, Count))
        made = decider.result(make, 3_000)
        assert made["$flowy"] == "claim/1"
        assert read(decider.result(count, made), codecs) == 3_000


def test_simpleflow_without_a_place_for_it() -> None:
    """Too long, and no store: the reason says what is missing."""
    failed = Decider().result(Make, 3_000)
    assert failed.reason.startswith("Result too long: the result has 66,")
    assert "Give a store" in failed.reason


def test_hidden_reasons_in_simpleflow(store: ObjectStore) -> None:
    """Nothing goes into a jumbo field in clear text, not even a reason."""
    given = {"jumbo_bucket": "bucket/dir", "jumbo_client": store.client, "hide_reasons": True}
    failed = Decider(store).result(type("Fail", (Fail,), given), 100)
    assert failed.reason == "Reason hidden: ValueError."
    assert SECRET in read(failed.details, [FERNET])
    assert store.objects == {}


def test_plain_formats() -> None:
    """One object, or text: what stands for a value is itself one in each of them."""

    class Text(TextActivity):
        codecs = BOTH

        def run(self, text: str = "") -> str:
            return f"{text}!"

    class Object(ObjectActivity):
        codecs = BOTH

        def run(self, card: str, count: int = 1) -> str:
            return card * count

    sent = []

    def result(kind: type[Activity], input: str) -> str:
        env = ActivityEnvironment(
            serialize_arguments=lambda *_: input, deserialize_result=lambda text: None
        )
        env.run(kind)
        assert env.answer is not None
        sent.append(env.answer.result or "")
        return sent[-1]

    first = result(Text, SECRET)
    second = result(Text, first)
    assert read(second, BOTH) == f"{SECRET}!!"
    card = Envelope(BOTH).sealed(json.dumps(SECRET))
    assert read(result(Object, f'{{"card": {card}, "count": 2}}'), BOTH) == SECRET * 2
    assert SECRET not in f"{sent}"


def test_task_that_is_handed_over(local_swf: LocalSWF, domain: str, client: SWFClient) -> None:
    """Its input is opened, and what other code answers goes through the codecs of the class."""
    handed: list[tuple[str, str]] = []

    @activity("hand", 1, "list", heartbeat=60)
    class Hand(Activity):
        codecs = BOTH

        def run(self, card: str) -> None:
            self.heartbeat(card)
            handed.append((self.token, card))
            scheduler = async_scheduler(current().domain, local_swf.client())
            scheduler.complete(self.token, {"paid": card}, activity=Hand)
            raise HandOverTask

    @activity("hand on", 1, "list")
    class HandOn(AsyncActivity):
        codecs = BOTH

        async def run(self, paid: Any) -> None:
            handed.append((self.token, paid["paid"]))
            scheduler = async_scheduler(current().domain, local_swf.client())
            scheduler.fail(self.token, "declined", paid["paid"], activity=HandOn)
            raise HandOverTask

    decider = PlainDecider(client, domain)
    with LocalWorker(local_swf, domain, [Hand, HandOn]) as worker:
        card = json.loads(Envelope(BOTH).sealed(json.dumps(SECRET)))
        paid = decider.run("hand", args=[card])
        failed = decider.run("hand on", args=[paid])
    assert [card for _token, card in handed] == [SECRET] * 2
    assert read(paid, BOTH) == {"paid": SECRET}
    assert (failed["reason"], read(failed["details"], BOTH)) == ("declined", SECRET)
    assert worker.report.handed_over == 2
    assert SECRET not in decider.history


# Whoever calls or answers by the class


@activity("object", 1, "list")
class Object(ObjectActivity, TextActivity):
    codecs = BOTH
    require_encryption = True

    def run(self, card: str, /, *_: str) -> str:
        """Never called."""
        return card


@activity("resize", 1, "list")
class Resize(ObjectActivity, TextActivity):
    def run(self, path: str, width: int = 800, **more: int) -> str:
        return f"{path} at {width} {more}"


@activity("count", 1, "list")
class CountValues(ValueActivity):
    codecs = BOTH
    require_encryption = True

    def run(self, values: Any = None) -> Any:
        return None if values is None else len(values)


@activity("shout", 1, "list")
class Shout(TextActivity):
    codecs = BOTH
    hide_reasons = True

    def run(self, text: str = "nothing") -> str:
        return text.upper()


@activity("typed", 1, "list", converter=MsgspecConverter())
class Typed(ObjectActivity):
    def run(self, total: Decimal, *, scans: list[bytes]) -> dict[str, Decimal]:
        return {"total": total * 2}


@activity("charge", 1, "list")
class Charge(SimpleflowActivity):
    def run(self, order: str, amount: int = 0) -> Any:
        return {"order": order, "amount": amount}


def test_calls_by_class(
    local_swf: LocalSWF, domain: str, tmp_path: Path, store: ObjectStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """They speak the format of the class; its codecs, its store and its converter come on top."""

    @activity("large", 1, "list", converter=MsgspecConverter())
    class Large(Typed):
        claims = FolderStore(tmp_path)

    monkeypatch.setattr(SimpleflowActivity, "jumbo_bucket", "bucket/dir")
    monkeypatch.setattr(SimpleflowActivity, "jumbo_client", store.client)
    kinds = [Resize, CountValues, Shout, Large, Charge]
    with LocalWorker(local_swf, domain, kinds) as worker:
        assert worker.call(Resize, "a.png", dpi=7) == "a.png at 800 {'dpi': 7}"
        assert worker.call(Resize, path="a.png", width=5) == "a.png at 5 {}"
        assert worker.call(CountValues, [1, SECRET]) == 2
        assert worker.call(CountValues, values=[1]) == 1
        assert worker.call(CountValues, None) is None
        assert worker.call(CountValues) is None
        assert worker.call(Shout, "hello") == "HELLO"
        assert worker.call(Shout, "") == ""
        assert worker.call(Shout) == "NOTHING"
        scans = [b"\xff" * 30_000]
        assert worker.call(Large, Decimal("1.10"), scans=scans) == {"total": Decimal("2.20")}
        assert worker.call(Charge, "o-1", amount=7) == {"order": "o-1", "amount": 7}
        assert store.objects == {}
        assert worker.call(Charge, "x" * 40_000)["order"] == "x" * 40_000
        assert len(store.objects) == 2
    for kind in (Resize, CountValues, Shout, Charge):  # as a unit test does
        given: Any = "hello" if kind is Shout else "a"
        assert ActivityEnvironment().run(kind, given)


@pytest.mark.parametrize(
    ("kind", "args", "kwargs", "said"),
    [
        (Object, ("card",), {}, "an argument of its 'card' has no name"),
        (Resize, (), {"width": 5}, r"run\(\) missing a required argument: 'path'"),
        (CountValues, (1, 2), {}, "with 2 arguments: its input is one"),
        (Shout, (7,), {}, "int is not text"),
    ],
)
def test_calls_that_have_no_form(kind: type[Activity], args: Any, kwargs: Any, said: str) -> None:
    """The caller is told before anything is scheduled."""
    with pytest.raises(TypeError, match=f"^Cannot call {kind.__name__}.*{said}"):
        call_activity("domain", kind, *args, kwargs=kwargs, layer1=object())


def test_answers_by_class() -> None:
    """A suspended task gets its result and its failure in the format of the class."""

    class Says(TextActivity):
        @staticmethod
        def _serialize_failure(
            error: BaseException | None, reason: str, details: str | None
        ) -> tuple[str, str | None]:
            assert error is None
            return "Says", json.dumps([reason, details])

    calls = Calls()
    scheduler = AsyncScheduler(calls.client())
    assert scheduler.complete("1", "as it is", activity=Shout)
    assert scheduler.complete("2", "as it is", activity=Says)
    assert scheduler.complete("3", {"b": 1, "a": uuid.UUID(int=7)}, activity=Charge)
    assert scheduler.fail("4", "why", "more", activity=Says)
    assert scheduler.fail("5", "why", "more", activity=Charge)
    sealed, *made = calls.made
    assert FERNET.key_id in sealed[1]
    assert made[:3] == [
        ("complete", "as it is"),
        ("complete", '{"a":"00000000-0000-0000-0000-000000000007","b":1}'),
        ("fail", "Says", '["why", "more"]'),
    ]
    assert json.loads(made[3][2])["message"] == "why"
    with pytest.raises(SerializationError, match="dict at result is not text"):
        scheduler.complete("6", {}, activity=Shout)


def test_command_line(
    local_swf: LocalSWF, domain: str, swf_environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """``flowy call --class`` writes and reads as the class does; values stay JSON."""
    monkeypatch.setattr("sys.path", [*sys.path])
    for name, value in swf_environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    here = f"--class={__name__}"

    def called(*arguments: str) -> tuple[int, str]:
        code = main(["call", "--domain", domain, *arguments])
        shown = capsys.readouterr()
        return code, (shown.out or shown.err).strip()

    with LocalWorker(local_swf, domain, [Resize, CountValues, Typed]):
        assert called("count", "1", "[1, 2]", f"{here}:CountValues") == (0, "2")
        assert called("resize", "1", "a.png", f"{here}:Resize") == (0, '"a.png at 800 {}"')
        typed = ("1.10", '--kwargs={"scans": []}', f"{here}:Typed")
        assert called("typed", "1", f'"{typed[0]}"', *typed[1:]) == (0, '{"total": "2.20"}')
        code, said = called("count", "1", "[1, 2]")
        assert "it is not encrypted" in said
        code, said = called("resize", "1", f"{here}:Resize")
        assert (code, "missing a required argument" in said) == (2, True)
        code, said = called("resize", "1", f"{here}:FERNET")
        assert (code, "it is not a class of activities" in said) == (2, True)
