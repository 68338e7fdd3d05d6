"""What each library alone has: models, structs, and errors whose texts are its author's."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import pydantic
import pytest
from pydantic_core import PydanticCustomError

from flowy.convert import Converter
from flowy.exception import ConversionError
from tests.unit.convert.orders import BOTH, CONVERTERS, StrictModel

PYDANTIC, MSGSPEC = CONVERTERS["pydantic"], CONVERTERS["msgspec"]
SECRET = "4111-nobody-is-to-read-this"


class Blob(pydantic.BaseModel):
    """Bytes in each place, in fields with the names of pydantic's own."""

    type: bytes
    default: bytes | None = None
    metadata: dict[str, list[bytes]] = {}
    own: pydantic.Base64UrlBytes = b""
    inner: list[Blob] = []


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
