"""Which changes of an activity's types break its callers."""

from __future__ import annotations

import enum
import json
from collections.abc import Callable
from dataclasses import dataclass, field, make_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import msgspec
import pydantic
import pytest

from flowy import Activity
from flowy.convert import Converter
from flowy.convert.compatibility import breaking_changes
from flowy.convert.schema import schemas_of
from tests.unit.convert.orders import BOTH, CONVERTERS, Line, Node, StrictModel, StrictStruct

NOTHING: list[str] = []


def described(run: Callable[..., Any], converter: Converter | None, version: str = "1") -> Any:
    """What ``flowy types schema`` prints of an activity."""
    kind = type("Kind", (Activity,), {"run": run})
    taken, returned = schemas_of(kind, converter)
    whole = {"name": "it", "version": version, "arguments": taken, "result": returned}
    return json.loads(json.dumps(whole))


def of_types(takes: Any, returns: Any, converter: Converter) -> Any:
    """What is printed of an activity that takes and returns such a value."""

    def run(self, it):  # type: ignore[no-untyped-def]
        """Do nothing."""

    run.__annotations__ = {"it": takes, "return": returns}
    return described(run, converter)


def a_class(name: str = "Order", **fields: Any) -> type:
    """A class of these fields; a tuple has a default, too."""
    made = [
        (key, kind[0], field(default=kind[1])) if isinstance(kind, tuple) else (key, kind)
        for key, kind in fields.items()
    ]
    return make_dataclass(name, made)


class Two(enum.Enum):
    A = "a"
    B = "b"


@dataclass
class OtherNode:
    """Like Node, but for a field far inside."""

    name: int
    inner: list[OtherNode]


#: A narrow type, a wide one, and what is said of a result that becomes wide.
WIDER: list[tuple[Any, Any, str]] = [
    (int, float, "result: was integer, is number"),
    (int, int | None, "result: was integer, is integer or null"),
    (Literal["a"], Literal["a", "b"], "result: was one of ['a'], is one of ['a', 'b']"),
    (Literal["a"], str, "result: was one of ['a'], is string"),
    (list[int], list[float], "result[]: was integer, is number"),
    (dict[str, int], dict[str, float], "result[...]: was integer, is number"),
    (a_class(a=int), a_class(a=float), "result.a: was integer, is number"),
    (datetime, str, "result: format was 'date-time', is None"),
    (time | None, str | None, "result: was time or null, is string or null"),
    (tuple[int, datetime], tuple[int, str], "result[1]: format was 'date-time', is None"),
    (a_class(a=datetime), a_class(a=str), "result.a: format was 'date-time', is None"),
    (dict[Two, int], dict[str, int], "keys of result: was one of ['a', 'b'], is anything"),
    (dict[int, int], dict[str, int], "keys of result: pattern was '^-?[0-9]+$', is None"),
    (dict[UUID, int], dict[str, int], "keys of result: format was 'uuid', is None"),
    (list[Decimal], list[str], "result[]: format was 'decimal', is None"),
    (a_class(a=int, b=str), a_class(a=int), "result.b: may be missing now"),
    (a_class(a=int, b=(str, "")), a_class(a=int), "result.b: may be missing now"),
    (list[a_class(a=int)] | None, list[a_class(a=str)] | None, "result: was"),  # type: ignore[misc]
    (int, Any, "result: was integer, is anything"),
]


@BOTH
@pytest.mark.parametrize(("narrow", "wide", "said"), WIDER)
def test_results_may_only_become_narrower(
    converter: Converter, narrow: Any, wide: Any, said: str
) -> None:
    """A caller that reads the old result reads a narrower one, too."""
    old, new = of_types(None, narrow, converter), of_types(None, wide, converter)
    (problem,) = breaking_changes([old], [new])
    assert problem.startswith(f"it 1: {said}")
    assert breaking_changes([old], [old]) == breaking_changes([new], [new]) == NOTHING
    if said.endswith(("was", "missing now")):
        return  # these differ both ways, or are read by ignoring what is not known
    assert breaking_changes([new], [old]) == NOTHING


@BOTH
@pytest.mark.parametrize(
    ("narrow", "wide", "said"), [*WIDER[:14], (a_class(a=int), a_class(a=(int, 1)), "")]
)
def test_arguments_may_only_become_wider(
    converter: Converter, narrow: Any, wide: Any, said: str
) -> None:
    """A caller that sends the old argument may send it to what takes more."""
    old, new = of_types(narrow, None, converter), of_types(wide, None, converter)
    assert breaking_changes([old], [new]) == NOTHING
    assert breaking_changes([new], [old]) != NOTHING


