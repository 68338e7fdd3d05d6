"""A worker converts: values arrive as their types, and misfits tell nobody what they were."""

from __future__ import annotations

import enum
import json
import logging
import threading
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pydantic
import pytest

from flowy import Activity, AsyncActivity, activity, reasons
from flowy.convert import Converter
from flowy.convert.msgspec import MsgspecConverter
from flowy.exception import ActivityFailedError, ConversionError
from flowy.invocation import TaskStatus
from flowy.invocation.arguments import MAX_CONVERTED_ON_LOOP_CHARS
from flowy.middleware import Middleware, Run
from flowy.testing import ActivityEnvironment, LocalWorker, Unanswered
from tests.unit.convert.orders import BOTH, CONVERTERS, Line, Node

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from flowy.local import LocalSWF

SECRET = "4111-nobody-is-to-read-this"


class Card(msgspec.Struct, tag="card"):
    number: str

    def __post_init__(self) -> None:
        if self.number != "good":
            raise ValueError(f"no good number: {self.number}")


class Cash(msgspec.Struct, tag="cash"):
    coins: list[int]


class CardModel(pydantic.BaseModel):
    number: str

    @pydantic.field_validator("number")
    @classmethod
    def _check(cls, number: str) -> str:
        if number == "good":
            return number
        if number.endswith("!"):
            raise KeyError(number)
        raise ValueError(f"no good number: {number}")


class Kind(enum.Enum):
    ONE = "one"


def _charges(converter: Converter, base: type[Activity]) -> type[Activity]:
    if isinstance(converter, MsgspecConverter):
        card: Any = Card
        way: Any = Card | Cash
    else:
        card = way = CardModel

    def convertible(self, card, way=None, *, kind=Kind.ONE, **more):  # type: ignore[no-untyped-def]
        return card

    async def later(self, card, way=None, *, kind=Kind.ONE, **more):  # type: ignore[no-untyped-def]
        return card

    run: Any = later if issubclass(base, AsyncActivity) else convertible
    run.__annotations__ = {"card": card, "way": way, "kind": Kind, "more": int, "return": card}
    return activity("charge", 1, "list", converter=converter)(type("Charge", (base,), {"run": run}))


MISFITS: list[tuple[list[Any], dict[str, Any]]] = [
    ([{"number": SECRET}], {}),
    ([{"number": SECRET + "!"}], {}),
    ([{"number": [SECRET]}], {}),
    ([{SECRET: SECRET}], {}),
    ([SECRET], {}),
    ([{"number": "good"}, {"type": SECRET, "number": {SECRET: 1}}], {}),
    ([{"number": "good"}], {"kind": SECRET}),
    ([{"number": "good"}], {SECRET: SECRET}),
]


@BOTH
@pytest.mark.parametrize("base", [Activity, AsyncActivity])
def test_no_value_in_history_or_logs(
    local_swf: LocalSWF,
    client: SWFClient,
    domain: str,
    caplog: pytest.LogCaptureFixture,
    converter: Converter,
    base: type[Activity],
) -> None:
    """A misfit is a failure with a path and a type; the value stays in the input alone."""
    caplog.set_level(logging.DEBUG)
    with LocalWorker(local_swf, domain, _charges(converter, base)) as worker:
        for args, kwargs in MISFITS:
            with pytest.raises(ActivityFailedError) as raised:
                worker.call("charge", 1, *args, kwargs=kwargs)
            assert raised.value.reason.startswith(reasons.INPUT_INVALID)
            assert SECRET not in f"{raised.value.reason} {raised.value.details}"
            assert raised.value.details
        assert worker.call("charge", 1, {"number": "good"})["number"] == "good"
    told = [record for record in caplog.records if record.name.startswith("flowy")]
    assert told
    assert not [record for record in told if SECRET in f"{record.getMessage()} {vars(record)}"]
    found = client.list_closed_workflow_executions(
        domain=domain, startTimeFilter={"oldestDate": "1970-01-01"}
    )
    assert len(found["executionInfos"]) == len(MISFITS) + 1
    for info in found["executionInfos"]:
        events = client.get_workflow_execution_history(domain=domain, execution=info["execution"])
        for event in events["events"]:
            # The input is there, because the caller has sent it.
            assert SECRET not in json.dumps(event, default=str) or _has_input(event)


