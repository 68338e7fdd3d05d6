"""Who may know whom: the layers of the package, executed.

Every room (a module, or a package that is entered by its own name) stands on a floor. A module
imports only from floors strictly below its own; imports inside functions and under
``TYPE_CHECKING`` count. The modules inside one room may know each other, but not in a circle.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "flowy"

#: The floor of each room. Some rooms are not built yet: their floor waits for them.
FLOORS: Mapping[str, int] = {
    "flowy": 12,
    "flowy.__main__": 13,
    "flowy._version": 0,
    "flowy.cli": 12,
    "flowy.context": 1,
    "flowy.demo": 11,
    "flowy.exception": 0,
    "flowy.executor": 2,
    "flowy.failure": 0,
    "flowy.heartbeat": 2,
    "flowy.local": 10,
    "flowy.processes": 2,
    "flowy.reasons": 0,
    "flowy.retry": 0,
    "flowy.shutdown": 1,
    "flowy.swf": 0,
    "flowy.swf.assignment": 6,
    "flowy.swf.boilerplate": 9,
    "flowy.swf.client": 5,
    "flowy.swf.closing": 6,
    "flowy.swf.decider": 6,
    "flowy.swf.delivery": 3,
    "flowy.swf.faults": 4,
    "flowy.swf.execution": 7,
    "flowy.swf.keeper": 8,
    "flowy.swf.caretaker": 7,
    "flowy.swf.poller": 6,
    "flowy.swf.registration": 6,
    "flowy.swf.report": 4,
    "flowy.swf.scanner": 6,
    "flowy.swf.scheduler": 6,
    "flowy.swf.starter": 8,
    "flowy.swf.supervisor": 8,
    "flowy.swf.options": 1,
    "flowy.swf.values": 1,
    "flowy.swf.worker": 7,
    "flowy.task": 5,
    "flowy.testing": 11,
    "flowy.testing.plugin": 12,
    "flowy.tokens": 2,
    "flowy.tokens.sqlite": 3,
    "flowy.transport": 2,
}

#: Packages whose modules are rooms of their own; any other package is one room with all in it.
CORRIDORS = frozenset({"flowy", "flowy.swf"})

#: One door for each foreign library: which rooms may import it.
DOORS: Mapping[str, frozenset[str]] = {
    "argparse": frozenset({"flowy.cli"}),
    "boto3": frozenset({"flowy.swf.client", "flowy.local"}),
    "botocore": frozenset({"flowy.swf.client", "flowy.local"}),
    "flask": frozenset({"flowy.local"}),
    "flask_cors": frozenset({"flowy.local"}),
    "moto": frozenset({"flowy.local"}),
    "multiprocessing": frozenset({"flowy.processes"}),
    "mypy_boto3_swf": frozenset({"flowy.swf.client", "flowy.local"}),
    "pytest": frozenset({"flowy.testing.plugin"}),
    "signal": frozenset({"flowy.shutdown"}),
    "sqlite3": frozenset({"flowy.tokens.sqlite"}),
    "venusian": frozenset({"flowy.swf.scanner"}),
    "werkzeug": frozenset({"flowy.local"}),
}

#: Who may know that the engine is SWF, besides ``flowy.swf`` itself.
KNOW_SWF = ("flowy", "flowy.__main__", "flowy.cli", "flowy.demo", "flowy.local", "flowy.testing")

#: Names that say nothing of what is inside.
EMPTY_NAMES = frozenset(
    {"base", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}
)


@dataclass(frozen=True)
class Import:
    """One name that a module imports, and where it says so."""

    importer: str
    target: str
    line: int


def modules(package: Path) -> dict[str, Path]:
    """Return the file of every module below *package*, by dotted name."""
    found = {}
    for file in sorted(package.rglob("*.py")):
        parts = file.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imports(module: str, file: Path, known: Mapping[str, Path]) -> Iterator[Import]:
    """Yield all that *module* imports, wherever in the file it does so."""
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), str(file))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            start = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
            source = ".".join(filter(None, (start, node.module)))
            for alias in node.names:
                submodule = f"{source}.{alias.name}"
                yield Import(module, submodule if submodule in known else source, node.lineno)


def room_of(module: str) -> str:
    """Return the room in which *module* stands: the longest name in the table, or itself."""
    if module in FLOORS:
        return module
    parent = module.rpartition(".")[0]
    while parent and parent not in CORRIDORS:
        if parent in FLOORS:
            return parent
        parent = parent.rpartition(".")[0]
    return module


def faults(package: Path) -> list[str]:
    """Return all that is wrong with the layers of *package*, one sentence each."""
    known = modules(package)
    found = [*_names(known)]
    inside: dict[str, set[str]] = {module: set() for module in known}
    for module, file in known.items():
        for one in imports(module, file, known):
            where = f"{module}:{one.line}"
            found.extend(_door(one, where))
            if one.target.partition(".")[0] != "flowy":
                continue
            found.extend(_floor(one, where))
            if room_of(module) == room_of(one.target) and one.target != module:
                inside[module].add(one.target)
    try:
        TopologicalSorter(inside).prepare()
    except CycleError as error:
        found.append(f"modules of one room import each other in a circle: {error.args[1]}")
    return found


def _names(known: Mapping[str, Path]) -> Iterator[str]:
    rooms: dict[str, str] = {}
    for module in known:
        room, name = room_of(module), module.rpartition(".")[2]
        if room not in FLOORS:
            yield f"{module} has no floor: give it one in FLOORS of tests/test_layers.py"
        if name in EMPTY_NAMES:
            yield f"{module}: {name!r} says nothing of what is inside"
        if module == room and name != "__main__":
            twin = rooms.setdefault(name, module)
            if twin != module:
                yield f"{module} and {twin} have the same name"


def _door(one: Import, where: str) -> Iterator[str]:
    library = one.target.partition(".")[0]
    room = room_of(one.importer)
    if library in DOORS and room not in DOORS[library]:
        yield f"{where} imports {library}, whose door is {' or '.join(sorted(DOORS[library]))}"


def _floor(one: Import, where: str) -> Iterator[str]:
    here, there = room_of(one.importer), room_of(one.target)
    if here == there:
        return
    if there not in FLOORS:
        yield f"{where} imports {one.target}, which has no floor"
    elif here in FLOORS and FLOORS[there] >= FLOORS[here]:
        yield f"{where} on floor {FLOORS[here]} imports {one.target} on floor {FLOORS[there]}"
    of_swf = there == "flowy.swf" or there.startswith("flowy.swf.")
    if of_swf and not here.startswith("flowy.swf") and not _knows_swf(here):
        yield f"{where} imports {one.target}, but must not know which engine it runs on"


def _knows_swf(room: str) -> bool:
    return room in KNOW_SWF or room.startswith("flowy.testing.")


def test_layers_hold() -> None:
    """Every import of the package goes down, through the doors."""
    assert faults(PACKAGE) == []


def test_design_shows_the_floors() -> None:
    """The table of the design page has each room that is built, with its floor, and no other."""
    page = (PACKAGE.parent / "docs" / "design.rst").read_text(encoding="utf-8")
    shown = re.findall(r"^``([\w.]+)`` +(\d+) ", page, re.MULTILINE)
    rooms = {room_of(module) for module in modules(PACKAGE)}
    assert dict(shown) == {room: str(FLOORS[room]) for room in rooms}
    assert [int(floor) for _, floor in shown] == sorted((FLOORS[room] for room, _ in shown))[::-1]


@pytest.mark.parametrize(
    ("file", "source", "fault"),
    [
        (
            "retry.py",
            "from flowy.task import Activity",
            "flowy.retry:1 on floor 0 imports flowy.task on floor 5",
        ),
        (
            "shutdown.py",
            "from . import context",
            "flowy.shutdown:1 on floor 1 imports flowy.context on floor 1",
        ),
        (
            "retry.py",
            "def late():\n    from .heartbeat import Heartbeat",
            "flowy.retry:2 on floor 0 imports flowy.heartbeat on floor 2",
        ),
        (
            "exception.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .task import Activity",
            "flowy.exception:3 on floor 0 imports flowy.task on floor 5",
        ),
        (
            "swf/worker.py",
            "from ..local import LocalSWF",
            "flowy.swf.worker:1 on floor 7 imports flowy.local on floor 10",
        ),
        (
            "swf/poller.py",
            "from . import scanner",
            "flowy.swf.poller:1 on floor 6 imports flowy.swf.scanner on floor 6",
        ),
        (
            "task.py",
            "from flowy import activity",
            "flowy.task:1 on floor 5 imports flowy on floor 12",
        ),
        (
            "task.py",
            "from .swf.values import ActivityType",
            "flowy.task:1 imports flowy.swf.values, but must not know which engine it runs on",
        ),
        (
            "swf/poller.py",
            "import botocore.exceptions",
            "flowy.swf.poller:1 imports botocore, whose door is flowy.local or flowy.swf.client",
        ),
        (
            "swf/worker.py",
            "def stop():\n    import signal",
            "flowy.swf.worker:2 imports signal, whose door is flowy.shutdown",
        ),
        (
            "attic.py",
            "",
            "flowy.attic has no floor: give it one in FLOORS of tests/test_layers.py",
        ),
        ("local/utils.py", "", "flowy.local.utils: 'utils' says nothing of what is inside"),
        ("swf/task.py", "", "flowy.task and flowy.swf.task have the same name"),
        (
            "local/left.py",
            "from flowy.local import right",
            "modules of one room import each other in a circle: "
            "['flowy.local.left', 'flowy.local.right', 'flowy.local.left']",
        ),
    ],
)
def test_checker_sees(tmp_path: Path, file: str, source: str, fault: str) -> None:
    """The check is able to fail: in a small package, it names each kind of fault."""
    small = {
        "__init__.py": "",
        "context.py": "",
        "exception.py": "",
        "heartbeat.py": "from .exception import FlowyError",
        "local/__init__.py": "",
        "local/right.py": "from flowy.local import left",
        "local/left.py": "",
        "retry.py": "import time",
        "swf/__init__.py": "",
        "swf/client.py": "import boto3",
        "swf/poller.py": "from .values import ActivityType",
        "swf/scanner.py": "import venusian",
        "swf/values.py": "",
        "swf/worker.py": "from .client import SWFClient",
        "task.py": "from .heartbeat import Verdict",
    }
    package = tmp_path / "flowy"
    for name, text in small.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert faults(package) == []
    (package / file).write_text(source, encoding="utf-8")
    assert fault in faults(package)


#: Imports the modules it is given, one after the other, and says which did what it must not.
_IMPORT_EACH = """
import importlib, logging, sys, threading

for module in sys.argv[1:]:
    importlib.import_module(module)
    assert threading.active_count() == 1, f"{module} starts {threading.enumerate()}"
    assert not logging.getLogger().handlers, f"{module} gives the root logger a handler"
    for name, logger in logging.root.manager.loggerDict.items():
        if isinstance(logger, logging.Logger) and name.partition(".")[0] == "flowy":
            expected = [logging.NullHandler] if name == "flowy" else []
            assert [type(one) for one in logger.handlers] == expected, f"{module}: {name}"
    loaded = {"boto3", "botocore", "moto"} & set(sys.modules)
    assert not loaded, f"{module} loads {loaded}"
"""


def test_nothing_happens_at_import() -> None:
    """Importing a module loads no boto3, starts no thread and sets up no logging."""
    doors = {"flowy.local", "flowy.testing.plugin"}  # what lies behind them may load its library
    quiet = [
        module
        for module in modules(PACKAGE)
        if module == "flowy.local" or (room_of(module) not in doors and module != "flowy.__main__")
    ]
    assert "flowy.task" in quiet
    ran = subprocess.run(
        [sys.executable, "-c", _IMPORT_EACH, *quiet],
        capture_output=True,
        text=True,
        cwd=PACKAGE.parent,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
