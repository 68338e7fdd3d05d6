"""The documentation's diagrams are in step with their descriptions."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from docs.draw import FOLDER, DrawingError, draw

ROOT = Path(__file__).resolve().parent.parent
DESCRIPTIONS = sorted(FOLDER.glob("*.txt"))


@pytest.mark.parametrize("path", DESCRIPTIONS, ids=lambda path: path.stem)
def test_the_drawing_is_what_the_description_says(path: Path) -> None:
    """``python docs/draw.py`` would change nothing; the SVG is XML and has an alternative text."""
    svg = draw(path.read_text(encoding="utf-8"))
    drawn = path.with_suffix(".svg").read_text(encoding="utf-8")
    assert drawn == svg, f"run python docs/draw.py: {path.stem} is out of step"
    assert len(ET.fromstring(svg).attrib["aria-label"]) > 60


def test_each_drawing_is_shown_and_each_shown_is_there() -> None:
    """No drawing is left over, none is missing, and each has an alternative text on its page."""
    pages = [ROOT / "README.rst", *(ROOT / "docs").rglob("*.rst")]
    shown = set()
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for name, alt in re.findall(
            r"^\.\. image:: \S*diagrams/(\S+)\.svg\n    :alt: (.*)", text, re.MULTILINE
        ):
            assert alt, page
            shown.add(name)
    assert shown == {path.stem for path in DESCRIPTIONS}
    assert shown == {path.stem for path in FOLDER.glob("*.svg")}


def test_a_drawing_follows_the_mode() -> None:
    """Dark mode has colours of its own, for each look."""
    light, dark = draw("size 10 10").split("prefers-color-scheme:dark")
    looks = re.findall(r"rect\.(\w+)\{fill", light)
    assert re.findall(r"rect\.(\w+)\{fill", dark) == looks
    assert set(re.findall(r"#\w{6}", light)) & set(re.findall(r"#\w{6}", dark)) == set()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('box a 40 0 20 20 "too wide"', "wider than 20"),
        ('text 90 20 start "beyond the edge"', "does not fit"),
        ("arrow nowhere.left 1,1", "nowhere"),
        ("circle 1 1", "circle"),
    ],
)
def test_what_cannot_be_drawn_says_which_line(line: str, why: str) -> None:
    """A text that overflows, or a name that does not exist, is an error, not a wrong picture."""
    with pytest.raises(DrawingError, match=f"Cannot draw line 2.*{why}"):
        draw(f"size 100 100\n{line}")