def _has_input(event: Any) -> bool:
    return any("input" in value for value in event.values() if isinstance(value, dict))


@BOTH
def test_result_that_does_not_fit(converter: Converter) -> None:
    """A result that its callers could not read fails; the reason has no value either."""

    class Wrong(Activity):
        def run(self, it: Any) -> list[Line]:
            return it  # type: ignore[no-any-return]

    Wrong.converter = converter
    env = ActivityEnvironment()
    for wrong, said in (
        ([Line(SECRET, Decimal(1)), SECRET], "result[1]: expected object"),
        (None, "result: expected array"),
        ([{"sku": SECRET}], "result[0].price: is missing"),
        ([Line(SECRET, object())], "has no JSON form"),  # type: ignore[arg-type]
        ([Line([SECRET], Decimal(1))], "result[0].sku: expected str"),  # type: ignore[arg-type]
    ):
        Wrong.run = lambda self, it, wrong=wrong: wrong  # type: ignore[misc,method-assign]
        Wrong.run.__annotations__ = {"return": list[Line]}
        kind = type("Again", (Wrong,), {})
        with pytest.raises(ActivityFailedError) as raised:
            env.run(kind, None)
        assert raised.value.reason.startswith(reasons.RESULT_NOT_SERIALIZABLE)
        assert said in raised.value.reason
        assert SECRET not in f"{raised.value.reason} {raised.value.details}"


@BOTH
def test_nan_is_still_refused(converter: Converter) -> None:
    """A converter changes nothing of what JSON does not have."""

    class Mean(Activity):
        def run(self) -> float | None:
            return float("nan")

    Mean.converter = converter
    with pytest.raises(ActivityFailedError, match="NaN or infinite at result"):
        ActivityEnvironment().run(Mean)


class _Note(Middleware):
    seen: Any = None

    def run(self, run: Run, call_next: Any) -> Any:
        self.seen = (run.args, run.kwargs)
        return call_next(run)


@BOTH
def test_converted_between_decoding_and_run(converter: Converter) -> None:
    """Middleware sees values, by position and by name as they came; defaults stay as they are."""

    class Takes(Activity):
        def run(self, day: date, other: date | None = None, *, last: date = "none") -> None:  # type: ignore[assignment]
            assert f"{last} {other}" in ("none None", "none 2024-02-29")

    Takes.converter = converter
    note, day = _Note(), date(2024, 2, 29)
    env = ActivityEnvironment(middleware=[note])
    env.run(Takes, day)
    assert note.seen == ((day,), {})
    env.run(Takes, other=day, day=day)
    assert note.seen == ((), {"other": day, "day": day})


def test_any_wire_format() -> None:
    """What a transport of the author's own decodes is converted, also what JSON does not have."""

    class Parsed(Activity):
        converter = CONVERTERS["msgspec"]

        @staticmethod
        def _deserialize_arguments(input: str | None) -> tuple[Any, Any]:
            return (), json.loads(input or "{}", parse_float=Decimal)

        @staticmethod
        def _serialize_result(result: Any) -> str:
            return f"<{result}>"

        def run(self, price: Decimal, day: date) -> Decimal:
            return price * 2

    env = ActivityEnvironment(
        serialize_arguments=lambda args, kwargs: '{"price": 1.25, "day": "2024-02-29"}',
        deserialize_result=lambda text: text.strip("<>"),
    )
    assert env.run(Parsed, price=Decimal(0), day=date(2024, 1, 1)) == Decimal("2.50")


