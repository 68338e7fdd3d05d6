"""Measures the built documentation in a browser: ``python docs/measure.py FOLDER``.

A page is not higher than 6,000 pixels on a screen that is 1,280 wide. No page scrolls sideways
there or on a phone, pictures are there, and the sidebar shows the page. Without Chromium, nothing
is measured, except where ``CI`` is set: there it must be installed.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

#: The limits, in pixels.
MAX_HEIGHT, WIDE, NARROW = 6_000, 1_280, 390

#: Pages that list everything, and the first one, which the sidebar does not list.
NOT_MEASURED = re.compile(r"(genindex|py-modindex|search)")
NOT_LISTED = "index.html"

#: Chromium's flags: without them it asks for hosts of Google's, and for a sandbox.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)

#: Shows all pages at once, and writes what it measures into itself.
SCRIPT = """
const sizes = {};
const frames = [...document.querySelectorAll('iframe')];
window.onload = () => {
    for (const frame of frames) {
        const page = frame.contentDocument, root = page.documentElement;
        const here = page.querySelector('.sidebar-tree .current-page > .reference');
        const end = page.querySelector('.sidebar-scroll')?.getBoundingClientRect().bottom;
        const place = here?.getBoundingClientRect();
        sizes[frame.title] = {
            height: root.scrollHeight,
            wide: root.scrollWidth,
            listed: place !== undefined && place.top >= 0 && place.bottom <= end,
            missing: [...page.images].filter((image) => !image.naturalWidth).map((i) => i.src),
        };
    }
    for (const frame of frames) frame.width = NARROW;
    for (const frame of frames)
        sizes[frame.title].narrow = frame.contentDocument.documentElement.scrollWidth;
    document.body.textContent = JSON.stringify(sizes);
};
"""


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder, and a page that shows all its pages."""

    def do_GET(self) -> None:
        """Answer a request."""
        if self.path != "/measure":
            super().do_GET()
            return
        data = _page(Path(self.directory)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def _page(folder: Path) -> str:
    names = [str(file.relative_to(folder)) for file in sorted(folder.rglob("*.html"))]
    frames = "".join(
        f'<iframe title="{name}" src="{name}" width="{WIDE}" height="800"></iframe>'
        for name in names
        if not NOT_MEASURED.match(name)
    )
    script = SCRIPT.replace("NARROW", str(NARROW))
    return f"<!doctype html><body>{frames}<script>{script}</script>"


def measured(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the sizes of each page in *folder*, by its path."""
    serve = functools.partial(Handler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), serve)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/measure"
        with tempfile.TemporaryDirectory() as profile:
            command = ["chromium", *FLAGS, f"--user-data-dir={profile}", "--dump-dom", url]
            ran = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    finally:
        server.shutdown()
        server.server_close()
    found = re.search(r"<body[^>]*>(\{.*\})", ran.stdout, re.DOTALL)
    if found is None:
        raise SystemExit(f"Chromium has measured nothing:\n{ran.stdout[:500]}{ran.stderr[-2000:]}")
    sizes: dict[str, dict[str, Any]] = json.loads(unescape(found[1]))
    return sizes


def problems(sizes: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield what is wrong, one sentence each."""
    for name, size in sizes.items():
        if size["height"] > MAX_HEIGHT:
            yield f"{name} is {size['height']:,} pixels high: {MAX_HEIGHT:,} are allowed."
        for width, limit in ((size["wide"], WIDE), (size["narrow"], NARROW)):
            if width > limit:
                yield f"{name} scrolls sideways: {width:,} pixels on a screen of {limit:,}."
        if size["missing"]:
            yield f"{name} lacks pictures: {', '.join(size['missing'])}."
        if not size["listed"] and name != NOT_LISTED:
            yield f"{name} is not to be seen in the sidebar."


def main() -> None:
    """Measure, and exit with what is wrong."""
    if shutil.which("chromium") is None:
        if os.environ.get("CI"):
            raise SystemExit("Cannot measure the documentation: Chromium is not installed.")
        sys.stdout.write("Not measured: Chromium is not installed.\n")
        return
    sizes = measured(Path(sys.argv[1]))
    if not sizes:
        raise SystemExit(f"Cannot measure: {sys.argv[1]} has no pages.")
    if found := list(problems(sizes)):
        raise SystemExit("\n".join(found))
    highest = max(sizes, key=lambda name: sizes[name]["height"])
    height = f"{sizes[highest]['height']:,} pixels"
    sys.stdout.write(f"{len(sizes)} pages. The highest: {highest}, {height}.\n")


if __name__ == "__main__":
    main()
