"""A real browser for the tests: headless Chromium, driven by WebDriver over plain HTTP.

Debian's packages ``chromium`` and ``chromium-driver``. At a desk without them the tests that need
a browser are skipped; where ``CI`` is set they fail.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

#: Without these Chromium asks for hosts of Google's, and for a sandbox that root cannot have.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)

#: How WebDriver marks an element in its answers.
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"

#: How long a page may take to become what a test waits for, in seconds.
WAIT_SECONDS = 30.0


class Browser:
    """One window."""

    def __init__(self, driver_url: str, profile: Path) -> None:
        self._driver_url = driver_url
        options = {"args": [*FLAGS, f"--user-data-dir={profile}"]}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options}
        self._session = ""
        answer = self._post("/session", capabilities={"alwaysMatch": wanted})
        self._session = f"/session/{answer['sessionId']}"

    def open(self, url: str) -> None:
        """Go to a page."""
        self._post("/url", url=url)

    def resize(self, width: int, height: int) -> None:
        """Set the size of the window, in pixels."""
        self._post("/window/rect", width=width, height=height)

    @property
    def url(self) -> str:
        """Where it is."""
        return str(self._call("GET", "/url"))

    @property
    def text(self) -> str:
        """What a reader sees."""
        return str(self.run("return document.body ? document.body.innerText : ''"))

    def run(self, script: str, *arguments: Any) -> Any:
        """Run JavaScript in the page."""
        return self._post("/execute/sync", script=script, args=list(arguments))

    def find(self, xpath: str) -> str:
        """The first element that fits, waited for."""
        return self.wait_for(lambda: next(iter(self.all(xpath)), None), xpath)

    def all(self, xpath: str) -> list[str]:
        """All elements that fit now."""
        found = self._post("/elements", using="xpath", value=xpath)
        return [each[_ELEMENT] for each in found]

    def click(self, xpath: str) -> None:
        """Click an element, as a mouse would."""
        self._on_element(xpath, lambda element: self._post(f"/element/{element}/click"))

    def double_click(self, xpath: str) -> None:
        """Click an element twice, as fast as a hand that is used to icons."""
        presses = [{"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp") * 2]

        def press(element: str) -> None:
            there = {"type": "pointerMove", "origin": {_ELEMENT: element}, "x": 0, "y": 0}
            mouse = {"type": "pointer", "id": "mouse", "actions": [there, *presses]}
            self._post("/actions", actions=[mouse])

        self._on_element(xpath, press)

    def write(self, xpath: str, text: str) -> None:
        """Type into a field."""
        self._on_element(xpath, lambda element: self._post(f"/element/{element}/value", text=text))

    def screenshot(self, path: Path) -> None:
        """Save what the window shows, as PNG."""
        path.write_bytes(base64.b64decode(self._call("GET", "/screenshot")))

    def dark(self, dark: bool) -> None:
        """Say that the reader prefers dark pages, or light ones."""
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._post(
            "/goog/cdp/execute",
            cmd="Emulation.setEmulatedMedia",
            params={"features": [feature]},
        )

    def wait_for(self, look: Callable[[], T | None], what: str) -> T:
        """Look again and again until there is something true, and return it."""
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            try:
                if seen := look():
                    return seen
            except urllib.error.HTTPError:
                pass  # the page was just being replaced
            threading.Event().wait(0.05)  # there is nothing to wait on in another's page
        raise AssertionError(f"not seen in {WAIT_SECONDS:g} s: {what}. The page says:\n{self.text}")

    def wait_for_text(self, text: str) -> None:
        """Wait until the page says *text*."""
        self.wait_for(lambda: text in self.text, text)

    def close(self) -> None:
        """Close the window, and the browser with it."""
        self._call("DELETE", "")

    def _on_element(self, xpath: str, do: Callable[[str], object]) -> None:
        """Do something to an element; a page that reloads takes it away, and it is sought anew."""

        def done() -> bool:
            found = self.all(xpath)
            if found:
                do(found[0])
            return bool(found)

        self.wait_for(done, xpath)

    def _post(self, path: str, **parameters: Any) -> Any:
        return self._call("POST", path, parameters)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self._driver_url}{self._session}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            return json.load(answer)["value"]


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser with a profile of its own below *folder*, while the block runs."""
    driver = shutil.which("chromedriver")
    if driver is None or shutil.which("chromium") is None:
        if os.environ.get("CI"):
            pytest.fail("chromium and chromium-driver are not installed: apt-get install them")
        pytest.skip("chromium and chromium-driver are not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [driver, f"--port={port}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:  # reading blocks; the test's timeout is its limit
            if "started successfully" in line:
                break
        window = Browser(f"http://127.0.0.1:{port}", folder / "profile")
        try:
            yield window
        finally:
            window.close()
    finally:
        process.terminate()
        process.communicate()