@pytest.mark.parametrize("size", [1, MAX_CONVERTED_ON_LOOP_CHARS])
def test_long_input_is_converted_off_the_loop(local_swf: LocalSWF, domain: str, size: int) -> None:
    """Coroutines go on while a long input is converted; what is short does not go to a thread."""
    threads: list[int] = []

    class Noted(msgspec.Struct):
        text: str

        def __post_init__(self) -> None:
            threads.append(threading.get_ident())

    class Takes(AsyncActivity):
        converter = CONVERTERS["msgspec"]

        async def run(self, it):  # type: ignore[no-untyped-def]
            threads.append(threading.get_ident())

    Takes.run.__annotations__["it"] = Noted
    served = activity("takes", 1, "list")(Takes)
    with LocalWorker(local_swf, domain, served) as worker:
        worker.call("takes", 1, {"text": "x" * size})
    converted, loop = threads
    assert (converted == loop) is (size == 1)


@pytest.mark.parametrize("size", [1, MAX_CONVERTED_ON_LOOP_CHARS])
def test_coroutine_canceled_while_it_is_converted(size: int) -> None:
    """It ends as any other that is canceled, in whichever thread that is."""

    class Takes(AsyncActivity):
        converter = CONVERTERS["msgspec"]

        async def run(self, text: str) -> None:
            await self.heartbeat()

    env = ActivityEnvironment(close_at=1)
    env.close()
    assert env.run(Takes, "x" * size) == Unanswered(TaskStatus.CLOSED.value)


def test_converter_of_ones_own() -> None:
    """Whatever it raises is a misfit, told by its class and its place."""

    class Picky(Converter):
        def conversion(self, hint: Any) -> Any:
            return self

        def from_wire(self, value: Any, path: str) -> Any:
            raise LookupError(value)

        def to_wire(self, value: Any, path: str) -> Any:
            return value

        def schemas(self, hints: Any, *, of_results: bool) -> Any:
            return [{} for _ in hints], {}

    class Takes(Activity):
        converter = Picky()

        def run(self, it: int) -> None:
            """Do nothing."""

    with pytest.raises(ActivityFailedError) as raised:
        ActivityEnvironment().run(Takes, SECRET)
    assert raised.value.reason.startswith("Input invalid: it: fails with LookupError at ")
    assert SECRET not in f"{raised.value.reason} {raised.value.details}"


@BOTH
def test_misfits_of_all_arguments(converter: Converter) -> None:
    """One error has them all; its text has the first one and their number."""

    class Takes(Activity):
        def run(self, a: int, *rest: int, **more: int) -> None:
            """Do nothing."""

    Takes.converter = converter
    with pytest.raises(ConversionError) as raised:
        ActivityEnvironment().run(Takes, "x", 1, [], b={})
    assert [each.partition(":")[0] for each in raised.value.problems] == [
        "a", "rest[1]", "more[...]",
    ]  # fmt: skip
    assert str(raised.value).endswith(" (and 2 more)")


@BOTH
def test_deep_and_endless_values(converter: Converter) -> None:
    """What is nested too deep for a library, or contains itself, is a misfit like any other."""

    class Takes(Activity):
        def run(self, node: Node) -> Node:
            node.inner.append(node)
            return node

    Takes.converter = converter
    with pytest.raises(ActivityFailedError, match="^.*Result not serializable: result: fails with"):
        ActivityEnvironment().run(Takes, Node("a"))
    deep: Any = {"name": []}
    for _ in range(100):
        deep = {"name": "a", "inner": [deep]}
    with pytest.raises(ConversionError) as raised:
        converter.types_of(Takes).from_wire([deep], {})
    assert str(raised.value).startswith("node.inner[0].inner[0]")
    assert ".inner[0].name: expected str" in str(raised.value)
    assert len(str(raised.value)) <= 200
    assert raised.value.problems[0].count("inner") == 100
