"""Draws the dashboard as an SVG picture, from a Prometheus alone, without Grafana.

    python draw.py --prometheus http://127.0.0.1:9090 --minutes 30 dashboard.svg

The panels, their queries and their places are those of ``dashboard.json``.
"""

from __future__ import annotations

import argparse
import json
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

#: One step of the dashboard's grid, in pixels.
_STEP_X, _STEP_Y = 46, 26

_COLOURS = ("#2563a8", "#c9772b", "#2f8f5b", "#b3364a", "#7a5bb5", "#8a8f98")

_STYLE = """
text{font:12px system-ui,sans-serif;fill:#1d2430}.title{font-weight:600}.stat{font-size:26px}
.axis{font-size:10px;fill:#606873}.back{fill:#f1f2f4}.panel{fill:#fff;stroke:#d5d9de}
.grid{stroke:#e3e6ea}
@media(prefers-color-scheme:dark){text{fill:#e6e8eb}.axis{fill:#a3abb5}.back{fill:#15181d}
.panel{fill:#1d2127;stroke:#363c45}.grid{stroke:#30353d}}
"""


class Box(NamedTuple):
    """A rectangle, in pixels."""

    x: float
    y: float
    width: float
    height: float


class Series(NamedTuple):
    """One line of a panel: what it is called, and its points as (time, value)."""

    name: str
    points: Sequence[tuple[float, float]]


class Prometheus:
    """Answers the panels' queries for the last minutes."""

    def __init__(self, url: str, minutes: float, rate: str, job: str) -> None:
        self._url = url.rstrip("/")
        self.end = time.time()
        self.start = self.end - minutes * 60
        self._variables = {"job": job, "instance": ".*", "__rate_interval": rate}

    def series(self, target: Mapping[str, str]) -> list[Series]:
        query = target["expr"]
        for name, value in self._variables.items():
            query = query.replace(f"${name}", value)
        given = urllib.parse.urlencode(
            {
                "query": query,
                "start": self.start,
                "end": self.end,
                "step": max(1.0, (self.end - self.start) / 200),
            }
        )
        with urllib.request.urlopen(f"{self._url}/api/v1/query_range?{given}", timeout=30) as said:
            found = json.load(said)["data"]["result"]
        return [
            Series(_named(target.get("legendFormat", ""), each["metric"]), list(_points(each)))
            for each in found
        ]


def _named(legend: str, labels: Mapping[str, str]) -> str:
    for label, value in labels.items():
        legend = legend.replace("{{" + label + "}}", value)
    return legend


def _points(result: Mapping[str, Any]) -> Iterator[tuple[float, float]]:
    for at, text in result["values"]:
        value = float(text)
        if value == value:  # a quantile of nothing is not a number
            yield float(at), value


def _figure(value: float, unit: str) -> str:
    if unit == "percentunit":
        return f"{value:.0%}"
    if unit == "s":
        return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"
    text = f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"
    return f"{text}/s" if unit == "ops" else text


def _stat(box: Box, series: Sequence[Series], unit: str) -> Iterator[str]:
    last = next((each.points[-1][1] for each in series if each.points), None)
    text = "no data" if last is None else _figure(last, unit)
    yield (
        f'<text x="{box.x + box.width / 2:.0f}" y="{box.y + box.height / 2 + 20:.0f}" '
        f'class="stat" text-anchor="middle">{escape(text)}</text>'
    )


def _lines(
    box: Box, series: Sequence[Series], unit: str, start: float, end: float
) -> Iterator[str]:
    plot = Box(box.x + 52, box.y + 34, box.width - 66, box.height - 66)
    greatest = max((value for each in series for _, value in each.points), default=0.0) or 1.0
    for part in (0, 0.5, 1):
        y = plot.y + plot.height * (1 - part)
        yield (
            f'<line x1="{plot.x}" x2="{plot.x + plot.width:.0f}" y1="{y:.1f}" y2="{y:.1f}" '
            f'class="grid"/><text x="{plot.x - 6}" y="{y + 3:.1f}" class="axis" '
            f'text-anchor="end">{escape(_figure(greatest * part, unit))}</text>'
        )
    x = box.x + 12.0
    for number, each in enumerate(series):
        colour = _COLOURS[number % len(_COLOURS)]
        points = " ".join(
            f"{plot.x + plot.width * (at - start) / (end - start):.1f},"
            f"{plot.y + plot.height * (1 - value / greatest):.1f}"
            for at, value in each.points
        )
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        if x + 7 * len(each.name) < box.x + box.width:  # the legend has one line
            y = box.y + box.height - 12
            yield f'<rect x="{x:.0f}" y="{y - 8:.0f}" width="10" height="3" fill="{colour}"/>'
            yield f'<text x="{x + 14:.0f}" y="{y:.0f}" class="axis">{escape(each.name)}</text>'
            x += 26 + 5.6 * len(each.name)


def _panel(panel: Mapping[str, Any], prometheus: Prometheus) -> Iterator[str]:
    at = panel["gridPos"]
    box = Box(
        at["x"] * _STEP_X + 8, at["y"] * _STEP_Y + 40, at["w"] * _STEP_X - 8, at["h"] * _STEP_Y - 8
    )
    unit = panel["fieldConfig"]["defaults"].get("unit", "none")
    series = [each for target in panel["targets"] for each in prometheus.series(target)]
    yield (
        f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="4" '
        f'class="panel"/><text x="{box.x + 12}" y="{box.y + 20}" class="title">'
        f"{escape(panel['title'])}</text>"
    )
    if panel["type"] == "stat":
        yield from _stat(box, series, unit)
    else:
        yield from _lines(box, series, unit, prometheus.start, prometheus.end)


def draw(dashboard: Mapping[str, Any], prometheus: Prometheus) -> str:
    """Return the picture."""
    width = 24 * _STEP_X + 8
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    height = max(at["y"] + at["h"] for at in places) * _STEP_Y + 48
    parts = [part for panel in dashboard["panels"] for part in _panel(panel, prometheus)]
    title = escape(dashboard["title"])
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
            f'aria-label="The dashboard {title}">',
            f"<style>{_STYLE}</style>",
            f'<rect width="{width}" height="{height}" rx="6" class="back"/>',
            f'<text x="16" y="26" class="title">{title}</text>',
            *parts,
            "</svg>",
            "",
        ]
    )


def main() -> None:
    """Ask Prometheus, and write the picture."""
    parser = argparse.ArgumentParser(description="Draw the dashboard as an SVG picture.")
    parser.add_argument("--prometheus", metavar="URL", default="http://127.0.0.1:9090")
    parser.add_argument("--minutes", type=float, default=30, help="how far back (30)")
    parser.add_argument("--rate", default="1m", help="over which time rates are taken (1m)")
    parser.add_argument("--job", default="flowy", help="the scrape job of the workers (flowy)")
    parser.add_argument("picture", type=Path, help="the file to write")
    given = parser.parse_args()
    dashboard = json.loads(Path(__file__).with_name("dashboard.json").read_text(encoding="utf-8"))
    prometheus = Prometheus(given.prometheus, given.minutes, given.rate, given.job)
    given.picture.write_text(draw(dashboard, prometheus), encoding="utf-8")


if __name__ == "__main__":
    main()
