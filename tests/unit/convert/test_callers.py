"""Callers, tests and finishers use the converter of the class that they name."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flowy import Activity, AsyncActivity, activity, async_scheduler, call_activity
from flowy.exception import ConversionError, ScanError, SerializationError
from flowy.invocation import TaskOutcome
from flowy.testing import ActivityEnvironment, LocalWorker
from flowy.tokens import Finisher
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.suspended import Desk
from tests.unit.convert.orders import BOTH, CONVERTERS, Line

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from flowy.convert import Converter
    from flowy.local import LocalSWF

MSGSPEC = CONVERTERS["msgspec"]
LINE = Line("a", Decimal("1.50"), b"\xff")
WIRE = {"sku": "a", "price": "1.50", "scan": "/w=="}


@activity("charge", 1, "list", converter=MSGSPEC)
class Charge(Activity):
    def run(self, line: Line, *more: Line, on: date, timeout: int = 1, **rest: int) -> list[Line]:
        assert isinstance(on, date)
        return [line] * timeout + [*more]


@activity("later", 1, "list", converter=CONVERTERS["pydantic"])
class Later(AsyncActivity):
    async def run(self, line: Line) -> dict[str, Line]:
        return {"it": line}


@activity("plain", 1, "list")
class Plain(Activity):
    def run(self, value: Any, *, grace: Any = None, **more: Any) -> Any:
        return [value, grace, more]


@activity("liar", 1, "list")
class Liar(Activity):
    """What a worker answers that has other code than its caller."""

    def run(self) -> Any:
        return {"sku": 5}


@pytest.fixture
def worker(local_swf: LocalSWF, domain: str) -> Iterator[LocalWorker]:
    with LocalWorker(local_swf, domain, [Charge, Later, Plain, Liar]) as worker:
        yield worker


def test_call_by_class(worker: LocalWorker, client: SWFClient) -> None:
    """Arguments and value have the types of ``run``; on the wire they are plain JSON."""
    day = date(2024, 2, 29)
    options: Any = {"layer1": client, "grace": 0}
    called = call_activity(worker.domain, Charge, LINE, kwargs={"on": day, "timeout": 2}, **options)
    assert called == [LINE, LINE]
    assert call_activity(worker.domain, Later, LINE, kwargs={}, layer1=client) == {"it": LINE}
    by_name = call_activity(
        worker.domain, "charge", 1, WIRE, WIRE, on="2024-02-29", timeout=30, layer1=client
    )
    assert by_name == [WIRE, WIRE]


def test_keywords(worker: LocalWorker) -> None:
    """A keyword is an option unless ``run`` has such a parameter; kwargs takes all of run's."""
    assert worker.call(Charge, LINE, on=date(2024, 2, 29), timeout=2) == [LINE, LINE]
    assert worker.call(Plain, 1, grace=5, colour="red") == [1, 5, {"colour": "red"}]
    assert worker.call(Plain, 1, timeout=20, grace=5) == [1, 5, {}]
    assert worker.call(Plain, 1, kwargs={"timeout": 20}, grace=5) == [1, None, {"timeout": 20}]
    assert worker.call("plain", 1, 1, grace=5, colour="red") == [1, None, {"colour": "red"}]
    with pytest.raises(TypeError, match="with kwargs, all others must be options: grace, layer1"):
        worker.call(Plain, 1, kwargs={"a": 1}, timout=20)


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "said"),
    [
        ((5,), {"on": date(2024, 2, 29)}, ConversionError, "line: expected object"),
        ((LINE,), {"on": "SECRET"}, ConversionError, "on: expected date"),
        (
            (LINE, LINE, None),
            {"on": date(2024, 2, 29)},
            ConversionError,
            r"more\[1\]: expected obj",
        ),
        ((LINE,), {"on": object()}, ConversionError, "on: object has no JSON form"),
        ((LINE,), {}, TypeError, "missing a required .*argument: 'on'"),
        ((), {"on": date(2024, 2, 29)}, TypeError, "missing a required argument: 'line'"),
    ],
)
def test_misfit_of_a_caller(args: Any, kwargs: Any, error: type[Exception], said: str) -> None:
    """What does not fit is an error before anything is scheduled, and has no value in it."""

    class Unreachable:
        """A client that makes no call."""

    for call in (
        lambda: call_activity("domain", Charge, *args, kwargs=kwargs or {}, layer1=Unreachable()),
        lambda: ActivityEnvironment().run(Charge, *args, **kwargs),
    ):
        with pytest.raises(error, match=said) as raised:
            call()
        assert "SECRET" not in str(raised.value)


def test_result_that_the_caller_cannot_read(worker: LocalWorker) -> None:
    """A caller whose class says something else learns in which field the result differs."""

    @activity("liar", 1, "list", converter=MSGSPEC)
    class Expected(Activity):
        def run(self) -> Line:
            raise NotImplementedError

    with pytest.raises(ConversionError, match=r"^result.sku: expected str, got int$"):
        worker.call(Expected)


@BOTH
def test_environment(converter: Converter) -> None:
    """A test gets what ``call_activity`` would return; the answer is what SWF would get."""
    kind = type("Kind", (Charge,), {"converter": converter})
    env = ActivityEnvironment()
    assert env.run(kind, LINE, on=date(2024, 2, 29)) == [LINE]
    assert env.answer is not None
    assert json.loads(env.answer.result or "") == [WIRE]


def _suspended(desk: Desk, store: SQLiteTokenStore) -> tuple[Any, Any]:
    class Waits(Activity):
        def run(self) -> None:
            self.suspend(store)

    execution = desk.start(uuid.uuid4().hex)
    desk.run(Waits, execution)
    (task,) = store.pending()
    return execution, task


def test_scheduler_and_finisher(client: SWFClient, domain: str, tmp_path: Path) -> None:
    """Whoever completes a suspended task names its class, and gives a value of its type."""
    store, desk = SQLiteTokenStore(tmp_path / "tokens.db"), Desk(client, domain)
    scheduler = async_scheduler(domain, client)
    finisher = Finisher(store, scheduler)
    for complete in (
        lambda task, value, **kind: scheduler.complete(task.token, value, **kind),
        finisher.complete,
    ):
        execution, task = _suspended(desk, store)
        with pytest.raises(ConversionError, match=r"result\[0\]: expected object"):
            complete(task, ["SECRET"], activity=Charge)
        with pytest.raises(SerializationError):
            complete(task, [LINE])
        assert complete(task, [LINE], activity=Charge)
        assert json.loads(execution.said("ActivityTaskCompleted")["result"]) == [WIRE]
        store.close(task.id, TaskOutcome.COMPLETED)  # which a scheduler alone does not do


def test_class_without_a_mark(client: SWFClient) -> None:
    """It has the converter of its attribute, but cannot be called."""

    class Unmarked(Activity):
        converter = MSGSPEC

        def run(self) -> date:
            raise NotImplementedError

    scheduler = async_scheduler("domain", client)
    with pytest.raises(ConversionError, match="result: expected date"):
        scheduler.complete("token", "today", activity=Unmarked)
    with pytest.raises(ScanError, match="Cannot call .*Unmarked: it has no @activity"):
        call_activity("domain", Unmarked)
