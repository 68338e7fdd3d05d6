"""The layers of the package, executed.

Each unit, a module or a package that is imported by its own name, has a layer. A module imports
only from layers below its own; imports inside functions and under ``TYPE_CHECKING`` count. The
modules of one unit may import each other, but not in a circle.
"""

from __future__ import annotations

import ast
import fnmatch
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "flowy"

#: The layer of each unit: a module, or a package that is imported by its own name.
LAYERS: Mapping[str, int] = {
    "flowy": 12,
    "flowy.__main__": 14,
    "flowy._version": 0,
    "flowy.attempts": 5,
    "flowy.aws": 1,
    "flowy.claims": 2,
    "flowy.cli": 13,
    "flowy.codecs": 2,
    "flowy.concurrency": 0,
    "flowy.concurrency.children": 3,
    "flowy.concurrency.cli_signals": 3,
    "flowy.concurrency.clock": 0,
    "flowy.concurrency.event_loop": 2,
    "flowy.concurrency.forks": 0,
    "flowy.concurrency.interruption": 1,
    "flowy.concurrency.loop_step": 0,
    "flowy.concurrency.main_module": 1,
    "flowy.concurrency.process_end": 0,
    "flowy.concurrency.processes": 4,
    "flowy.concurrency.retry": 1,
    "flowy.concurrency.signals": 2,
    "flowy.concurrency.stop": 1,
    "flowy.concurrency.threads": 1,
    "flowy.context": 2,
    "flowy.convert": 1,
    "flowy.demo": 12,
    "flowy.deprecation": 0,
    "flowy.envelope": 3,
    "flowy.exception": 0,
    "flowy.health": 4,
    "flowy.importing": 0,
    "flowy.invocation": 4,
    "flowy.local": 11,
    "flowy.logs": 3,
    "flowy.loopback": 1,
    "flowy.metrics": 6,
    "flowy.middleware": 3,
    "flowy.nouns": 0,
    "flowy.observer": 5,
    "flowy.options": 0,
    "flowy.otel": 9,
    "flowy.reasons": 0,
    "flowy.safe_logging": 0,
    "flowy.swf": 0,
    "flowy.swf.author_warnings": 0,
    "flowy.swf.boilerplate": 10,
    "flowy.swf.calling": 9,
    "flowy.swf.client": 6,
    "flowy.swf.history": 6,
    "flowy.swf.limits": 5,
    "flowy.swf.operating": 7,
    "flowy.swf.registration": 7,
    "flowy.swf.replay": 10,
    "flowy.swf.scanner": 8,
    "flowy.swf.suspended": 9,
    "flowy.swf.times": 0,
    "flowy.swf.values": 1,
    "flowy.swf.worker": 9,
    "flowy.tables": 1,
    "flowy.task": 7,
    "flowy.testing": 12,
    "flowy.testing.plugin": 13,
    "flowy.texts": 0,
    "flowy.writing": 0,
    "flowy.tokens": 5,
    "flowy.tokens.sqlite": 6,
    "flowy.transport.plain": 8,
    "flowy.transport.simpleflow": 8,
    "flowy.transport": 4,
}

#: Packages whose modules are units of their own; any other package is one unit.
OPEN_PACKAGES = frozenset({"flowy", "flowy.concurrency", "flowy.swf"})

