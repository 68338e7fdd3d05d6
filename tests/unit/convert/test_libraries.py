"""What each library alone has: models, structs, and errors whose texts are its author's."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pydantic
import pytest
from pydantic_core import PydanticCustomError

from flowy.convert import Converter
from flowy.exception import ConversionError
from tests.unit.convert.orders import BOTH, CONVERTERS, Colour, StrictModel

PYDANTIC, MSGSPEC = CONVERTERS["pydantic"], CONVERTERS["msgspec"]
SECRET = "4111-nobody-is-to-read-this"


class Blob(pydantic.BaseModel):
    """Bytes in each place, in fields with the names of pydantic's own."""

    type: bytes
    default: bytes | None = None
    metadata: dict[str, list[bytes]] = {}
    own: pydantic.Base64UrlBytes = b""
    inner: list[Blob] = []


class Exact(pydantic.BaseModel, strict=True):
    """Takes nothing but the type itself, or what JSON has in its place."""

    day: date
    kind: Colour
    total: Decimal
    code: UUID
    scan: bytes
    steps: tuple[int, ...]
    within: timedelta


class Login(pydantic.BaseModel):
    password: pydantic.SecretStr
    pin: pydantic.Secret[int] | None = None


class Renamed(msgspec.Struct, rename="camel"):
    long_name: int


class Aliased(pydantic.BaseModel):
    long_name: int = pydantic.Field(alias="longName")


def _odd(value: Any) -> Any:
    raise PydanticCustomError(f"bad_{value}", f"no {value}")


def read(converter: Converter, hint: Any, wire: Any) -> Any:
    """Read one value of a type."""
    return converter.conversion(hint).from_wire(wire, "it")


def test_bytes_of_models() -> None:
    """They are base64 in whichever place, unless their type says how they are written."""
    wire = {
        "type": "+/8=",
        "default": "AAE=",
        "metadata": {"a": ["/w=="]},
        "own": "-_8=",
        "inner": [{"type": "/w==", "default": None, "metadata": {}, "own": "", "inner": []}],
    }
    value = read(PYDANTIC, Blob, wire)
    assert (value.type, value.default, value.own) == (b"\xfb\xff", b"\x00\x01", b"\xfb\xff")
    assert (value.metadata, value.inner[0].type) == ({"a": [b"\xff"]}, b"\xff")
    assert type(value) is Blob
    assert PYDANTIC.conversion(Blob).to_wire(value, "it") == wire
    with pytest.raises(ConversionError, match=r"^it.inner\[0\].type: expected bytes \(base64\)$"):
        read(PYDANTIC, Blob, {"type": "", "inner": [{"type": SECRET}]})
    (schema,), defined = PYDANTIC.schemas([Blob], of_results=False)
    assert defined[schema["$ref"].rpartition("/")[2]]["properties"]["type"]["contentEncoding"] == (
        "base64"
    )
    assert pydantic.TypeAdapter(Blob).validate_python({"type": "+/8="}).type == b"+/8="


def test_strict_models() -> None:
    """They take what JSON has for their types, as they do out of JSON text, and nothing else."""
    wire = {
        "day": "2024-02-29", "kind": "red", "total": "1.50",
        "code": "c0ffee00-0000-4000-8000-000000000007", "scan": "/w==", "steps": [1, 2],
        "within": "PT600S",
    }  # fmt: skip
    value = read(PYDANTIC, list[Exact], [wire])
    assert (value[0].day, value[0].steps, value[0].scan) == (date(2024, 2, 29), (1, 2), b"\xff")
    assert PYDANTIC.conversion(list[Exact]).to_wire(value, "it") == [wire]
    with pytest.raises(ConversionError) as raised:
        read(PYDANTIC, Exact, {**wire, "day": SECRET, "steps": ["7"]})
    assert raised.value.problems == ("it.day: expected date", "it.steps[0]: expected int")
    assert read(PYDANTIC, Annotated[date, pydantic.Strict()], "2024-02-29") == date(2024, 2, 29)


class Feast(enum.Enum):
    NEW_YEAR = date(2024, 1, 1)


class Known(enum.Enum):
    NEW_YEAR = date(2024, 1, 1)

    @classmethod
    def _missing_(cls, value: object) -> Known | None:
        return cls.NEW_YEAR if value == "2024-01-01" else None


class Feasts(pydantic.BaseModel):
    all: dict[str, list[Feast]] = {}


