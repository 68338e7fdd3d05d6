"""moto is checked before it is imported."""

from __future__ import annotations

import ast
import importlib.metadata
import sys
from pathlib import Path

import pytest

import flowy.local
from flowy.exception import LocalSWFError
from flowy.local import LocalSWF
from flowy.local.moto_loader import MOTO_BELOW, MOTO_FROM, check_moto, moto_version


def test_without_moto_the_start_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A LocalSWF can be made without moto; the error of start() names the extra."""

    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    swf = LocalSWF()
    with pytest.raises(LocalSWFError) as caught:
        swf.start()
    assert str(caught.value).startswith("Cannot start the local SWF: moto is not installed.")
    assert "pip install '.[local]'" in str(caught.value)


def test_a_missing_requirement_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a requirement of moto is missing, the error names it and how to install it."""
    monkeypatch.setitem(sys.modules, "flowy.local.model.service", None)
    with pytest.raises(LocalSWFError, match=r"flowy.local.model.service.*\.\[local\]"):
        LocalSWF().start()


@pytest.mark.parametrize("version", ["4.2.14", "5.3.0", "6.0", "5.3.0.dev1", "no version"])
def test_an_untested_moto_is_refused(version: str) -> None:
    """For a version outside the tested range, the error names it and the range."""
    with pytest.raises(LocalSWFError, match=f"moto {version} is installed.*5.3"):
        check_moto(version)


@pytest.mark.parametrize("version", ["5.1.0", "5.2.5", "5.2.99", "5.2.6.dev3"])
def test_a_tested_moto_is_accepted(version: str) -> None:
    """Every release inside the range is accepted."""
    check_moto(version)


def test_the_installed_moto_was_tested() -> None:
    """The moto of this test run is inside the range."""
    check_moto(moto_version())
    assert MOTO_FROM < MOTO_BELOW


def test_only_the_model_imports_moto() -> None:
    """No module outside ``flowy.local.model`` imports moto."""
    folder = Path(flowy.local.__file__).parent
    importers = {
        path.relative_to(folder).as_posix()
        for path in folder.glob("**/*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in _imported(node)
        if name.partition(".")[0] == "moto"
    }
    assert importers
    assert {name for name in importers if not name.startswith("model/")} == set()


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level:
        return [node.module or ""]
    return []
