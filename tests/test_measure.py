"""What ``python docs/measure.py`` finds in the built documentation."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from docs.measure import measured, problems

SIDEBAR = """<!doctype html><body style="margin: 0">
<div class="sidebar-scroll" style="position: fixed; height: 800px"><div class="sidebar-tree">
<div class="current-page" style="margin-top: {}px"><a class="reference">here</a></div>
</div></div>"""

FAULTS = {
    "high.html": '<p style="height: 6001px">',
    "narrow.html": '<p style="width: 400px">wide',
    "picture.html": '<img src="no.png">',
    "wide.html": '<p style="width: 1300px">wide',
}


def test_it_sees_each_fault(tmp_path: Path) -> None:
    """A page that is too high, too wide, without its picture, or below the end of the sidebar."""
    if shutil.which("chromium") is None and not os.environ.get("CI"):
        pytest.skip("no chromium: apt-get install chromium")
    for name, text in {**FAULTS, "good.html": "<p>good</p>"}.items():
        (tmp_path / name).write_text(SIDEBAR.format(0) + text)
    (tmp_path / "lost.html").write_text(SIDEBAR.format(900))
    (tmp_path / "index.html").write_text("<!doctype html>")
    found = list(problems(measured(tmp_path)))
    assert found[1:3] == [
        "lost.html is not to be seen in the sidebar.",
        "narrow.html scrolls sideways: 400 pixels on a screen of 390.",
    ]
    assert found[0].startswith("high.html is 6,0")
    assert found[3].startswith("picture.html lacks pictures: http://127.0.0.1:")
    assert found[4:] == [
        "wide.html scrolls sideways: 1,300 pixels on a screen of 1,280.",
        "wide.html scrolls sideways: 1,300 pixels on a screen of 390.",
    ]
