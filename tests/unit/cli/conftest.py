"""Verbs in the test's own process, on a domain of a local SWF of the test's own."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from flowy.cli import main
from flowy.local import LocalSWF
from tests.unit.shop import DOMAIN, Shop, open_shop


@dataclass(frozen=True)
class Ran:
    """How a command line ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, read as JSON."""
        return json.loads(self.out)

    @property
    def rows(self) -> list[str]:
        """The first cells of the table that it printed."""
        return [line.split()[0] for line in self.out.splitlines()[1:]]


class Command:
    """Runs verbs against a shop, whose domain the environment names."""

    def __init__(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.shop = shop
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *argv: str, answer: str = "", stdin: Any = None) -> Ran:
        """Run a command line; *answer* stands on standard input, unless *stdin* is given."""
        self._monkeypatch.setattr("sys.stdin", stdin or io.StringIO(answer))
        self._capsys.readouterr()
        code = main(argv)
        return Ran(int(code), *self._capsys.readouterr())


@pytest.fixture
def command(
    local_swf: LocalSWF,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Iterator[Command]:
    """Verbs, and the shop that they look after."""
    with open_shop() as shop:
        for name, value in {
            **shop.swf.environment,
            "HOME": str(tmp_path),
            "AWS_EC2_METADATA_DISABLED": "true",
            "FLOWY_DOMAIN": DOMAIN,
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        yield Command(shop, monkeypatch, capsys)
