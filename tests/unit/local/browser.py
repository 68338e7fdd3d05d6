"""A headless Chromium for tests, driven by WebDriver over plain HTTP."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.patience import PATIENCE_SECONDS

Value = TypeVar("Value")

_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,900",
]


def require_browser() -> None:
    """Skip the test if Chromium is missing; fail it if ``CI`` is set."""
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"{' and '.join(missing)} missing: apt-get install chromium chromium-driver")
    assert not missing, f"{' and '.join(missing)} missing, and CI is set"


class Browser:
    """One browser with one window.

    Args:
        folder: a new, empty folder for its profile.
    """

    def __init__(self, folder: Path) -> None:
        self._driver = subprocess.Popen(
            ["chromedriver", "--port=0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._session = ""
        try:
            assert self._driver.stdout is not None
            # "ChromeDriver was started successfully on port 45678."
            ready = next(line for line in self._driver.stdout if "successfully on port" in line)
            self._url = f"http://127.0.0.1:{ready.rstrip().rstrip('.').rpartition(' ')[2]}"
            options = {
                "binary": shutil.which("chromium"),
                "args": [*_FLAGS, f"--user-data-dir={folder}"],
            }
            capabilities = {
                "goog:chromeOptions": options,
                "goog:loggingPrefs": {"browser": "ALL"},
            }
            made = self._call("POST", "", {"capabilities": {"alwaysMatch": capabilities}})
            self._session = f"/{made['sessionId']}"
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the browser and its driver."""
        try:
            if self._session:
                self._call("DELETE", "")
        finally:
            self._driver.terminate()
            self._driver.communicate()

    def open(self, url: str) -> None:
        """Open a page."""
        self._call("POST", "/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a JavaScript function with this body and return its result."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def text(self, selector: str) -> str:
        """The visible text of the first element that matches; empty if there is none."""
        return str(
            self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector)
        )

    def texts(self, selector: str) -> list[str]:
        """The visible text of each element that matches."""
        found = "return [...document.querySelectorAll(arguments[0])].map((e) => e.innerText)"
        return [str(each) for each in self.run(found, selector)]

    def click(self, selector: str) -> None:
        """Click on the first element that matches, as a person does."""

        def clicked() -> bool:
            found = self._call("POST", "/element", {"using": "css selector", "value": selector})
            try:
                self._call("POST", f"/element/{next(iter(found.values()))}/click", {})
            except AssertionError as error:
                # The page replaced the element between the two calls.
                if "stale element" not in str(error):
                    raise
                return False
            return True

        self.until(clicked)

    def type(self, selector: str, text: str) -> None:
        """Type into the first element that matches."""
        found = self._call("POST", "/element", {"using": "css selector", "value": selector})
        self._call("POST", f"/element/{next(iter(found.values()))}/value", {"text": text})

    def until(self, look: Callable[[], Value]) -> Value:
        """Call *look* until it returns something true, and return that."""
        ends = time.monotonic() + PATIENCE_SECONDS
        while not (seen := look()):
            assert time.monotonic() < ends, f"not seen in time: {self.text('body')}"
            # Wait until the page has drawn a frame.
            frame = "const done = arguments[0]; requestAnimationFrame(() => done())"
            self._call("POST", "/execute/async", {"script": frame, "args": []})
        return seen

    def resize(self, width: int, height: int) -> None:
        """Show pages as on a screen of this size, in pixels; 0 and 0 is the window's own."""
        size = {"width": width, "height": height, "deviceScaleFactor": 0, "mobile": False}
        self._devtools("Emulation.setDeviceMetricsOverride", size)

    def prefer(self, scheme: str) -> None:
        """Prefer the color scheme ``light`` or ``dark``."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._devtools("Emulation.setEmulatedMedia", {"features": features})

    def screenshot(self, name: str, folder: Path) -> Path:
        """Save what is visible as PNG; ``FLOWY_SCREENSHOTS`` names a folder to keep it in."""
        file = Path(os.environ.get("FLOWY_SCREENSHOTS", folder)) / f"{name}.png"
        file.write_bytes(base64.b64decode(self._call("GET", "/screenshot")))
        return file

    def _devtools(self, command: str, parameters: Any) -> None:
        self._call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def errors(self) -> list[str]:
        """The warnings and errors in the browser's console."""
        entries = self._call("POST", "/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self._url}/session{self._session}{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return json.loads(answer.read())["value"]
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(json.loads(error.read())["value"]["message"]) from None
