"""What README promises of the project's own commands holds."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

from flowy.local import moto_loader

ROOT = Path(__file__).resolve().parent.parent

README = (ROOT / "README.rst").read_text(encoding="utf-8")

#: The lines of README that a person pastes into a shell.
COMMANDS = re.findall(r"^ {4}(python3 .*)$", README, flags=re.MULTILINE)


def test_readme_has_two_commands() -> None:
    """One command installs and runs the demo, the other runs everything; each makes the venv."""
    assert len(COMMANDS) == 2
    demo, everything = COMMANDS
    for command in COMMANDS:
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert demo.endswith("&& .venv/bin/flowy demo")
    assert everything.endswith("&& .venv/bin/tox")


def test_readme_leads_to_what_is_there() -> None:
    """Each of its links names a file of the project, or a page on the web; so does the picture."""
    links = re.findall(r"<([^>]+)>`_", README) + re.findall(r"image:: (.*)", README)
    assert "docs/tutorial/index.rst" in links
    own = [link for link in links if not link.startswith("https://")]
    assert [link for link in own if not (ROOT / link).is_file()] == []


def test_readme_is_short_and_compares_fairly() -> None:
    """It has under 120 lines, and each cell of its comparison leads to what shows it."""
    assert len(README.splitlines()) < 120
    rows = re.findall(r'^ {4}"([^"]+)", (.*)$', README, flags=re.MULTILINE)
    assert len(rows) > 4
    for name, cells in rows:
        assert len(re.findall(r'"`[^`]+ <[^>]+>`_"', cells)) == 4, name


def test_readme_agrees_with_the_tutorial() -> None:
    """Both begin with the same activity."""
    tutorial = (ROOT / "docs" / "tutorial" / "worker.rst").read_text(encoding="utf-8")
    first = re.search(r"^ {4}@activity\(.*\n(?: {4}.+\n)+", README, flags=re.MULTILINE)
    assert first is not None
    assert first[0] in tutorial


def test_ci_runs_the_readme() -> None:
    """CI's last line is README's test command. Before it, only what stands there is installed."""
    script = ROOT / ".ci" / "run"
    lines = script.read_text(encoding="utf-8").splitlines()
    assert lines[-1] == COMMANDS[1]
    assert os.access(script, os.X_OK)
    installs = [line for line in lines[:-1] if re.search(r"\b(pip|apt|apt-get)\b", line)]
    assert [line.split("install ")[-1] for line in installs] == [
        "-y -qq chromium chromium-driver",
        "-y -qq --no-install-recommends prometheus",
        "tox",  # which sets its environments up
    ]


def test_contributing_gives_the_same_command() -> None:
    """CONTRIBUTING names no other set-up."""
    contributing = (ROOT / "CONTRIBUTING.rst").read_text(encoding="utf-8")
    assert f"    {COMMANDS[1]}\n" in contributing
    assert contributing.count("-m venv") == 1


def test_lowest_pins_the_lower_bounds() -> None:
    """tox's environment `lowest` installs exactly the lower bounds that setup.py declares."""
    declared = dict(
        re.findall(r'"(\w+)>=([\d.]+)', (ROOT / "setup.py").read_text(encoding="utf-8"))
    )
    tox = (ROOT / "tox.ini").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^ {4}(\w+)==([\d.]+)$", tox, flags=re.MULTILINE))
    del declared["pytest"]  # the suite itself needs the very version that the extra asks for
    known = {"boto3", "cryptography", "moto", "msgspec", "pydantic", "shtab", "venusian"}
    assert declared.keys() == known
    for name, version in declared.items():
        assert pinned[name] in (version, f"{version}.0"), name


