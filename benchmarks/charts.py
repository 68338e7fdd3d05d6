"""Charts of what the scenarios found, drawn as SVG: ``python -m benchmarks.charts FILE FOLDER``.

Bars only, with their figures beside them: whoever cannot see the colours reads the labels.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

#: Sizes, in pixels.
_WIDTH, _LABELS, _FIGURES = 720, 230, 70
_BAR, _GAP, _BETWEEN, _TOP = 16, 4, 14, 58

#: Light, and dark if the reader's system is; the colours of the bars suit both.
_STYLE = (
    "<style>text{font:13px system-ui,sans-serif;fill:#1d2430}.back{fill:#fbfbfa}"
    ".title{font-weight:600;font-size:15px}.group{font-weight:600}"
    "@media(prefers-color-scheme:dark){text{fill:#e6e8eb}.back{fill:#1a1d23}}</style>"
)

_COLOURS = ("#8a8f98", "#2563a8", "#8fb8de", "#c9772b")

#: How the page calls the contestants, and in which colour.
_NAMES = {
    "naive boto3 loop": ("loop by hand", 0),
    "a thread per slot": ("thread per slot, by hand", 0),
    "flowy": ("Flowy", 1),
    "flowy by botocore's HTTP": ("Flowy by botocore's HTTP", 2),
    "simpleflow": ("simpleflow", 3),
    "flowy, threads": ("Flowy, threads", 2),
    "flowy, coroutines": ("Flowy, coroutines", 1),
    "flowy, one process": ("Flowy, one process", 2),
    "flowy, two processes": ("Flowy, two processes", 1),
    "flowy, 10 polls out": ("Flowy, 10 polls out", 1),
    "flowy, 10 polls out by botocore's HTTP": ("the same by botocore's HTTP", 2),
    "flowy, registering a type": ("Flowy, registering a type", 1),
    "flowy, registering a type by botocore's HTTP": ("the same by botocore's HTTP", 2),
}


@dataclass(frozen=True)
class Bar:
    """One contestant's figure."""

    name: str
    value: float
    colour: int


@dataclass(frozen=True)
class Chart:
    """Bars in groups, each group with a title of its own."""

    file: str
    title: str
    groups: Sequence[tuple[str, Sequence[Bar]]]


#: Each chart: its file, its title, and its groups: title, scenario, column.
_CHARTS: Sequence[tuple[str, str, Sequence[tuple[str, str, str]]]] = (
    (
        "cpu",
        "CPU time a trivial task, ms (less is better)",
        (("plain HTTP", "serial", "CPU ms/task"), ("TLS", "tls", "CPU ms/task")),
    ),
    (
        "rate",
        "Tasks a second in one process (more is better)",
        (
            ("50 slots", "slots50", "tasks/s"),
            ("100 slots", "slots100", "tasks/s"),
            ("400 slots", "slots400", "tasks/s"),
            ("1,000 slots that wait for 2 s", "coroutines", "tasks/s"),
        ),
    ),
    (
        "p99",
        "From the poll to the answer of a 100 ms task, 99 of 100, ms (less is better)",
        (
            ("50 slots", "slots50", "p99 ms"),
            ("100 slots", "slots100", "p99 ms"),
            ("400 slots", "slots400", "p99 ms"),
        ),
    ),
    (
        "standing",
        "CPU time that no task has asked for, s (less is better)",
        (("a minute without a task", "idle", "CPU s/minute"), ("first poll", "start", "CPU s")),
    ),
)


def charts_of(findings: Mapping[str, Mapping[str, Any]]) -> list[Chart]:
    """Return the charts for which there are findings, by scenario."""
    charts = []
    for file, title, groups in _CHARTS:
        drawn = [
            (label, [_bar(row, column) for row in findings[scenario]["rows"] if row[column]])
            for label, scenario, column in groups
            if scenario in findings
        ]
        if drawn:
            charts.append(Chart(file, title, drawn))
    return charts


def _bar(row: Mapping[str, Any], column: str) -> Bar:
    name, colour = _NAMES.get(row[""], (row[""], 3))
    return Bar(name, row[column], colour)


def svg(chart: Chart) -> str:
    """Draw a chart."""
    greatest = max(bar.value for _, bars in chart.groups for bar in bars)
    room = _WIDTH - _LABELS - _FIGURES
    lines, y = [], _TOP
    for label, bars in chart.groups:
        lines.append(f'<text x="12" y="{y - 6}" class="group">{escape(label)}</text>')
        for bar in bars:
            length = max(1.0, room * bar.value / greatest)
            middle = y + _BAR - 4
            lines += [
                f'<text x="{_LABELS - 8}" y="{middle}" text-anchor="end">{escape(bar.name)}</text>',
                f'<rect x="{_LABELS}" y="{y}" width="{length:.1f}" height="{_BAR}" '
                f'fill="{_COLOURS[bar.colour]}"/>',
                f'<text x="{_LABELS + length + 6:.1f}" y="{middle}">{_figure(bar.value)}</text>',
            ]
            y += _BAR + _GAP
        y += _BETWEEN + _BAR
    height = y - _BAR
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
            f'role="img" aria-label="{escape(chart.title)}">',
            _STYLE,
            f'<rect class="back" width="{_WIDTH}" height="{height}" rx="6"/>',
            f'<text x="12" y="24" class="title">{escape(chart.title)}</text>',
            *lines,
            "</svg>",
            "",
        ]
    )


def _figure(value: float) -> str:
    return f"{value:.2g}" if value < 1 else f"{value:.3g}" if value < 100 else f"{value:,.0f}"


def draw(findings: Mapping[str, Mapping[str, Any]], folder: Path) -> list[Path]:
    """Write each chart as ``performance-NAME.svg`` and return the files."""
    files = []
    for chart in charts_of(findings):
        file = folder / f"performance-{chart.file}.svg"
        file.write_text(svg(chart), encoding="utf-8")
        files.append(file)
    return files


def main() -> None:
    """Draw what an earlier run has found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.charts", description=__doc__)
    parser.add_argument("findings", type=Path, help="what --json wrote")
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    said = json.loads(options.findings.read_text(encoding="utf-8"))
    for file in draw({each["scenario"]: each for each in said["findings"]}, options.folder):
        print(file)


if __name__ == "__main__":
    main()
