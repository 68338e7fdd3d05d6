"""What a scan finds of modules and packages."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flowy.exception import ScanError
from flowy.swf.scanner import Scanner
from flowy.swf.values import ActivityDefaults, ActivityType
from tests.unit.swf.scanned import CLASS_LINES, echo, found


def test_what_a_mark_says(write: Callable[..., str]) -> None:
    """Name and version as text, the defaults, the class, and the place of the decorator."""
    package = write(
        one="""
        @activity("1.5", 2, 3, heartbeat="10", schedule_to_close=None, start_to_close=60.0)
        class Echo(Activity):
            def run(self):
                pass
        """
    )
    ((key, implementation),) = Scanner(f"{package}.one").scan().items()
    assert key == implementation.type == ActivityType("1.5", "2")
    assert implementation.defaults == ActivityDefaults("3", 10, None, 120, 60)
    module = sys.modules[f"{package}.one"]
    assert implementation.factory is module.Echo
    assert implementation.place == f"{module.__file__}:{4 + CLASS_LINES}"


def test_packages_are_scanned_with_all_below(write: Callable[..., str]) -> None:
    """A package object or its name brings its modules and packages, imported by the scan."""
    package = write(
        one=echo("one"), sub__dot____init__="", sub__dot__two=echo("two"), empty="x = 1"
    )
    assert found(package) == ["one 1", "two 1"]
    assert found(sys.modules[package]) == ["one 1", "two 1"]
    assert found(f"{package}.sub") == ["two 1"]
    assert found([f"{package}.sub.two", sys.modules[f"{package}.one"]]) == ["one 1", "two 1"]
    assert found(name for name in [f"{package}.one"]) == ["one 1"]


def test_folders_without_init(write: Callable[..., str], tmp_path: Path) -> None:
    """They are walked, as Python imports them, at any depth, and skipped if ignored."""
    package = write(
        one=echo("one"),
        bare__dot__two=echo("two"),
        bare__dot__below__dot__three=echo("three"),
        bare__dot__whole__dot____init__=echo("four"),
        bare__dot__whole__dot__plain__dot__five=echo("five"),
        skipped__dot__bad="raise ZeroDivisionError",
    )
    tmp_path.joinpath(package, "no-name").mkdir()
    tmp_path.joinpath(package, "no-name", "bad.py").write_text("raise ZeroDivisionError")
    tmp_path.joinpath(package, "data").mkdir()
    tmp_path.joinpath(package, "bare", "again").symlink_to(tmp_path / package)
    assert found(package, ".skipped") == ["five 1", "four 1", "one 1", "three 1", "two 1"]
    assert f"{package}.data" not in sys.modules
    assert found(package, [".skipped", ".bare.below", ".bare.whole"]) == ["one 1", "two 1"]
    assert found(f"{package}.bare.below") == ["three 1"]
    with pytest.raises(ZeroDivisionError):
        found(package)


def test_folders_in_an_archive(
    write: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python imports from archives, too, so that folders without __init__.py in one are found."""
    package = write(top=echo("one"), bare__dot__deep__dot__two=echo("two"))
    archive = shutil.make_archive(str(tmp_path / "all"), "zip", tmp_path, package)
    shutil.rmtree(tmp_path / package)
    monkeypatch.syspath_prepend(archive)
    assert found(package) == ["one 1", "two 1"]
    assert found(package, ".bare.deep") == ["one 1"]


def test_a_module_hides_a_folder(write: Callable[..., str]) -> None:
    """Python imports the module of that name, so the folder is not walked."""
    package = write(one=echo("one"), one__dot__two="raise ZeroDivisionError")
    assert found(package) == ["one 1"]


def test_ignore(write: Callable[..., str]) -> None:
    """As venusian's: names, relative names, functions, lists of these; none of them is imported."""
    package = write(one=echo("one"), two=echo("two"), bad="raise ZeroDivisionError")
    bad = f"{package}.bad"
    assert found(package, bad) == ["one 1", "two 1"]
    assert found(package, ".bad") == ["one 1", "two 1"]
    assert found(package, [".bad", ".two"]) == ["one 1"]
    assert found(package, lambda name: name.endswith((".bad", ".one"))) == ["two 1"]
    assert found(package, [".bad", lambda name: name.endswith(".one")]) == ["two 1"]
    with pytest.raises(ZeroDivisionError):
        found(package)


def test_programs_are_not_imported(write: Callable[..., str]) -> None:
    """A package's ``__main__`` would start a worker within the scan: it is left out."""
    program = echo("program", "Program")
    package = write(one=echo("one"), __main__=f"{program}\nSTARTED = True\n")
    assert found(package) == ["one 1"]
    assert f"{package}.__main__" not in sys.modules
    assert found([package, f"{package}.__main__"], ()) == ["one 1", "program 1"]


def test_nothing_found(write: Callable[..., str]) -> None:
    """An empty scan is an error that names what was scanned and says what to do."""
    package = write(one="x = 1", two=echo("two"))
    with pytest.raises(ScanError, match=f"any activity in {package}.one. Decorate a class with"):
        found(f"{package}.one")
    with pytest.raises(ScanError, match=f"in {package}, {package}.one"):
        found([package, f"{package}.one"], ".two")
    with pytest.raises(ScanError, match="in an empty list"):
        found([])


def test_what_cannot_be_scanned(write: Callable[..., str]) -> None:
    """A name of no module is Python's own error; for anything else the error says what to give."""
    with pytest.raises(ModuleNotFoundError):
        found("no_such_package_anywhere")
    for thing in (None, 5, object()):
        with pytest.raises(TypeError, match="give a module, a package, a dotted name, or a list"):
            found(thing)
    with pytest.raises(TypeError, match="Cannot scan 5"):
        found([write(one=echo()), 5])