def test_tox_knows_every_python() -> None:
    """`tox` tries each Python that setup.py names: on one all tests, on the others most.

    The oldest has the oldest dependencies.
    """
    named = re.findall(r"Python :: 3\.(\d+)", (ROOT / "setup.py").read_text(encoding="utf-8"))
    tox = (ROOT / "tox.ini").read_text(encoding="utf-8")
    listed = re.findall(r"^ {4}py3(\d+)$", tox, flags=re.MULTILINE)
    whole = re.search(r"^\[testenv:full\]\n.*\nbase_python = (.*)$", tox, flags=re.MULTILINE)
    assert whole is not None
    tried = whole[1].split(", ")
    assert {*tried} == {f"py3{minor}" for minor in named}
    oldest = re.search(r"^\[testenv:lowest\]\n.*\nbase_python = py3(\d+)", tox, flags=re.MULTILINE)
    assert oldest is not None
    assert int(oldest[1]) == min(map(int, named))
    assert {*listed} == {*named} - {tried[0].removeprefix("py3"), oldest[1]}


def test_moto_bounds_agree() -> None:
    """The extra `local` installs no moto but those that `flowy.local` accepts."""
    bounds = re.search(r'"moto>=(\d+)\.(\d+),<(\d+)\.(\d+)"', (ROOT / "setup.py").read_text())
    assert bounds is not None
    first, minor, below, below_minor = map(int, bounds.groups())
    assert (first, minor) >= moto_loader.MOTO_FROM
    assert (below, below_minor) == moto_loader.MOTO_BELOW


def test_tools_have_one_place() -> None:
    """Every tool's settings stand in pyproject.toml: no file beside it competes."""
    tables = re.findall(
        r"^\[tool\.(\w+)", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert {"coverage", "mypy", "pytest", "ruff"} == set(tables)
    rivals = ("setup.cfg", "pytest.ini", ".coveragerc", "mypy.ini", "ruff.toml", ".flake8")
    assert [name for name in rivals if (ROOT / name).exists()] == []


def test_the_questions_list_each_extra() -> None:
    """Many pages say "install the extra ..."; one page says how, and which there are."""
    page = (ROOT / "docs" / "learn" / "faq.rst").read_text(encoding="utf-8")
    answer = page[page.index("How do I install an extra?") :].split("\n\n")[0]
    setup = (ROOT / "setup.py").read_text(encoding="utf-8")
    declared = setup[setup.index("extras_require=") : setup.index("entry_points=")]
    extras = re.findall(r'^ {8}"([a-z-]+)": ', declared, re.MULTILINE)
    assert sorted(extras) == re.findall(r"``([a-z-]+)``", answer.split("The extras are")[1])[:-1]


def test_the_glossary_has_each_class() -> None:
    """Every class of the package, errors aside, is explained to whoever reads the code."""
    pages = (ROOT / "docs" / "glossary").glob("*.rst")
    tables = "".join(page.read_text(encoding="utf-8") for page in pages)
    named = set(re.findall(r"^``(\w+)``  ", tables, flags=re.MULTILINE))
    classes = {
        node.name
        for file in (ROOT / "flowy").rglob("*.py")
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    }
    nouns = {name for name in classes if not name.endswith("Error")}
    assert nouns - named - {"SuspendTask", "CancelTask", "HandOverTask"} == set()
    assert named - nouns == set()


def test_files_and_functions_are_short() -> None:
    """Files have at most 300 lines and functions under 40 below docstring and signature.

    The demo, which is read as an example, has four files with under 450 lines in all.
    """
    sources = {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for path in (ROOT / "flowy").rglob("*.py")
    }
    lengths = {name: len(source.splitlines()) for name, source in sources.items()}
    assert {name: count for name, count in lengths.items() if count > 300} == {}
    demo = [count for name, count in lengths.items() if name.startswith("flowy/demo/")]
    assert len(demo) <= 4
    assert sum(demo) < 450
    functions = {
        f"{name} {node.name}": _body_lines(node)
        for name, source in sources.items()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: count for name, count in functions.items() if count >= 40} == {}


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first, last = function.body[0], function.body[-1]
    starts_at = first.lineno
    if ast.get_docstring(function) is not None:
        starts_at = (first.end_lineno or 0) + 1
    return (last.end_lineno or 0) - starts_at + 1
