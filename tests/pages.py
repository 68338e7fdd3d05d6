"""How the examples of a page of the documentation are run.

Python blocks run in order in one module, and what stands in a ``.. invisible-code-block: python``
comment checks them; there ``shown`` is the text of the block before. A block with a ``:caption:``
is a file instead, written where the page's shell works. A ``console`` block is run: each line that
begins with ``$`` must print what stands below it (``...`` stands for anything) and end as the
block's ``:class:`` says:

``exit-N``
    the last command ends with the exit code N, not 0;
``leave-running``
    the last command is left running; at the end of the page Ctrl-C must end it with 0.
"""

from __future__ import annotations

import contextlib
import doctest
import os
import re
import select
import shlex
import signal
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

from sybil import Example

from tests.patience import PATIENCE_SECONDS
from tests.ports import free_port

#: The port that the pages give to ``flowy local``; the tests take a free one in its place.
PORT_IN_PAGES = "7933"

#: How often the polls of a process that is to end are answered, in seconds.
RELEASE_SECONDS = 0.1


class Shell:
    """What a reader would do in a terminal or two, in a folder of the page's own."""

    def __init__(
        self,
        folder: Path,
        environment: dict[str, str],
        release_polls: Callable[[], object] = lambda: None,
    ) -> None:
        self.folder = folder
        #: What a page has started for itself, and is to end after its commands.
        self.at_end = contextlib.ExitStack()
        self._release_polls = release_polls
        programs = Path(sys.executable).parent
        self._environment = {
            **environment,
            "PATH": f"{programs}{os.pathsep}{environment.get('PATH', '')}",
            "PYTHONUNBUFFERED": "1",
        }
        self._port = str(free_port())
        self._left: list[tuple[str, subprocess.Popen[str]]] = []

    def write(self, name: str, text: str) -> None:
        """Save a file that the page shows."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def block(self, text: str, classes: list[str]) -> None:
        """Run the commands of a console block."""
        commands = re.findall(r"^\$ (.*(?:\n> .*)*)\n?((?:(?!\$ ).*\n?)*)", text, re.MULTILINE)
        assert commands, f"no line begins with '$ ': {text}"
        codes = [int(name.removeprefix("exit-")) for name in classes if name.startswith("exit-")]
        for number, (shown, printed) in enumerate(commands, start=1):
            command = shown.replace("\n> ", "\n").replace(PORT_IN_PAGES, self._port)
            expected = printed.strip("\n").replace(PORT_IN_PAGES, self._port)
            last = number == len(commands)
            if last and "leave-running" in classes:
                self._leave_running(command, expected)
            elif command.startswith("export "):
                self._export(command)
            else:
                self._run(command, expected, codes[0] if last and codes else 0)

    def export(self, name: str, value: str) -> None:
        """Set a variable in the environment of the commands to come."""
        self._environment[name] = value

    def end(self) -> None:
        """Press Ctrl-C in each terminal that was left running, the youngest first."""
        with self.at_end:
            self._end_commands()

    def _end_commands(self) -> None:
        for _, process in reversed(self._left):
            # All at once: a worker waits for its poll, which an SWF that ends answers.
            process.send_signal(signal.SIGINT)
        problems = []
        for command, process in reversed(self._left):
            said = self._rest_of(process)
            if process.returncode:
                problems.append(f"{command!r} ended with {process.returncode}: {said}")
        self._left.clear()
        assert not problems, "\n".join(problems)

    def _rest_of(self, process: subprocess.Popen[str]) -> str:
        """Wait for the end of a process, which may wait for its poll; return what it says."""
        for _ in range(round(PATIENCE_SECONDS / RELEASE_SECONDS)):
            self._release_polls()  # again, because a poll may have been on its way
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.communicate(timeout=RELEASE_SECONDS)[0]
        process.kill()
        return process.communicate()[0]

    def _export(self, command: str) -> None:
        for word in shlex.split(command)[1:]:
            name, _, value = word.partition("=")
            self._environment[name] = value

    def _run(self, command: str, expected: str, code: int) -> None:
        ran = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE_SECONDS,
        )
        assert ran.returncode == code, f"$ {command}\n{ran.stdout}"
        _compare(command, expected, ran.stdout)

    def _leave_running(self, command: str, expected: str) -> None:
        first, then, last = command.rpartition("&& ")
        process = subprocess.Popen(
            ["bash", "-c", f"{first}{then}exec {last}"],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._left.append((command, process))
        assert process.stdout is not None
        said = b""
        while expected and not _same(expected, said.decode()):
            ready, _, _ = select.select([process.stdout], [], [], PATIENCE_SECONDS)
            more = os.read(process.stdout.fileno(), 65_536) if ready else b""
            if not more:  # it has ended, or says no more
                _compare(command, expected, said.decode())
            said += more


def _same(expected: str, printed: str) -> bool:
    return doctest.OutputChecker().check_output(
        f"{expected.strip()}\n",
        f"{printed.strip()}\n",
        doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE,
    )


def _compare(command: str, expected: str, printed: str) -> None:
    assert _same(expected, printed), (
        f"$ {command}\n--- the page says\n{expected}\n--- it prints\n{printed}"
    )


class Page:
    """Evaluates the blocks of one page."""

    def __init__(self, path: Path, shell: Shell) -> None:
        self.shell = shell
        #: The module in which the page's Python runs, as if it were a file of the reader's.
        self.module = types.ModuleType(f"page_{re.sub(r'[^a-z]', '_', path.stem)}")
        self.module.__file__ = str(path)

    def python(self, example: Example) -> None:
        """Run a Python block, or save it as the file that it is."""
        options = example.region.lexemes.get("options", {})
        if caption := options.get("caption"):
            self.shell.write(caption, example.parsed)
            compile(example.parsed, caption, "exec")
            return
        line = example.line + example.parsed.line_offset
        code = compile("\n" * line + example.parsed, example.path, "exec", dont_inherit=True)
        exec(code, self.module.__dict__)
        self.module.__dict__["shown"] = example.parsed

    def console(self, example: Example) -> None:
        """Run a console block."""
        classes = example.region.lexemes.get("options", {}).get("class", "").split()
        self.shell.block(example.parsed, classes)
