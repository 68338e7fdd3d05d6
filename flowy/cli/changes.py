"""Changing many things of SWF's by one command: what they are, a question, one call for each.

Nobody can undo a termination. So the things are shown before anything happens, and whoever types
the command is asked; scripts say ``--yes``, and ``--dry-run`` only shows.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ..exception import AlreadyExistsError, DeprecatedError, UnknownResourceError
from .exit_codes import ExitCode
from .tables import print_json, print_table, print_table_to
from .terminal import say
from .waiting import waiting

T = TypeVar("T")

#: Rows that are shown before the question, at most.
MAX_ROWS_SHOWN = 20

#: How a change can end, as ``--json`` says it: a dry run ends with None.
DONE, NOT_NEEDED = "done", "not needed"


@dataclass(frozen=True)
class Change(Generic[T]):
    """One kind of change.

    Attributes:
        verb: what is done, as a question begins: ``Terminate``.
        done: what was done, as a sentence begins: ``Terminated``.
        not_needed: why nothing was left to do for some, as a sentence goes on: ``had closed
            already``.
        nothing: why there is nothing to do if no thing was found, as a sentence goes on.
        nouns: what is changed, one and many: ``execution``, ``executions``.
        call: makes the change.
        headings: those of the table.
        row: the cells of one thing.
        shown: the fields of one thing for ``--json``; ``change`` is added.
    """

    verb: str
    done: str
    not_needed: str
    nothing: str
    nouns: tuple[str, str]
    call: Callable[[T], None]
    headings: Sequence[str]
    row: Callable[[T], Sequence[str]]
    shown: Callable[[T], Mapping[str, Any]]

    def counted(self, count: int) -> str:
        """Return a number of things with their noun."""
        return f"{count:,} {self.nouns[count != 1]}"


def add_change_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--yes`` and ``--dry-run``."""
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help="only show what would be changed")


def carry_out(change: Change[T], things: Sequence[T], given: argparse.Namespace) -> ExitCode:
    """Show the things, ask, and change each.

    Things that need no change any more, because somebody else was faster, are counted.

    Raises:
        SWFError: a change was refused or did not get through. The line before it says how many
            were made.
    """
    if not things:
        say(f"Nothing to do: {change.nothing}.")
    elif given.dry_run:
        if not given.json:
            print_table(change.headings, map(change.row, things))
        say(f"A dry run: {change.counted(len(things))} would be changed.")
    elif not given.yes and not _confirmed(change, things):
        return ExitCode.REFUSED
    ends: list[str | None] = [None] * len(things)
    try:
        if not given.dry_run:
            made = f"{change.verb} {change.counted(len(things))}"
            with waiting(lambda: f"{made}, {len(things) - ends.count(None):,} done"):
                for number, thing in enumerate(things):
                    ends[number] = _end(change, thing)
    finally:
        if given.json:
            print_json({**change.shown(thing), "change": end} for thing, end in _both(things, ends))
        elif things and not given.dry_run:
            _print_summary(change, ends)
    return ExitCode.FINE


def _end(change: Change[T], thing: T) -> str:
    try:
        change.call(thing)
    except (UnknownResourceError, DeprecatedError, AlreadyExistsError):
        return NOT_NEEDED
    return DONE


def _both(things: Sequence[T], ends: Sequence[str | None]) -> Iterable[tuple[T, str | None]]:
    return zip(things, ends, strict=True)


def _print_summary(change: Change[T], ends: Sequence[str | None]) -> None:
    text = f"{change.done} {change.counted(ends.count(DONE))}"
    if late := ends.count(NOT_NEEDED):
        text += f"; {late:,} {change.not_needed}"
    if left := ends.count(None):
        text += f"; {left:,} not done"
    print(f"{text}.")


def _confirmed(change: Change[T], things: Sequence[T]) -> bool:
    """Show the things on standard error and ask; say what to do if the answer is not yes."""
    print_table_to(sys.stderr, change.headings, map(change.row, things[:MAX_ROWS_SHOWN]))
    if (more := len(things) - MAX_ROWS_SHOWN) > 0:
        print(f"and {more:,} more {change.nouns[more != 1]}", file=sys.stderr)
    question = f"{change.verb} {change.counted(len(things))}? [y/N] "
    print(question, end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    if answer.strip().lower() in ("y", "yes"):
        return True
    if not answer.endswith("\n"):
        print(file=sys.stderr)
    say("Nothing was changed. Answer y, or give --yes.")
    return False