#: Which units may import each foreign library.
ALLOWED_IMPORTS: Mapping[str, frozenset[str]] = {
    "argparse": frozenset({"flowy.cli"}),
    "aws_encryption_sdk": frozenset({"flowy.codecs"}),
    "boto3": frozenset({"flowy.aws", "flowy.local"}),
    "botocore": frozenset({"flowy.aws", "flowy.swf.client", "flowy.local"}),
    "cryptography": frozenset({"flowy.codecs"}),
    "flask": frozenset({"flowy.local"}),
    "flask_cors": frozenset({"flowy.local"}),
    "moto": frozenset({"flowy.local"}),
    "multiprocessing": frozenset({"flowy.concurrency.processes"}),
    "msgspec": frozenset({"flowy.convert"}),
    "mypy_boto3_swf": frozenset({"flowy.swf.client", "flowy.local"}),
    "opentelemetry": frozenset({"flowy.metrics", "flowy.otel"}),
    "prometheus_client": frozenset({"flowy.metrics"}),
    "pydantic": frozenset({"flowy.convert"}),
    "pydantic_core": frozenset({"flowy.convert"}),
    "pythonjsonlogger": frozenset({"flowy.logs"}),
    "pytest": frozenset({"flowy.testing.plugin"}),
    "shtab": frozenset({"flowy.cli"}),
    "signal": frozenset({"flowy.concurrency.cli_signals", "flowy.concurrency.signals"}),
    "sqlite3": frozenset({"flowy.tokens.sqlite"}),
    # For type checkers only: nothing installs it beside Flowy.
    "typing_extensions": frozenset({"flowy.deprecation"}),
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


def unit_of(module: str) -> str:
    """Return the unit of *module*: the longest name in the table, or the module itself."""
    if module in LAYERS:
        return module
    parent = module.rpartition(".")[0]
    while parent and parent not in OPEN_PACKAGES:
        if parent in LAYERS:
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
            found.extend(_library(one, where))
            if one.target.partition(".")[0] != "flowy":
                continue
            found.extend(_layer(one, where))
            if unit_of(module) == unit_of(one.target) and one.target != module:
                inside[module].add(one.target)
    try:
        TopologicalSorter(inside).prepare()
    except CycleError as error:
        found.append(f"modules of one unit import each other in a circle: {error.args[1]}")
    return found


def _names(known: Mapping[str, Path]) -> Iterator[str]:
    units: dict[str, str] = {}
    for module in known:
        unit, name = unit_of(module), module.rpartition(".")[2]
        if unit not in LAYERS:
            yield f"{module} has no layer: give it one in LAYERS of tests/test_layers.py"
        if name in EMPTY_NAMES:
            yield f"{module}: {name!r} says nothing of what is inside"
        if module == unit and name != "__main__":
            twin = units.setdefault(name, module)
            if twin != module:
                yield f"{module} and {twin} have the same name"


def _library(one: Import, where: str) -> Iterator[str]:
    library = one.target.partition(".")[0]
    unit = unit_of(one.importer)
    if library in ALLOWED_IMPORTS and unit not in ALLOWED_IMPORTS[library]:
        allowed = " or ".join(sorted(ALLOWED_IMPORTS[library]))
        yield f"{where} imports {library}, allowed in {allowed}"


def _layer(one: Import, where: str) -> Iterator[str]:
    here, there = unit_of(one.importer), unit_of(one.target)
    if here == there:
        return
    if there not in LAYERS:
        yield f"{where} imports {one.target}, which has no layer"
    elif here in LAYERS and LAYERS[there] >= LAYERS[here]:
        yield f"{where} in layer {LAYERS[here]} imports {one.target} in layer {LAYERS[there]}"
    of_swf = there == "flowy.swf" or there.startswith("flowy.swf.")
    if of_swf and not here.startswith("flowy.swf") and not _knows_swf(here):
        yield f"{where} imports {one.target}, but must not know which engine it runs on"


def _knows_swf(unit: str) -> bool:
    return unit in KNOW_SWF or unit.startswith("flowy.testing.")


def test_layers_hold() -> None:
    """Every import of the package goes to a lower layer, and each library has one importer."""
    assert faults(PACKAGE) == []


def test_design_shows_the_layers() -> None:
    """The table of the page has each unit, with its layer, and no other."""
    page = (PACKAGE.parent / "docs" / "design" / "layers.rst").read_text(encoding="utf-8")
    shown = re.findall(r"^``([\w.]+)`` +(\d+) ", page, re.MULTILINE)
    units = {unit_of(module) for module in modules(PACKAGE)}
    assert dict(shown) == {unit: str(LAYERS[unit]) for unit in units}
    assert [int(layer) for _, layer in shown] == sorted((LAYERS[unit] for unit, _ in shown))[::-1]


def test_the_drawing_shows_the_layers() -> None:
    """No unit is drawn above one of a higher layer, and all above layer 5 are drawn."""
    text = (PACKAGE.parent / "docs" / "diagrams" / "layers.txt").read_text(encoding="utf-8")
    boxes = re.findall(r'^box \w+ \d+ (\d+) \d+ \d+ \w+ "([\w.*]+)"', text, re.MULTILINE)
    lists = re.findall(r'^text \d+ (\d+) middle code "(.*)"$', text, re.MULTILINE)
    rows: dict[int, list[str]] = {}
    for y, names in [*boxes, *lists]:
        for name in names.split():
            found = fnmatch.filter(LAYERS, f"flowy.{name}")
            assert found, name
            rows.setdefault(int(y), []).extend(found)
    layers = [[LAYERS[unit] for unit in units] for _, units in sorted(rows.items())]
    for above, below in pairwise(layers):
        assert min(above) >= max(below)
    parts = {"flowy", "flowy.__main__", "flowy.testing.plugin", "flowy.tokens.sqlite"}
    above_five = {unit for unit, layer in LAYERS.items() if layer > 5}
    assert above_five - parts - {unit for units in rows.values() for unit in units} == set()


@pytest.mark.parametrize(
    ("file", "source", "fault"),
    [
        (
            "exception.py",
            "from flowy.task import Activity",
            "flowy.exception:1 in layer 0 imports flowy.task in layer 7",
        ),
        (
            "context.py",
            "from .concurrency import signals",
            "flowy.context:1 in layer 2 imports flowy.concurrency.signals in layer 2",
        ),
        (
            "context.py",
            "def late():\n    from .middleware import Middleware",
            "flowy.context:2 in layer 2 imports flowy.middleware in layer 3",
        ),
        (
            "exception.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .task import Activity",
            "flowy.exception:3 in layer 0 imports flowy.task in layer 7",
        ),
        (
            "swf/worker/worker.py",
            "from ...local import LocalSWF",
            "flowy.swf.worker.worker:1 in layer 9 imports flowy.local in layer 11",
        ),
        (
            "swf/registration.py",
            "from . import calling",
            "flowy.swf.registration:1 in layer 7 imports flowy.swf.calling in layer 9",
        ),
        (
            "task.py",
            "from flowy import activity",
            "flowy.task:1 in layer 7 imports flowy in layer 12",
        ),
        (
            "task.py",
            "from .swf.values import ActivityType",
            "flowy.task:1 imports flowy.swf.values, but must not know which engine it runs on",
        ),
        (
            "swf/registration.py",
            "import botocore.exceptions",
            "flowy.swf.registration:1 imports botocore, allowed in flowy.aws or flowy.local or "
            "flowy.swf.client",
        ),
        (
            "swf/worker/worker.py",
            "def stop():\n    import signal",
            "flowy.swf.worker.worker:2 imports signal, allowed in flowy.concurrency.cli_signals "
            "or flowy.concurrency.signals",
        ),
        (
            "attic.py",
            "",
            "flowy.attic has no layer: give it one in LAYERS of tests/test_layers.py",
        ),
        ("local/utils.py", "", "flowy.local.utils: 'utils' says nothing of what is inside"),
        ("swf/task.py", "", "flowy.task and flowy.swf.task have the same name"),
        (
            "local/left.py",
            "from flowy.local import right",
            "modules of one unit import each other in a circle: "
            "['flowy.local.left', 'flowy.local.right', 'flowy.local.left']",
        ),
    ],
)
def test_checker_sees(tmp_path: Path, file: str, source: str, fault: str) -> None:
    """The check is able to fail: in a small package, it names each kind of fault."""
    small = {
        "__init__.py": "",
        "concurrency/__init__.py": "",
        "concurrency/signals.py": "import signal",
        "context.py": "",
        "exception.py": "",
        "local/__init__.py": "",
        "local/right.py": "from flowy.local import left",
        "local/left.py": "",
        "middleware.py": "from .context import ActivityInfo",
        "swf/__init__.py": "",
        "swf/calling/__init__.py": "",
        "aws.py": "import boto3",
        "swf/client/__init__.py": "from ...aws import make_client",
        "swf/registration.py": "from .values import ActivityType",
        "swf/scanner.py": "import venusian",
        "swf/values.py": "",
        "swf/worker/__init__.py": "",
        "swf/worker/worker.py": "from ..client import SWFClient",
        "task.py": "from .middleware import Middleware",
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
import importlib, logging, os, sys, threading

register_at_fork = os.register_at_fork

def register(**hooks):
    for hook in hooks.values():
        assert "flowy" not in str(hook.__module__), f"{module} registers {hook}"
    register_at_fork(**hooks)

os.register_at_fork = register
for module in sys.argv[1:]:
    importlib.import_module(module)
    assert threading.active_count() == 1, f"{module} starts {threading.enumerate()}"
    assert not logging.getLogger().handlers, f"{module} gives the root logger a handler"
    for name, logger in logging.root.manager.loggerDict.items():
        if isinstance(logger, logging.Logger) and name.partition(".")[0] == "flowy":
            assert not logger.handlers, f"{module} gives {name} a handler"
    loaded = {"boto3", "botocore", "moto", "opentelemetry", "prometheus_client"} & set(sys.modules)
    assert not loaded, f"{module} loads {loaded}"
"""


def test_nothing_happens_at_import() -> None:
    """Importing a module loads no boto3, starts no thread, and sets up no logging and no hook."""
    loads = {"flowy.local", "flowy.testing.plugin"}  # their modules may load their library
    loud = {"flowy.__main__", "flowy.codecs.kms"}  # its library loads boto3
    loud |= {module for module in modules(PACKAGE) if module.startswith("flowy.otel.")}
    quiet = [
        module
        for module in modules(PACKAGE)
        if module == "flowy.local" or not (unit_of(module) in loads or module in loud)
    ]
    assert "flowy.task" in quiet
    ran = subprocess.run(
        [sys.executable, "-c", _IMPORT_EACH, *quiet],
        capture_output=True,
        text=True,
        cwd=PACKAGE.parent,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
