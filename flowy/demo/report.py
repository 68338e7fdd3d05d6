"""What the demo shows: where it stands, the table of what history says, and whether it is right."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TextIO

from .files import MAX_FILES, MAX_READ_BYTES, Selection
from .plan import UNKNOWN
from .workflow import Event, Outcome, is_closed, outcomes

#: The bar is so many characters wide.
BAR_CHARS = 30

#: A longer name loses its middle, in characters.
MAX_NAME_CHARS = 44

#: Of a SHA-256 the table shows so many digits.
SHA_CHARS = 12

#: Of the skipped folders so many are named.
NAMED_FOLDERS = 5

_COLUMNS = ("activity", "outcome", "size", "lines", "words", "sha-256", "")
_NUMBERS = ("size", "lines", "words")


class Screen:
    """Writes plain text; on a terminal the bar is drawn in place, elsewhere a line a quarter."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._in_place = out.isatty()
        self._quarter = -1
        self._bar_is_open = False

    def line(self, text: str = "") -> None:
        """Write a line."""
        if self._bar_is_open:
            self._write("\n")
            self._bar_is_open = False
        self._write(text + "\n")

    def heading(self, *facts: tuple[str, str]) -> None:
        """Write what runs where, and on what."""
        self.line("Activities through Amazon SWF, on this machine.\n")
        for name, fact in facts:
            self.line(f"  {name:8}  {fact}")
        self.line()

    def bar(self, done: int, of: int, latest: str = "") -> None:
        """Show that *done* activities have ended."""
        filled = BAR_CHARS * done // of
        text = f"[{'#' * filled}{'.' * (BAR_CHARS - filled)}] {done}/{of}"
        if self._in_place:
            width = shutil.get_terminal_size().columns - 1
            self._write("\r" + f"{text}  {latest}"[:width].ljust(width))
            self._bar_is_open = True
        elif self._quarter < (quarter := 4 * done // of):
            self._quarter = quarter
            self.line(text)

    def output(self) -> os.stat_result | None:
        """Return what is known of the file that is written to."""
        try:
            return os.fstat(self._out.fileno())
        except (OSError, ValueError):
            return None

    def _write(self, text: str) -> None:
        encoding = self._out.encoding or "utf-8"
        self._out.write(text.encode(encoding, "backslashreplace").decode(encoding))
        self._out.flush()


def shown(text: str) -> str:
    """Return *text*, a file's name say, without what a terminal would obey or not show."""
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )


def input_lines(selection: Selection) -> list[tuple[str, str]]:
    """Return what is said of the input, each with a label: what it is, and what was left out."""
    count = len(selection.files)
    input_ = f"{count or 'no'} file{'s' * (count != 1)} of {shown(selection.folder)}"
    if selection.more:
        at_least = "" if selection.seen_all else "at least "
        input_ += f": the first {MAX_FILES}, there are {at_least}{selection.more:,} more"
    if not count:
        input_ += "; the other activities run all the same"
    lines = [("input", input_)]
    if selection.folders:
        names = [shown(name) for name in selection.folders[:NAMED_FOLDERS]]
        rest = len(selection.folders) - len(names)
        others = f" and {rest:,} more" if rest else ""
        lines.append(("skipped", f"hidden or environment: {', '.join(names)}{others}"))
    lines += [("skipped", f"{what}: {count}") for what, count in sorted(selection.others.items())]
    return lines


def history_lines(history: Sequence[Event], selection: Selection) -> list[str]:
    """Return the table of what SWF holds, and how many activities ended how."""
    found = outcomes(history).values()
    counts = Counter(outcome.text for outcome in found)
    return [
        f"SWF's history of the workflow, {len(history)} events, says:",
        "",
        *_table(found, selection),
        "",
        ", ".join(f"{number} {text}" for text, number in counts.items()) + ".",
    ]


def differences(
    history: Sequence[Event], expected: Mapping[str, Outcome], selection: Selection
) -> list[str]:
    """Return one sentence for each thing of which history does not say what it should.

    Args:
        history: what SWF holds.
        expected: what should have become of each activity, by activity id.
        selection: for the names of the files.
    """
    found = outcomes(history)
    problems = [] if is_closed(history) else ["The workflow has not completed."]
    for activity_id, right in expected.items():
        outcome = found.get(activity_id)
        name = _name(right, selection)
        if outcome is None:
            problems.append(f"{name} was never scheduled.")
        elif (outcome.kind, outcome.reason) != (right.kind, right.reason):
            problems.append(f"{name}: {_said(outcome)}, and should be {_said(right)}.")
        elif right.value is not UNKNOWN and outcome != right:
            problems.append(f"{name}: completed with another value than it should.")
    return problems


def _table(outcomes: Collection[Outcome], selection: Selection) -> list[str]:
    rows = [_COLUMNS, *(_row(outcome, selection) for outcome in outcomes)]
    widths = [max(len(row[number]) for row in rows) for number in range(len(_COLUMNS))]
    return [
        "  ".join(
            cell.rjust(width) if column in _NUMBERS else cell.ljust(width)
            for cell, width, column in zip(row, widths, _COLUMNS, strict=True)
        ).rstrip()
        for row in rows
    ]


def _row(outcome: Outcome, selection: Selection) -> tuple[str, ...]:
    name, value = _name(outcome, selection), outcome.value
    if outcome.name == "describe" and isinstance(value, dict):
        note = "" if value["whole"] else f"of the first {MAX_READ_BYTES // 1024 // 1024} MB"
        numbers = [f"{value[column]:,}" for column in _NUMBERS]
        return name, outcome.text, *numbers, value["sha256"][:SHA_CHARS], note
    note = outcome.reason
    if isinstance(value, dict) and "by_process" in value:
        note = f"by process {value['by_process']}"
    return name, outcome.text, "", "", "", "", shown(note)


def _name(outcome: Outcome, selection: Selection) -> str:
    if outcome.name == "describe" and outcome.args:
        name = shown(selection.relative(outcome.args[0]))
    else:
        name = f"({outcome.name} {shown(str(outcome.args[0]))})" if outcome.args else outcome.name
    half = MAX_NAME_CHARS // 2
    return name if len(name) <= MAX_NAME_CHARS else f"{name[: half - 3]}...{name[-half:]}"


def _said(outcome: Outcome) -> str:
    return outcome.text + (f" ({shown(outcome.reason)})" if outcome.reason else "")
