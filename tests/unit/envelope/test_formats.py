"""Codecs and stores together with other people's formats, and with tasks that others answer."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flowy import Activity, AsyncActivity, activity, async_scheduler
from flowy.claims import FolderStore
from flowy.context import current
from flowy.envelope import Envelope
from flowy.exception import ActivityFailedError, HandOverTask
from flowy.testing import ActivityEnvironment, LocalWorker
from flowy.transport import read
from flowy.transport.plain import ObjectActivity, TextActivity
from flowy.transport.simpleflow import SimpleflowActivity, decode_result
from tests.unit.envelope.plain_decider import PlainDecider
from tests.unit.envelope.shop_activities import BOTH, FERNET, SECRET
from tests.unit.transport.simpleflow.object_store import ObjectStore, object_store

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from flowy.local import LocalSWF


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