@BOTH
@pytest.mark.parametrize(
    ("was", "now"),
    [
        (datetime, date), (str, bytes), (bytes, str), (str, int), (Two, Literal["a"]),
        (Node, OtherNode), (tuple[int, str], tuple[int, int]), (list[int], tuple[int, int]),
        (Line, str), (int | None, int), (tuple[int, str], list[int]), (str, datetime),
        (list[str | None], list[time | None]), (dict[Two, int], dict[Literal["a"], int]),
    ],
)  # fmt: skip
def test_changes_that_break(converter: Converter, was: Any, now: Any) -> None:
    """A type that the old value does not fit."""
    changes = breaking_changes([of_types(was, None, converter)], [of_types(now, None, converter)])
    assert (
        [each for each in changes if each.startswith(("it 1: it", "it 1: keys of it"))]
        == changes
        != NOTHING
    )


@BOTH
def test_fields_with_a_default_are_always_written(converter: Converter) -> None:
    """A result has them, so a default changes nothing for those who read it."""
    old = of_types(None, a_class(a=int), converter)
    new = of_types(None, a_class(a=(int, 1)), converter)
    assert breaking_changes([old], [new]) == breaking_changes([new], [old]) == NOTHING


class Tagged(msgspec.Struct, tag=True):
    at: datetime


class OtherTagged(msgspec.Struct, tag=True):
    at: str


class Sparse(msgspec.Struct, omit_defaults=True):
    """Leaves out what has its default."""

    a: int = 1


class Unset(msgspec.Struct):
    """Leaves out what has no value."""

    a: int | msgspec.UnsetType = msgspec.UNSET
    b: datetime | list[time] | None = None


class Excluded(pydantic.BaseModel):
    """Leaves out what its author says."""

    a: int = pydantic.Field(1, exclude_if=lambda value: value == 1)


@pytest.mark.parametrize(
    ("converter", "kind", "always"),
    [
        (CONVERTERS["msgspec"], Sparse, []),
        (CONVERTERS["msgspec"], Tagged, ["type", "at"]),
        (CONVERTERS["msgspec"], Unset, ["b"]),
        (CONVERTERS["pydantic"], Excluded, []),
    ],
)
def test_fields_that_may_be_left_out(converter: Converter, kind: Any, always: list[str]) -> None:
    """They are not required of a result."""
    (_,), definitions = converter.schemas([kind], of_results=True)
    assert definitions[kind.__name__].get("required", []) == always


def test_formats_within_unions() -> None:
    """Each member of a union has its own, wherever msgspec puts it."""
    hint = None | Tagged | list[time] | OtherTagged
    (schema,), definitions = CONVERTERS["msgspec"].schemas([hint], of_results=False)
    text = json.dumps(schema)
    assert '"items": {"type": "string", "format": "time"}' in text
    assert definitions["Tagged"]["properties"]["at"]["format"] == "date-time"
    assert "format" not in str(definitions["OtherTagged"])


class Row(msgspec.Struct, array_like=True):
    """Travels as an array."""

    a: int
    at: datetime | None = None


class Point(NamedTuple):
    """So does this."""

    x: int
    at: time


def test_formats_within_arrays() -> None:
    """Of fields, too; a schema of the author's own is left alone."""
    own = Annotated[Any, msgspec.Meta(extra_json_schema={"properties": {"a": {}}})]
    schemas, definitions = CONVERTERS["msgspec"].schemas([Row, Point, own], of_results=True)
    assert definitions["Row"]["prefixItems"][1]["anyOf"][0]["format"] == "date-time"
    assert definitions["Point"]["prefixItems"][1]["format"] == "time"
    assert schemas[2] == {"properties": {"a": {}}}


@BOTH
@pytest.mark.parametrize(
    "same", [Node, dict[str, list[Node]], Line | None, tuple[int, Line], Decimal, Two, set[date]]
)
def test_no_change(converter: Converter, same: Any) -> None:
    """What is the same breaks nothing, recursive types included."""
    one = of_types(same, same, converter)
    assert breaking_changes([one], [one]) == NOTHING


