"""Draws the diagrams of the documentation: ``python docs/draw.py``.

Each file ``docs/diagrams/NAME.txt`` describes a drawing, one thing a line, and becomes ``NAME.svg``
beside it. ``tests/test_diagrams.py`` fails if the two are not in step. Lengths are in pixels, and a
line that begins with ``#`` is a comment:

``size WIDTH HEIGHT``
    the size of the drawing.
``title "TEXT"``
    what the drawing is, for whoever cannot see it.
``box NAME X Y WIDTH HEIGHT [LOOK] "HEAD" ["LINE" ...]``
    a box; the look is ``swf``, ``flowy``, ``yours``, ``end``, or ``frame``, with the text on top.
``bar X Y WIDTH HEIGHT [LOOK] "TEXT"``
    a span on a time line; its text may be empty.
``arrow POINT POINT [POINT ...] [STYLE] ["LABEL" X Y ANCHOR]``
    an arrow through the points. A point is ``X,Y``, or a side of a box and how far from its middle:
    ``swf.left``, ``swf.left-20``. The style is ``plain``, ``both`` (a head at each end) or
    ``dashed``.
``line POINT POINT [POINT ...] [STYLE]``
    the same without a head.
``text X Y ANCHOR [WEIGHT] "TEXT"``
    a text; its anchor is ``start``, ``middle`` or ``end``, its weight ``strong``, ``small`` or
    ``code``.

The drawings follow the reader's light or dark mode, and have a background of their own: on a page
whose mode differs they can be read, too.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "diagrams"

LOOKS = ("plain", "swf", "flowy", "yours", "end", "frame")
STYLES = ("plain", "both", "dashed")
WEIGHTS = ("plain", "strong", "small", "code")

#: The height of a line of text.
LINE = 17

#: The width of a character by weight: a guess, to find texts that overflow.
CHARACTER = {"plain": 6.7, "strong": 7.1, "small": 6.2, "code": 7.3}

#: Fill and stroke of each look, and ink, muted ink and background; light, then dark.
COLOURS = {
    "ink": ("#1d2430", "#e6e8eb"),
    "muted": ("#5a6372", "#a9b1be"),
    "back": ("#fbfbfa", "#1a1d23"),
    "plain": ("#ffffff #b5bcc7", "#262b33 #566070"),
    "swf": ("#eceef1 #8a8f98", "#30353e #8a93a1"),
    "flowy": ("#e3edf8 #2563a8", "#1e3350 #6ea8e6"),
    "yours": ("#fbeee0 #c9772b", "#40301d #e0a060"),
    "end": ("#e8f3e8 #4b8a4b", "#203524 #7cba7c"),
    "frame": ("none #8a8f98", "none #8a93a1"),
}


class DrawingError(ValueError):
    """A description that cannot be drawn."""


@dataclass(frozen=True)
class Box:
    """A box, to whose sides arrows lead."""

    x: float
    y: float
    width: float
    height: float

    def side(self, name: str, offset: float) -> tuple[float, float]:
        """Return the middle of a side, moved along the side."""
        middle, centre = self.x + self.width / 2 + offset, self.y + self.height / 2 + offset
        return {
            "left": (self.x, centre),
            "right": (self.x + self.width, centre),
            "top": (middle, self.y),
            "bottom": (middle, self.y + self.height),
        }[name]


def _style() -> str:
    def rules(mode: int) -> str:
        found = [f"text{{fill:{COLOURS['ink'][mode]}}}.small{{fill:{COLOURS['muted'][mode]}}}"]
        found.append(f".back{{fill:{COLOURS['back'][mode]}}}")
        muted = COLOURS["muted"][mode]
        found.append(f".wire{{stroke:{muted}}}.head{{fill:{muted}}}")
        for look in LOOKS:
            fill, stroke = COLOURS[look][mode].split()
            found.append(f"rect.{look}{{fill:{fill};stroke:{stroke}}}")
        return "".join(found)

    return (
        "<style>text{font:13px system-ui,sans-serif}.strong{font-weight:600}.small{font-size:12px}"
        ".code{font:12px ui-monospace,monospace}.wire{fill:none;stroke-width:1.5}"
        f".dashed{{stroke-dasharray:5 4}}rect.frame{{stroke-dasharray:3 3}}{rules(0)}"
        f"@media(prefers-color-scheme:dark){{{rules(1)}}}</style>"
    )


@dataclass
class Drawing:
    """One drawing, as its description is read line by line."""

    width: float = 0
    height: float = 0
    name: str = ""
    boxes: dict[str, Box] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)

    def size(self, words: list[str]) -> None:
        """Take the size."""
        self.width, self.height = map(float, words)

    def title(self, words: list[str]) -> None:
        """Take the title."""
        (self.name,) = words

    def box(self, words: list[str]) -> None:
        """Draw a box with its lines of text, in the middle or, in a frame, at the top."""
        name, *words = words
        box = self.boxes[name] = Box(*map(float, words[:4]))
        look, lines = _choice(words[4:], LOOKS)
        self._rectangle(box, look, 6)
        y = box.y + (box.height - LINE * len(lines)) / 2 + 13
        if look == "frame":
            y = box.y + 18
        for number, line in enumerate(lines):
            weight = "small" if number else "strong"
            self._text(box.x + box.width / 2, y + number * LINE, "middle", weight, line)
            self._fits(line, weight, box.width)

    def bar(self, words: list[str]) -> None:
        """Draw a span of time."""
        box = Box(*map(float, words[:4]))
        look, (line,) = _choice(words[4:], LOOKS)
        self._rectangle(box, look, 3)
        if line:
            middle = box.y + box.height / 2 + 4.5
            self._text(box.x + box.width / 2, middle, "middle", "plain", line)
            self._fits(line, "plain", box.width)

    def arrow(self, words: list[str]) -> None:
        """Draw an arrow, and its label."""
        words, points = self._points(words)
        style, words = _choice(words, STYLES)
        self._wire(points, style)
        self._head(points[-2], points[-1])
        if style == "both":
            self._head(points[1], points[0])
        if words:
            label, x, y, anchor = words
            self._text(float(x), float(y), anchor, "plain", label)

    def line(self, words: list[str]) -> None:
        """Draw a line."""
        words, points = self._points(words)
        style, _ = _choice(words, STYLES)
        self._wire(points, style)

    def text(self, words: list[str]) -> None:
        """Draw a text."""
        x, y, anchor, *words = words
        weight, (line,) = _choice(words, WEIGHTS)
        self._text(float(x), float(y), anchor, weight, line)

    def svg(self) -> str:
        """Return the whole drawing."""
        size = f"{self.width:g} {self.height:g}"
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" '
                f'width="{self.width:g}" height="{self.height:g}" role="img" '
                f'aria-label="{escape(self.name)}">',
                _style(),
                f'<rect class="back" width="{self.width:g}" height="{self.height:g}" rx="6"/>',
                *self.parts,
                "</svg>",
                "",
            ]
        )

    def _points(self, words: list[str]) -> tuple[list[str], list[tuple[float, float]]]:
        points = []
        while words and (found := re.fullmatch(r"(\w+)\.(\w+)([+-]\d+)?|(-?\d+),(\d+)", words[0])):
            name, side, offset, x, y = found.groups()
            points.append(
                self.boxes[name].side(side, float(offset or 0)) if name else (float(x), float(y))
            )
            words = words[1:]
        return words, points

    def _wire(self, points: Sequence[tuple[float, float]], style: str) -> None:
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        dashed = " dashed" if style == "dashed" else ""
        self.parts.append(f'<polyline class="wire{dashed}" points="{path}"/>')

    def _head(self, before: tuple[float, float], tip: tuple[float, float]) -> None:
        (x, y), (to_x, to_y) = before, tip
        length = ((to_x - x) ** 2 + (to_y - y) ** 2) ** 0.5
        along_x, along_y = (to_x - x) / length, (to_y - y) / length
        back_x, back_y = to_x - 9 * along_x, to_y - 9 * along_y
        corners = [
            (to_x, to_y),
            (back_x - 4 * along_y, back_y + 4 * along_x),
            (back_x + 4 * along_y, back_y - 4 * along_x),
        ]
        path = " ".join(f"{x:.4g},{y:.4g}" for x, y in corners)
        self.parts.append(f'<polygon class="head" points="{path}"/>')

    def _rectangle(self, box: Box, look: str, radius: int) -> None:
        self.parts.append(
            f'<rect class="{look}" x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" '
            f'height="{box.height:g}" rx="{radius}"/>'
        )

    def _text(self, x: float, y: float, anchor: str, weight: str, line: str) -> None:
        width = len(line) * CHARACTER[weight]
        left = {"start": x, "middle": x - width / 2, "end": x - width}[anchor]
        if left < 0 or left + width > self.width or y > self.height:
            raise DrawingError(f"{line!r} does not fit into the drawing")
        look = "" if weight == "plain" else f' class="{weight}"'
        self.parts.append(
            f'<text{look} x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(line)}</text>'
        )

    def _fits(self, line: str, weight: str, width: float) -> None:
        if len(line) * CHARACTER[weight] > width:
            raise DrawingError(f"{line!r} is wider than {width:g} pixels")


def _choice(words: list[str], choices: tuple[str, ...]) -> tuple[str, list[str]]:
    """Take the first word if it is one of the choices; the first choice stands in for it."""
    if words and words[0] in choices:
        return words[0], words[1:]
    return choices[0], words


def draw(description: str) -> str:
    """Return the SVG of a description."""
    drawing = Drawing()
    verbs: dict[str, Callable[[list[str]], None]] = {
        name: getattr(drawing, name)
        for name in ("size", "title", "box", "bar", "arrow", "line", "text")
    }
    for number, line in enumerate(description.splitlines(), start=1):
        words = shlex.split(line, comments=True)
        if not words:
            continue
        try:
            verbs[words[0]](words[1:])
        except (KeyError, ValueError) as error:
            raise DrawingError(f"Cannot draw line {number}, {line!r}: {error}") from error
    return drawing.svg()


def main() -> None:
    """Draw everything again."""
    for file in sorted(FOLDER.glob("*.txt")):
        svg = draw(file.read_text(encoding="utf-8"))
        file.with_suffix(".svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
