"""Which classes a scan takes: one for each type, wherever a class comes from."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from flowy.exception import ScanError
from flowy.swf.scanner import Scanner, declared_by
from flowy.swf.values import ActivityType
from flowy.testing.worker import collect, known_to
from tests.unit.swf.scanned import CLASS_LINES, echo, found


def test_one_type_twice(write: Callable[..., str]) -> None:
    """Two classes of one type are an error that names both places, and every such pair."""
    package = write(
        one=echo("same", "One") + echo("both", "Both"),
        two=echo("same", "Two") + echo("both", "Both"),
    )
    with pytest.raises(ScanError) as caught:
        found(package)
    text = str(caught.value)
    one, two = (sys.modules[f"{package}.{name}"].__file__ for name in ("one", "two"))
    same, both = 4 + CLASS_LINES, 9 + CLASS_LINES
    assert f"same 1 is One at {one}:{same} and Two at {two}:{same}" in text
    assert f"both 1 is Both at {one}:{both} and Both at {two}:{both}" in text
    assert "another name or version, or ignore it" in text
    assert found(package, ".two") == ["both 1", "same 1"]


def test_one_type_twice_from_one_line(write: Callable[..., str]) -> None:
    """Classes that are made in a loop do not hide each other."""
    package = write(
        one="""
        def make(kind):
            @activity("same", 1, "list")
            class Made(Activity):
                def run(self):
                    return kind
            return Made

        A = make("a")
        B = make("b")
        """
    )
    with pytest.raises(ScanError, match=r"same 1 is make.<locals>.Made at"):
        found(package)


def test_stacked_decorators(write: Callable[..., str]) -> None:
    """One class may serve several versions."""
    package = write(
        one="""
        @activity("echo", 1, "list")
        @activity("echo", 2, "list", heartbeat=5)
        class Echo(Activity):
            def run(self):
                pass
        """
    )
    scanned = Scanner(package).scan()
    assert sorted(scanned) == [("echo", "1"), ("echo", "2")]
    assert len({implementation.factory for implementation in scanned.values()}) == 1
    assert scanned[ActivityType("echo", "2")].defaults.heartbeat == 5


def test_one_type_stacked_with_other_defaults(write: Callable[..., str]) -> None:
    """One class cannot be one type with two sets of defaults."""
    package = write(
        one="""
        @activity("echo", 1, "list")
        @activity("echo", 1, "other")
        class Echo(Activity):
            def run(self):
                pass
        """
    )
    with pytest.raises(ScanError, match="echo 1 is Echo at"):
        found(package)
    with pytest.raises(ScanError, match="echo 1 is Echo at"):
        declared_by([sys.modules[f"{package}.one"].Echo])


def test_subclasses_are_not_marked(write: Callable[..., str]) -> None:
    """A subclass of a marked class does not have its type, and may have one of its own."""
    package = write(
        one=echo("base", "Base")
        + """
class Silent(Base):
    pass

@activity("marked", 1, "list")
class Marked(Base):
    pass
"""
    )
    scanned = Scanner(package).scan()
    module = sys.modules[f"{package}.one"]
    assert {str(key): each.factory for key, each in scanned.items()} == {
        "base 1": module.Base,
        "marked 1": module.Marked,
    }


def test_aliases_and_imports_count_once(write: Callable[..., str]) -> None:
    """One class under two names, or imported elsewhere, is one implementation."""
    package = write(
        one=echo() + "\nAlias = Echo\n",
        two="from PACKAGE.one import Echo",
    )
    assert found(package) == ["echo 1"]
    assert found([package, f"{package}.one", f"{package}.one"]) == ["echo 1"]
    with pytest.raises(ScanError):
        found(f"{package}.two")


PORT = """
def port(function):
    class Ported(Activity):
        def run(self, *args):
            return function(*args)
    return activity(function.__name__, 1, "list")(Ported)

def mark(kind):
    return activity(kind.__name__.lower(), 1, "list")(kind)

class Library(Activity):
    def run(self):
        pass
"""

PORTED = """
import PACKAGE.port as helper
from PACKAGE.port import port

@port
def resize(value):
    return value

@helper.mark
class Own(Activity):
    def run(self):
        pass

