"""Formats, codecs and stores of a class, as callers and schedulers use them."""

from __future__ import annotations

import json
import sys
import uuid
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from flowy import Activity, activity, call_activity
from flowy.claims import FolderStore
from flowy.cli.command import main
from flowy.convert.msgspec import MsgspecConverter
from flowy.exception import SerializationError
from flowy.swf.suspended.async_scheduler import AsyncScheduler
from flowy.testing import ActivityEnvironment, LocalWorker
from flowy.transport.plain import ObjectActivity, TextActivity, ValueActivity
from flowy.transport.simpleflow import SimpleflowActivity
from tests.unit.envelope.shop_activities import BOTH, FERNET, SECRET
from tests.unit.swf.calls import Calls
from tests.unit.transport.simpleflow.object_store import ObjectStore, object_store

if TYPE_CHECKING:
    from flowy.local import LocalSWF


@pytest.fixture
def store() -> Any:
    """An S3 of the test's own."""
    with object_store() as store:
        yield store


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