@pytest.mark.parametrize("hint", [Feast, Feasts, Literal[Colour.RED], list[Feast | None]])
def test_values_that_json_does_not_have(hint: Any) -> None:
    """pydantic would read none of them, so the scan refuses the type, as it does with msgspec."""
    with pytest.raises(TypeError, match=r"pydantic reads no (date|Colour) in it from JSON"):
        PYDANTIC.conversion(hint)
    assert read(PYDANTIC, Known, "2024-01-01") is Known.NEW_YEAR
    own = Annotated[Feast, pydantic.BeforeValidator(lambda text: date.fromisoformat(text))]
    assert read(PYDANTIC, own, "2024-01-01") is Feast.NEW_YEAR


def test_iterables() -> None:
    """They are checked before the run, whose error would show the value."""
    with pytest.raises(ConversionError, match=r"^it\[1\]: expected int$"):
        read(PYDANTIC, Iterable[int], [1, SECRET])
    assert read(PYDANTIC, Iterable[bytes], ["/w=="]) == [b"\xff"]
    assert PYDANTIC.conversion(Iterable[bytes]).to_wire([b"\xff"], "it") == ["/w=="]


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (Login, Login(password=pydantic.SecretStr(SECRET))),
        (Login | None, Login.model_construct(password="", pin=pydantic.Secret(7))),
        (list[pydantic.SecretBytes], [pydantic.SecretBytes(b"4111")]),
    ],
)
def test_secrets_are_not_sent_as_stars(hint: Any, value: Any) -> None:
    """pydantic would write stars, which can be read again; their own serializer writes them."""
    with pytest.raises(ConversionError) as raised:
        PYDANTIC.conversion(hint).to_wire(value, "it")
    assert "a secret, which pydantic writes as stars" in str(raised.value)
    assert "4111" not in str(raised.value)
    assert read(PYDANTIC, Login, {"password": SECRET}).password.get_secret_value() == SECRET
    shown = pydantic.PlainSerializer(lambda value: value.get_secret_value(), when_used="json")
    written = PYDANTIC.conversion(Annotated[pydantic.SecretStr, shown])
    assert written.to_wire(pydantic.SecretStr(SECRET), "it") == SECRET


@pytest.mark.parametrize(("converter", "kind"), [(MSGSPEC, Renamed), (PYDANTIC, Aliased)])
def test_other_names(converter: Converter, kind: Any) -> None:
    """A field is told and written by its name on the wire."""
    with pytest.raises(ConversionError, match=r"^it.longName: expected int"):
        read(converter, kind, {"longName": SECRET})
    with pytest.raises(ConversionError, match=r"^it.longName: is missing$"):
        read(converter, kind, {})
    value = read(converter, kind, {"longName": 7})
    assert converter.conversion(kind).to_wire(value, "it") == {"longName": 7}


def test_kinds_of_authors() -> None:
    """Even the kind of an error, which pydantic shows, may have the value in its name."""
    hint = Annotated[str, pydantic.BeforeValidator(_odd)]
    with pytest.raises(ConversionError) as raised:
        read(PYDANTIC, list[hint], [SECRET])
    assert str(raised.value) == "it[0]: fails a check of its own"


def test_branches_of_unions() -> None:
    """What each branch expects is told of one path; the names of branches are left out."""
    with pytest.raises(ConversionError) as raised:
        read(PYDANTIC, dict[str, int | list[int] | StrictModel], {SECRET: SECRET})
    assert raised.value.problems == ("it[...]: expected int or array or object",)


def test_limits() -> None:
    """A limit that is not kept is told by its name."""
    with pytest.raises(ConversionError, match=r"^it: does not fit \(greater_than_equal\)$"):
        read(PYDANTIC, Annotated[int, pydantic.Field(ge=5)], 3)
    with pytest.raises(ConversionError, match=r"^it: expected int >= 5$"):
        read(MSGSPEC, Annotated[int, msgspec.Meta(ge=5)], 3)


def test_no_json_schema() -> None:
    """A model whose type has none is converted; its paths lack the names of fields."""

    class Own:
        """Known to nobody."""

    class Holds(pydantic.BaseModel, arbitrary_types_allowed=True):
        number: int
        own: Own | None = None

    assert read(PYDANTIC, Holds, {"number": 7}).number == 7
    with pytest.raises(ConversionError, match=r"^it\[...\]: expected int$"):
        read(PYDANTIC, Holds, {"number": SECRET})


@BOTH
def test_subclasses_of_plain_types(converter: Converter) -> None:
    """A value of a subclass travels as its base."""

    class Name(str):
        """A text."""

    assert converter.conversion(dict[str, int]).to_wire({"a": True + 1}, "it") == {"a": 2}
    with pytest.raises(ConversionError):
        converter.conversion(list[int]).to_wire([Name("x")], "it")