Lent = helper.mark(helper.Library)
"""


def test_a_helper_of_another_module(write: Callable[..., str]) -> None:
    """What a function decorates belongs to the module that called it, as what it made does."""
    package = write(port=PORT, tasks=PORTED, other="from PACKAGE.tasks import resize, Own, Lent")
    names = ["library 1", "own 1", "resize 1"]
    assert found(f"{package}.tasks") == names
    assert found(package) == names
    with pytest.raises(ScanError):
        found(f"{package}.other")


def test_only_one_module_has_it(write: Callable[..., str]) -> None:
    """A class is found in the module that has it, although another module made it."""
    package = write(
        made=f"{PORT}KINDS = [port(len)]",
        tasks="from PACKAGE.made import KINDS\nSize = KINDS[0]",
    )
    assert found(f"{package}.tasks") == ["len 1"]
    assert found(package) == ["len 1"]


LOST = f"""{PORT}
KINDS = [port(len)]
BY_NAME = {{"abs": port(abs)}}
class Group:
    inner = port(max)
    class Skipped:
        @activity("skipped", 1, "list")
        class Activity(Library):
            pass
min_ = port(min)
"""


def test_a_class_that_no_variable_leads_to(
    write: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    """The scan warns of an activity that it cannot find, even if it finds others."""
    package = write(one=LOST, two="from PACKAGE.one import KINDS", three=echo())
    assert found(package, [".one.Group.Skipped", ".one.min_"]) == ["echo 1"]
    place = f"{sys.modules[f'{package}.one'].__file__}:8"
    assert [each.getMessage() for each in caplog.records] == [
        f"Activity {name} 1 at {place} is not served, because no variable of a scanned module is "
        "its class. Assign the class to a variable of the module."
        for name in ("len", "abs", "max")
    ]
    caplog.clear()
    assert found(package, ".one") == ["echo 1"]
    assert not caplog.records


def test_a_helper_called_by_two_modules(write: Callable[..., str]) -> None:
    """Two classes of one type are two, though one line has decorated both."""
    own = PORTED.partition("@helper")[2].partition("Lent")[0]
    text = f"import PACKAGE.port as helper\n@helper{own}"
    package = write(port=PORT, one=text, two=text)
    with pytest.raises(ScanError, match=r"own 1 is Own at .* and Own at"):
        found(package)


def test_a_class_in_a_class(write: Callable[..., str]) -> None:
    """A scan finds it, and so does a list of classes."""
    package = write(
        one="""
        class Group:
            @activity("inner", 1, "list")
            class Inner(Activity):
                def run(self):
                    pass
        """,
        two="from PACKAGE.one import Group",
    )
    scanned = Scanner(package).scan()
    inner = sys.modules[f"{package}.one"].Group.Inner
    assert [each.factory for each in scanned.values()] == [inner]
    assert declared_by([inner]) == scanned
    with pytest.raises(ScanError):
        found(f"{package}.two")


def test_a_decorator_that_makes_a_new_class(write: Callable[..., str]) -> None:
    """What stands in the module is served, not the class that was before it."""
    package = write(
        one="""
        def again(kind):
            inside = {key: value for key, value in vars(kind).items() if key != "__dict__"}
            return type(kind)(kind.__name__, kind.__bases__, inside)

        @again
        @activity("new", 1, "list")
        class New(Activity):
            def run(self):
                pass
        """
    )
    (one,) = Scanner(package).scan().values()
    assert one.factory is sys.modules[f"{package}.one"].New
    assert declared_by([sys.modules[f"{package}.one"].New]) == {one.type: one}


def test_tests_find_what_a_scan_finds(write: Callable[..., str]) -> None:
    """What ``flowy_worker`` serves of a module is what a worker serves; and what it imports."""
    package = write(port=PORT, tasks=PORTED, tests="from PACKAGE.tasks import *")
    scanned = Scanner(f"{package}.tasks").scan()
    for module in ("tasks", "tests"):
        known = known_to(importlib.import_module(f"{package}.{module}"))
        assert collect(known) == scanned
    assert collect(f"{package}.tasks") == scanned


def test_a_file_that_was_imported_twice(write: Callable[..., str]) -> None:
    """A script that is ``__main__`` and is imported by its name as well has one of each."""
    package = write(one=echo())
    module = importlib.import_module(f"{package}.one")
    assert module.__file__ is not None
    twin = types.ModuleType("twin_of_one")
    twin.__file__ = module.__file__
    sys.modules["twin_of_one"] = twin
    try:
        source = Path(module.__file__).read_text()
        exec(compile(source, module.__file__, "exec"), vars(twin))
        scanned = Scanner([module, twin]).scan()
    finally:
        del sys.modules["twin_of_one"]
    assert [each.factory for each in scanned.values()] == [module.Echo]


def test_only_our_marks_are_called(write: Callable[..., str]) -> None:
    """Marks that other libraries leave through venusian are theirs to call."""
    package = write(
        one=echo()
        + """
import venusian

def theirs(wrapped):
    def called(scanner, name, thing):
        raise AssertionError("called")
    venusian.attach(wrapped, called, category="theirs")
    return wrapped

@theirs
def function():
    pass
"""
    )
    assert found(package) == ["echo 1"]
