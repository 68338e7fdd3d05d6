"""Which changes of an activity's types break its callers."""

from __future__ import annotations

import enum
import json
from collections.abc import Callable
from dataclasses import dataclass, field, make_dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
import pydantic
import pytest

from flowy import Activity
from flowy.convert import Converter
from flowy.convert.compatibility import breaking_changes
from flowy.convert.schema import schemas_of
from tests.unit.convert.orders import BOTH, Line, Node, StrictModel, StrictStruct

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
    (a_class(a=int), a_class(a=(int, 1)), "result.a: may be missing now"),
    (a_class(a=int, b=str), a_class(a=int), "result.b: may be missing now"),
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
@pytest.mark.parametrize(("narrow", "wide", "said"), WIDER[:8])
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
        (Line, str), (int | None, int),
    ],
)  # fmt: skip
def test_changes_that_break(converter: Converter, was: Any, now: Any) -> None:
    """A type that the old value does not fit."""
    changes = breaking_changes([of_types(was, None, converter)], [of_types(now, None, converter)])
    assert [each for each in changes if each.startswith("it 1: it")] == changes != NOTHING


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
        ("rest", "one", ["other arguments by position", "other arguments by name"]),
    ],
)
def test_parameters(was: str, now: str, said: list[str]) -> None:
    """Parameters count without a converter, too."""
    runs = _runs()
    changes = breaking_changes([described(runs[was], None)], [described(runs[now], None)])
    assert all(any(each in change for change in changes) for each in said)
    assert bool(changes) is bool(said)


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
        (Annotated[str, msgspec.Meta(pattern="^a")], str),
        (StrictStruct, msgspec.defstruct("Loose", [("one", int)])),
    ],
)
def test_limits(small: Any, large: Any) -> None:
    """An argument may be limited less, and not more."""
    from tests.unit.convert.orders import CONVERTERS

    one, two = (of_types(each, None, CONVERTERS["msgspec"]) for each in (small, large))
    assert breaking_changes([one], [two]) == NOTHING
    assert len(breaking_changes([two], [one])) == 1


def test_models() -> None:
    """A model that forbids unknown fields takes less than one that ignores them."""
    from tests.unit.convert.orders import CONVERTERS

    loose = pydantic.create_model("Loose", one=(int, ...))
    one, two = (of_types(each, None, CONVERTERS["pydantic"]) for each in (StrictModel, loose))
    assert breaking_changes([one], [two]) == NOTHING
    assert len(breaking_changes([two], [one])) == 1
