"""A real browser for the tests: headless Chromium, driven by WebDriver over plain HTTP.

Debian's packages ``chromium`` and ``chromium-driver``. If they are not installed, the tests that
need a browser are skipped, or fail if ``CI`` is set.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.patience import PATIENCE_SECONDS

Seen = TypeVar("Seen")

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
    "--window-size=1400,900",
)

#: How WebDriver marks an element in its answers.
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"

#: Ends when the page has changed, or after a while: it may have changed just before.
_WAIT_FOR_CHANGE = """
const done = arguments[0];
const changed = () => { observer.disconnect(); clearTimeout(late); done(); };
const observer = new MutationObserver(changed);
const late = setTimeout(changed, 100);
const all = { attributes: true, characterData: true, childList: true, subtree: true };
observer.observe(document, all);
"""


#: If this variable is set, the tests make the pictures of the documentation anew.
PICTURES_VARIABLE = "FLOWY_PICTURES"

_DOCS = Path(__file__).resolve().parent.parent / "docs"


class WebDriverError(Exception):
    """What the driver refused, in its own words."""


#: How often a driver is started at most.
_STARTS = 5


def _started_driver() -> tuple[subprocess.Popen[str], int]:
    """Start a driver; return it, and the port on which it listens.

    It takes a port that is free for IPv4, and ends if another program has that one for IPv6.
    """
    said: list[str] = []
    for _ in range(_STARTS):
        driver = subprocess.Popen(
            ["chromedriver", "--port=0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert driver.stdout is not None
        for line in driver.stdout:
            said.append(line)
            # "ChromeDriver was started successfully on port 45678."
            if "successfully on port" in line:
                return driver, int(line.rstrip().rstrip(".").rpartition(" ")[2])
        driver.communicate()
    raise AssertionError(f"chromedriver does not start: {''.join(said)}")


class Browser:
    """One browser with one window.

    A selector is CSS, or an XPath if it begins with a slash.

    Args:
        folder: a new, empty folder for its profile.
    """

    def __init__(self, folder: Path) -> None:
        missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
        if missing and not os.environ.get("CI"):
            pytest.skip(f"no {' and '.join(missing)}: apt-get install chromium chromium-driver")
        assert not missing, f"no {' and '.join(missing)}, and CI is set"
        self._driver, port = _started_driver()
        self._session = ""
        try:
            self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
            options = {
                "binary": shutil.which("chromium"),
                "args": [*FLAGS, f"--user-data-dir={folder}"],
            }
            capabilities = {
                "goog:chromeOptions": options,
                "goog:loggingPrefs": {"browser": "ALL"},
            }
            made = self._post("", capabilities={"alwaysMatch": capabilities})
            self._session = f"/{made['sessionId']}"
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the browser and its driver."""
        try:
            if self._session:
                self._call("DELETE", "")
                self._connection.close()
        finally:
            self._driver.terminate()
            self._driver.communicate()

    def open(self, url: str) -> None:
        """Open a page."""
        self._post("/url", url=url)

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a JavaScript function with this body and return its result."""
        return self._post("/execute/sync", script=script, args=list(arguments))

    def text(self, selector: str = "body") -> str:
        """The visible text of the first element that matches; empty if there is none."""
        return str(
            self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector)
        )

    def texts(self, selector: str) -> list[str]:
        """The visible text of each element that matches."""
        found = "return [...document.querySelectorAll(arguments[0])].map((e) => e.innerText)"
        return [str(each) for each in self.run(found, selector)]

    def find(self, selector: str) -> None:
        """Wait for an element."""
        self.until(lambda: self._elements(selector), selector)

    def click(self, selector: str) -> None:
        """Click on the first element that matches, as a person does; wait for it."""
        self._do(selector, lambda element: self._post(f"/element/{element}/click"))

    def double_click(self, selector: str) -> None:
        """Double-click on an element."""
        presses = [{"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp") * 2]

        def press(element: str) -> None:
            there = {"type": "pointerMove", "origin": {_ELEMENT: element}, "x": 0, "y": 0}
            mouse = {"type": "pointer", "id": "mouse", "actions": [there, *presses]}
            self._post("/actions", actions=[mouse])

        self._do(selector, press)

    def type(self, selector: str, text: str) -> None:
        """Type into the first element that matches; wait for it."""
        self._do(selector, lambda element: self._post(f"/element/{element}/value", text=text))

    def until(self, look: Callable[[], Seen], what: str = "it") -> Seen:
        """Call *look* until it returns something true, and return that."""
        ends = time.monotonic() + PATIENCE_SECONDS
        while not (seen := look()):
            assert time.monotonic() < ends, f"not seen: {what}. The page says:\n{self.text()}"
            with suppress(WebDriverError):  # the page is replaced
                self._post("/execute/async", script=_WAIT_FOR_CHANGE, args=[])
        return seen

    def wait_for_text(self, text: str) -> None:
        """Wait until the page says *text*."""
        self.until(lambda: text in self.text(), text)

    def resize(self, width: int, height: int) -> None:
        """Show pages as on a screen of this size, in pixels; 0 and 0 is the window's own."""
        size = {"width": width, "height": height, "deviceScaleFactor": 0, "mobile": False}
        self._devtools("Emulation.setDeviceMetricsOverride", size)

    def prefer(self, scheme: str) -> None:
        """Prefer the color scheme ``light`` or ``dark``."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._devtools("Emulation.setEmulatedMedia", {"features": features})

    def screenshot(self, file: Path) -> Path:
        """Save what is visible as PNG."""
        file.write_bytes(base64.b64decode(self._call("GET", "/screenshot")))
        return file

    def picture(self, name: str, made: Path) -> None:
        """Save what is visible as *made*, and in the documentation if it is wanted or missing.

        Args:
            name: the picture's file in the folder of the documentation, such as ``indepth/a.png``.
            made: a file of the test's own.
        """
        self.until(lambda: self.run("return document.readyState") == "complete", "loaded")
        data = self.screenshot(made).read_bytes()
        assert data.startswith(b"\x89PNG")
        assert 10_000 < len(data) < 200_000
        if os.environ.get(PICTURES_VARIABLE) or not (_DOCS / name).exists():
            (_DOCS / name).write_bytes(data)

    def errors(self) -> list[str]:
        """The warnings and errors in the browser's console since the last look."""
        entries = self._post("/se/log", type="browser")
        return [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]

    def _devtools(self, command: str, parameters: Any) -> None:
        self._post("/goog/cdp/execute", cmd=command, params=parameters)

    def _elements(self, selector: str) -> list[str]:
        using = "xpath" if selector.startswith("/") else "css selector"
        return [each[_ELEMENT] for each in self._post("/elements", using=using, value=selector)]

    def _do(self, selector: str, do: Callable[[str], object]) -> None:
        """Do something to an element; a page that reloads takes it away, and it is sought anew."""

        def done() -> bool:
            found = self._elements(selector)
            with suppress(WebDriverError):
                for element in found[:1]:
                    do(element)
                    return True
            return False

        self.until(done, selector)

    def _post(self, path: str, **parameters: Any) -> Any:
        return self._call("POST", path, parameters)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        text = None if body is None else json.dumps(body)
        kind = {"Content-Type": "application/json"}
        self._connection.request(method, f"/session{self._session}{path}", text, kind)
        answer = self._connection.getresponse()
        value = json.loads(answer.read())["value"]
        if answer.status != 200:
            raise WebDriverError(f"{value['error']}: {value['message']}")
        return value
