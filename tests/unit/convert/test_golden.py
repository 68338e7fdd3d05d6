"""Both converters read, write and refuse the same, as one golden file says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flowy.convert import Converter
from flowy.exception import ConversionError
from tests.unit.convert.orders import BOTH, CONVERTERS, hint_of

GOLDEN = json.loads(Path(__file__).with_name("golden.json").read_text(encoding="utf-8"))

#: How Python and pydantic show the zone of a time in UTC.
_ZONES = ("datetime.timezone.utc", "TzInfo(UTC)", "TzInfo(0)")


def _shown(value: object) -> str:
    text = repr(value)
    for zone in _ZONES:
        text = text.replace(zone, "UTC")
    return text


def _name(case: dict[str, Any]) -> str:
    return f"{case['type']} {json.dumps(case['wire'])}"


@BOTH
@pytest.mark.parametrize("case", GOLDEN["fits"], ids=_name)
def test_fits(converter: Converter, case: dict[str, Any]) -> None:
    """A wire value becomes the value, which becomes a wire value that both read."""
    hint = hint_of(case["type"], converter)
    value = converter.conversion(hint).from_wire(case["wire"], "it")
    assert _shown(value) == case["value"]
    wire = converter.conversion(hint).to_wire(value, "it")
    assert json.loads(json.dumps(wire)) in case.get("written", [case["wire"]])
    for other in CONVERTERS.values():
        assert other.conversion(hint).from_wire(wire, "it") == value


@BOTH
@pytest.mark.parametrize("case", GOLDEN["misfits"], ids=_name)
def test_misfits(converter: Converter, case: dict[str, Any]) -> None:
    """The error says where, and what was expected; nowhere has it the value."""
    hint = hint_of(case["type"], converter)
    with pytest.raises(ConversionError) as raised:
        converter.conversion(hint).from_wire(case["wire"], "it")
    assert str(raised.value).startswith(case["problem"])
    error: BaseException | None = raised.value
    while error is not None:
        assert "SECRET" not in f"{error} {error.args!r} {vars(error)!r}"
        error = error.__cause__ or error.__context__
