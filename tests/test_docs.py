"""Every example of the documentation runs, and says what the page says it does.

A page is one test, because its examples build on one another; ``tests/pages.py`` tells how a page
is read.
"""

from __future__ import annotations

import os
import re
import sys
import types
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sybil import Sybil
from sybil.parsers.rest import CodeBlockParser

from docs.links import dangling
from flowy import Activity, activity
from flowy.local import LocalSWF
from flowy.testing import LocalWorker
from tests.pages import PORT_IN_PAGES, Page, Shell

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.rst", *sorted((ROOT / "docs").rglob("*.rst"))]

#: The languages of blocks; what is not run is shown only, and says so by its language.
RUN = frozenset({"python", "console"})
SHOWN = frozenset({"docker", "ini", "json", "text", "yaml"})


@contextmanager
def _module(module: types.ModuleType) -> Iterator[None]:
    sys.modules[module.__name__] = module
    try:
        yield
    finally:
        del sys.modules[module.__name__]


@pytest.fixture
def outcome(local_swf: LocalSWF, domain: str) -> Callable[..., Any]:
    """Run a class as an activity, by a worker on the local SWF: return its value, or raise."""

    def run(kind: type[Activity], *args: Any, **kwargs: Any) -> Any:
        # Each call is of a type of its own, and of no list or timeout that the page declares.
        names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
        mark = activity(kind.__name__, uuid.uuid4().hex, "docs", heartbeat=60)
        served = mark(type(kind.__name__, (kind,), names))
        with LocalWorker(local_swf, domain, served) as worker:
            return worker.call(served, *args, kwargs=kwargs)

    return run


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_page(
    path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    local_swf: LocalSWF,
    domain: str,
    outcome: Callable[..., Any],
    swf_environment: dict[str, str],
) -> None:
    """The page's examples run, in their order, and print what the page says."""
    for name, value in swf_environment.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "page"
    folder.mkdir()
    shell = Shell(folder, swf_environment, local_swf.release_polls)
    page = Page(path, shell)
    page.module.__dict__.update(
        {"DOMAIN": domain, "SWF": local_swf.client(), "outcome": outcome, "shell": shell}
    )
    parsers = [CodeBlockParser("python", page.python), CodeBlockParser("console", page.console)]
    with _module(page.module):
        try:
            for example in Sybil(parsers).parse(path).examples():
                example.evaluate()
        finally:
            shell.end()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_block_escapes(path: Path) -> None:
    """A block is run, or its language says that it is only shown; none is a bare literal."""
    text = path.read_text(encoding="utf-8")
    directive = re.compile(r"^ *\.\. (?:code-block|code|sourcecode):: *(\S*)", re.MULTILINE)
    assert set(directive.findall(text)) <= RUN | SHOWN
    if path.name != "README.rst":  # its two commands are literal; test_project.py has them
        assert not re.findall(r"^(?! *\.\. ).*::$", text, re.MULTILINE)


def test_each_page_registers_domains_of_its_own() -> None:
    """All pages share one SWF, on which a domain can be registered once."""
    texts = [path.read_text(encoding="utf-8") for path in PAGES]
    names = [name for text in texts for name in re.findall(r'register_domain\(name="(.+?)"', text)]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize(
    "path", [*PAGES, ROOT / "CONTRIBUTING.rst"], ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_row_of_a_table_is_torn(path: Path) -> None:
    """A text in the first column begins a row, so it cannot go on in the next line."""
    for block in re.split(r"\n[ ]*\n", path.read_text(encoding="utf-8")):
        lines = block.splitlines()
        if ruler := re.match(r" *=+(?= +=)", lines[0] if lines else ""):
            torn = [line for line in lines if line.strip() and not line[ruler.end() :].strip()]
            assert torn == []


def test_no_page_is_long() -> None:
    """Whoever looks something up sees the end of the page."""
    lines = {page: len(page.read_text(encoding="utf-8").splitlines()) for page in PAGES}
    assert {page: count for page, count in lines.items() if count >= 250} == {}


def test_readme_and_index_show_the_same() -> None:
    """README opens with the example that the documentation's first page shows and runs."""

    def first_block(path: Path) -> str:
        text = path.read_text(encoding="utf-8")
        block = re.search(r"^\.\. code-block:: python\n\n((?: {4}.*\n|\n)+)", text, re.MULTILINE)
        assert block is not None
        return block[1].rstrip()

    assert first_block(ROOT / "README.rst") == first_block(ROOT / "docs" / "index.rst")


def test_the_build_sees_links_that_lead_nowhere(tmp_path: Path) -> None:
    """A page, an anchor, a picture; links to the web are not checked here."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b.html").write_text('<h1 id="top"><a href="a/c.html?v=1#x&amp;y">c</a></h1>')
    (tmp_path / "a" / "c.html").write_text(
        '<p id="x&amp;y"></p><a href="../b.html#top"></a><a href="../b.html#end"></a>'
        '<a href="#x%26y"></a><img src="no.png"><a href="https://example.org/no#no"></a>'
    )
    assert list(dangling(tmp_path)) == ["a/c.html: ../b.html#end", "a/c.html: no.png"]


def test_shell_sees_a_wrong_output(tmp_path: Path) -> None:
    """A page whose command prints something else than it says fails."""
    shell = Shell(tmp_path, dict(os.environ))
    shell.block("$ echo one; echo two\none\n...\n$ printf x\nx\n", [])
    with pytest.raises(AssertionError, match="it prints"):
        shell.block("$ echo one\ntwo\n", [])
    with pytest.raises(AssertionError, match="false"):
        shell.block("$ false\n", [])
    shell.block("$ false\n", ["exit-1"])


def test_shell_leaves_running_until_ctrl_c(tmp_path: Path) -> None:
    """A command that is left running runs on, and must end well at Ctrl-C."""
    program = (
        "import signal\ntry:\n    print('ready', {}); signal.pause()\n"
        "except KeyboardInterrupt:\n    {}"
    )
    shell = Shell(tmp_path, dict(os.environ))
    shell.write("good.py", program.format(PORT_IN_PAGES, "pass"))
    shell.write("bad.py", program.format(1, "raise SystemExit(3)"))
    shell.block("$ python good.py\nready ...\n", ["leave-running"])
    shell.end()
    shell.block("$ python bad.py\nready 1\n", ["leave-running"])
    with pytest.raises(AssertionError, match="ended with 3"):
        shell.end()
