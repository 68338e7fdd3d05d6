"""``flowy types schema``: prints JSON Schema, and compares it with what it printed before."""

from __future__ import annotations

import sys
import textwrap
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flowy.cli import ExitCode, main
from tests.unit.cli.conftest import Ran

ORDERS = """
from dataclasses import dataclass
from flowy import Activity, activity
from flowy.convert.msgspec import MsgspecConverter

print("imported")

@dataclass
class Order:
    id: int
    colours: list[str]

@activity("charge", 1, "orders", converter=MsgspecConverter())
class Charge(Activity):
    def run(self, order: Order, *, currency: str = "EUR") -> int:
        return order.id

@activity("echo", 1, "orders")
class Echo(Activity):
    def run(self, value, *rest):
        return value
"""


@pytest.fixture
def schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Ran]]:
    """Writes a module, and prints its schema."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    name = f"orders_{uuid.uuid4().hex}"

    def run(text: str, *options: str) -> Ran:
        sys.modules.pop(name, None)
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        capsys.readouterr()
        code = main(["types", "schema", name, *options])
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    yield run
    sys.modules.pop(name, None)


def test_prints(schema: Callable[..., Ran]) -> None:
    """One object for each type; what the modules print is left out."""
    ran = schema(ORDERS)
    assert (ran.code, ran.err) == (ExitCode.FINE, "imported\n")
    charge, echo = ran.json
    assert (charge["name"], charge["version"], charge["result"]) == (
        "charge", "1", {"type": "integer"},
    )  # fmt: skip
    assert charge["arguments"]["required"] == ["order"]
    assert charge["arguments"]["x-by-position"] == ["order"]
    assert charge["arguments"]["properties"]["currency"] == {"type": "string"}
    order = charge["arguments"]["$defs"]["Order"]
    assert order["properties"]["colours"] == {"type": "array", "items": {"type": "string"}}
    assert echo["arguments"]["properties"] == {"value": {}}
    assert echo["arguments"]["x-more-by-position"] == echo["result"] == {}


def test_against(schema: Callable[..., Ran], tmp_path: Path) -> None:
    """What breaks callers is printed, a line each, and gives an exit code of its own."""
    old = tmp_path / "types.json"
    old.write_text(schema(ORDERS).out, encoding="utf-8")
    same = schema(ORDERS, "--against", str(old))
    assert (same.code, same.out) == (ExitCode.FINE, "Nothing breaks callers.\n")
    changed = ORDERS.replace("id: int", "id: str").replace("-> int", "-> float")
    broken = schema(changed.replace('"echo", 1', '"echo", 2'), "--against", str(old))
    assert broken.code is ExitCode.REFUSED
    assert broken.out.splitlines() == [
        "charge 1: order.id: was integer, is string",
        "charge 1: result: was integer, is number",
        "echo 1: is gone",
    ]


def test_files_that_cannot_be_compared(schema: Callable[..., Ran], tmp_path: Path) -> None:
    """A file that is not there, no JSON, or something else is a usage error."""
    file = tmp_path / "types.json"
    for text in (None, "{", "[1]", "{}", '[{"name": "charge", "version": "1"}]'):
        if text is not None:
            file.write_text(text, encoding="utf-8")
        ran = schema(ORDERS, "--against", str(file))
        assert (ran.code, ran.out) == (ExitCode.USAGE, ""), text
        assert f"Cannot compare with {file}" in ran.err


def test_what_cannot_be_described(schema: Callable[..., Ran]) -> None:
    """Imports that fail, and annotations that cannot be used, are two lines at most."""
    ran = schema("import nowhere")
    assert (ran.code, ran.out) == (ExitCode.REFUSED, "")
    assert "No module named 'nowhere'" in ran.err
    ran = schema(ORDERS.replace("order: Order", "order: 'Ordr'"))
    assert (ran.code, ran.out) == (ExitCode.REFUSED, "")
    assert "parameter 'order' of Charge.run at " in ran.err
