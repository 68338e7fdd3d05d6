"""The annotations of ``run`` are resolved when a worker scans, however they are written."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import msgspec
import pytest

from flowy import Activity, AsyncActivity, activity
from flowy.convert import Converter
from flowy.convert.hints import typed_signature
from flowy.exception import ScanError
from flowy.swf.scanner import declared_by
from flowy.testing import ActivityEnvironment
from tests.unit.activity_calls import called
from tests.unit.convert.orders import BOTH, Line

if TYPE_CHECKING:
    from decimal import Decimal as ForCheckersAlone


def annotations_of(kind: type) -> list[Any]:
    """The resolved annotations of the parameters of ``run``."""
    return [each.annotation for each in typed_signature(kind).parameters.values()]


class Plain(Activity):
    def run(self, line: Line, *rest: list[Line], day: date | None = None, **more: date) -> Line:
        return line


class Quoted(Activity):
    class Inner:
        """A class in the body, which text may name."""

    def list(self) -> None:
        """Shadows a builtin in the body."""

    def run(self, one: Line, two: Inner, three: list[int]) -> list[Line]:  # type: ignore[valid-type]
        raise NotImplementedError


def test_text() -> None:
    """Names of the module come before those of the body, where a method may shadow a builtin."""
    assert annotations_of(Plain) == [Line, list[Line], date | None, date]
    assert typed_signature(Plain).return_annotation is Line
    assert annotations_of(Quoted) == [Line, Quoted.Inner, list[int]]


def test_inherited() -> None:
    """A run that another module has written keeps the names of that module."""
    inherits = type("Inherits", (Plain,), {"__module__": "elsewhere"})
    assert annotations_of(inherits) == annotations_of(Plain)


def test_static_and_class_methods() -> None:
    """A static run has no instance, a class method has its class."""

    class Static(Activity):
        @staticmethod
        def run(line: Line) -> None:
            """Do nothing."""

    class OfClass(Activity):
        @classmethod
        def run(cls, line: Line) -> None:
            """Do nothing."""

    assert annotations_of(Static) == annotations_of(OfClass) == [Line]


def _passing_on(run: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(run)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return run(*args, **kwargs)

    return wrapper


def test_wrapped() -> None:
    """A wrapper that passes all on has the types of what it wraps; any other one its own."""

    def changing(run: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(run)
        def wrapper(self: Any, text: str) -> Any:
            return run(self, Line(text, None))  # type: ignore[arg-type]

        wrapper.__annotations__ = {"text": str}
        return wrapper

    class Wrapped(Activity):
        @_passing_on
        def run(self, line: Line) -> None:
            """Do nothing."""

    class Changed(Activity):
        @changing
        def run(self, line: Line) -> None:
            """Do nothing."""

    assert annotations_of(Wrapped) == [Line]
    assert annotations_of(Changed) == [str]


@BOTH
def test_wrapped_run_is_called_as_before(converter: Converter) -> None:
    """Converted arguments go through the wrapper."""

    class Wrapped(Activity):
        @_passing_on
        def run(self, line: Line, *, day: date) -> list[str]:
            return [line.sku, day.isoformat()]

    Wrapped.converter = converter
    env = ActivityEnvironment()
    assert env.run(Wrapped, Line("a", 1), day=date(2024, 2, 29)) == ["a", "2024-02-29"]  # type: ignore[arg-type]


@dataclass
class Dangling:
    """Its field cannot be resolved."""

    field: ForCheckersAlone


class NotOurs:
    """No converter knows it."""


def _typed(annotation: Any, converter: Converter, *, result: bool = False) -> type[Activity]:
    class Typed(Activity):
        def run(self, it):  # type: ignore[no-untyped-def]
            return it

    Typed.run.__annotations__["return" if result else "it"] = annotation
    Typed.converter = converter
    return Typed


@BOTH
@pytest.mark.parametrize("result", [False, True])
@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        ("ForCheckersAlone", "'ForCheckersAlone' is not defined"),
        ("list[Nowhere]", "'Nowhere' is not defined"),
        ("1 +", "annotation 1 + cannot be used"),
        (Dangling, "ForCheckersAlone"),
        (list[Dangling], "ForCheckersAlone"),
        (NotOurs, "NotOurs"),
        (dict[str, NotOurs], "NotOurs"),
        (dict[tuple[int, int], int], "its keys, which are texts in JSON"),
        (list[dict[None, int]], "its keys, which are texts in JSON"),
    ],
)
def test_refused_at_the_scan(
    converter: Converter, annotation: Any, said: str, result: bool
) -> None:
    """An annotation that cannot be used is an error with the file and the line of ``run``."""
    kind = _typed(annotation, converter, result=result)
    line = inspect.getsourcelines(kind.run)[1]
    for use in (declared_by, lambda kinds: ActivityEnvironment().run(kinds[0], 1)):
        with pytest.raises(ScanError) as raised:
            use([activity("typed", 1, "list")(kind)])
        text = str(raised.value)
        assert said in text
        assert f"{__file__}:{line}" in text
        assert ("the result" if result else "parameter 'it'") in text


@BOTH
def test_all_at_once(converter: Converter) -> None:
    """One error names all classes that cannot be served."""
    kinds = [activity(f"typed{n}", 1, "list")(_typed(NotOurs, converter)) for n in range(2)]
    with pytest.raises(ScanError) as raised:
        declared_by(kinds)
    assert len(str(raised.value).splitlines()) == 2


@BOTH
def test_raw(converter: Converter) -> None:
    """No annotation, Any and object pass whatever comes; NoReturn promises no result."""

    class Raw(Activity):
        def run(self, one, two: Any, three: object, *rest, **more):  # type: ignore[no-untyped-def]
            return [one, two, three, *rest, *more.values()]

    class Suspends(Activity):
        def run(self) -> NoReturn:
            raise NotImplementedError

    Raw.converter = Suspends.converter = converter
    values = [{"a": [1]}, "b", None, 4.5, False]
    assert ActivityEnvironment().run(Raw, *values[:4], last=values[4]) == values
    assert converter.types_of(Suspends).result_to_wire({"any": "thing"}) == {"any": "thing"}


def test_extras_are_kept() -> None:
    """What Annotated says beside a type reaches the converter."""
    small = Annotated[int, msgspec.Meta(le=5)]

    class Small(Activity):
        def run(self, it: small) -> None:
            """Do nothing."""

    Small.run.__annotations__["it"] = small
    assert annotations_of(Small) == [small]


def test_no_converter_resolves_nothing() -> None:
    """Without a converter an annotation may be anything."""

    @activity("careless", 1, "list")
    class Careless(AsyncActivity):
        async def run(self, it: ForCheckersAlone) -> None:
            """Do nothing."""

    assert len(declared_by([Careless])) == 1


@pytest.mark.parametrize("wrong", [object(), "msgspec", Converter])
def test_what_is_no_converter(wrong: Any) -> None:
    """The decorator refuses it, also as the class's attribute."""
    with pytest.raises(ValueError, match="as converter: give an object"):
        activity("wrong", 1, "list", converter=wrong)(Plain)
    with pytest.raises(ValueError, match="as converter: give an object"):
        activity("wrong", 1, "list")(type("Wrong", (Plain,), {"converter": wrong}))


@BOTH
@pytest.mark.parametrize("base", [Activity, AsyncActivity])
def test_called_without_a_scan(converter: Converter, base: type[Activity]) -> None:
    """Whoever calls an activity by hand has no scan; then its task fails, and is answered."""
    kind = type("Kind", (_typed("Nowhere", converter), base), {})
    verb, _, reason, _ = called(kind, "[[1], {}]")
    assert (verb, str(reason).partition("Cannot")[0]) == ("fail", "Input invalid: ")
    assert "'Nowhere' is not defined" in str(reason)