def _runs() -> dict[str, Callable[..., Any]]:
    return {
        "one": lambda self, a: None,
        "renamed": lambda self, b: None,
        "more": lambda self, a, b=1: None,
        "required": lambda self, a, b: None,
        "by name": lambda self, *, a: None,
        "rest": lambda self, a, *rest, **more: None,
        "swapped": lambda self, b, a: None,
        "none": lambda self: None,
        "not by name": lambda self, a, /: None,
    }


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("one", "one", []),
        ("one", "more", []),
        ("one", "rest", []),
        ("more", "required", ["b: is required now"]),
        ("one", "renamed", ["b: is required now", "a: is not taken any more"]),
        ("one", "by name", ["by position"]),
        ("required", "swapped", ["by position"]),
        ("one", "none", ["by position", "a: is not taken any more"]),
        ("one", "not by name", ["a: cannot be given by name any more"]),
        ("not by name", "one", []),
        ("not by name", "not by name", []),
        ("rest", "one", ["other arguments by position", "other arguments by name"]),
    ],
)
def test_parameters(was: str, now: str, said: list[str]) -> None:
    """Parameters count without a converter, too."""
    runs = _runs()
    changes = breaking_changes([described(runs[was], None)], [described(runs[now], None)])
    assert all(any(each in change for change in changes) for each in said)
    assert bool(changes) is bool(said)


@BOTH
def test_parameters_that_others_have_become(converter: Converter) -> None:
    """What came by ``*rest`` or ``**more`` must fit a parameter of its own, too."""

    def was(self: Any, *rest: int, **more: int) -> None: ...

    def wider(self: Any, a: float = 1, *rest: int, b: float = 1, **more: int) -> None: ...

    def other(self: Any, a: str = "", *rest: int, b: str = "", **more: int) -> None: ...

    old = described(was, converter)
    assert breaking_changes([old], [described(wider, converter)]) == NOTHING
    assert breaking_changes([old], [described(other, converter)]) == [
        "it 1: a: was integer, is string",
        "it 1: b: was integer, is string",
    ]


def test_types_that_are_gone() -> None:
    """A version that is not served any more breaks its callers; a new one does not."""
    run = _runs()["one"]
    one, two = described(run, None, "1"), described(run, None, "2")
    assert breaking_changes([one], [one, two]) == NOTHING
    assert breaking_changes([one, two], [one]) == ["it 2: is gone"]


@pytest.mark.parametrize(
    ("small", "large"),
    [
        (Annotated[int, msgspec.Meta(ge=5)], Annotated[int, msgspec.Meta(ge=4)]),
        (Annotated[str, msgspec.Meta(max_length=5)], Annotated[str, msgspec.Meta(max_length=6)]),
        (Annotated[int, msgspec.Meta(gt=5)], Annotated[int, msgspec.Meta(ge=5)]),
        (Annotated[int, msgspec.Meta(ge=6)], Annotated[int, msgspec.Meta(gt=5)]),
        (Annotated[int, msgspec.Meta(lt=5)], Annotated[int, msgspec.Meta(le=5)]),
        (Annotated[int, msgspec.Meta(le=4)], Annotated[int, msgspec.Meta(lt=5)]),
        (Annotated[str, msgspec.Meta(pattern="^a")], str),
        (StrictStruct, msgspec.defstruct("Loose", [("one", int)])),
    ],
)
def test_limits(small: Any, large: Any) -> None:
    """An argument may be limited less, and not more."""
    one, two = (of_types(each, None, CONVERTERS["msgspec"]) for each in (small, large))
    assert breaking_changes([one], [two]) == NOTHING
    assert len(breaking_changes([two], [one])) == 1


def test_models() -> None:
    """A model that forbids unknown fields takes less than one that ignores them."""
    loose = pydantic.create_model("Loose", one=(int, ...))
    one, two = (of_types(each, None, CONVERTERS["pydantic"]) for each in (StrictModel, loose))
    assert breaking_changes([one], [two]) == NOTHING
    assert len(breaking_changes([two], [one])) == 1


@BOTH
def test_tuples_and_lists(converter: Converter) -> None:
    """A list takes what a tuple has if it takes each item, whichever library says so."""
    pair, ints, floats = (
        of_types(each, None, converter) for each in (tuple[int, int], list[int], list[float])
    )
    assert breaking_changes([pair], [ints]) == breaking_changes([pair], [floats]) == NOTHING
    assert breaking_changes([ints], [pair]) != NOTHING
    for other in CONVERTERS.values():
        now = of_types(tuple[int, int], list[time], other)
        assert breaking_changes([of_types(tuple[int, int], list[time], converter)], [now]) == []
