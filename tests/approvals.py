"""The example app as its tests see it: its parts, each a real process, and their SWF."""

from __future__ import annotations

import http.cookiejar
import re
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from examples.approvals import workflow
from flowy.local import LocalSWF
from flowy.tokens import SuspendedTask
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.patience import PATIENCE_SECONDS, until
from tests.python_process import PythonProcess

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
DOMAIN = "approvals"


#: What each part says once it hears of SIGTERM; the page prints its address then.
STARTED = {"worker": "Worker started", "keeper": "Keeper started", "decider": "Decider started"}


class Parts:
    """The four parts of the app, and what they said."""

    def __init__(self, swf: LocalSWF, folder: Path, environment: dict[str, str]) -> None:
        self.swf = swf.client()
        self.home = folder / "home"
        self._log = folder / "log.txt"
        self._environment = {
            **environment,
            **swf.environment,
            "APPROVALS_HOME": str(self.home),
            "PYTHONPATH": str(EXAMPLES.parent),
            "PYTHONWARNINGS": "error",
        }
        self._running: dict[str, PythonProcess] = {}
        self.url = ""
        swf.register_domain(DOMAIN)
        workflow.register(self.swf)

    def start(self, *parts: str, port: int = 0) -> None:
        """Start parts; when this returns all of them have, and the page has its address."""
        waited = {part: STARTED[part] for part in parts if part in STARTED}
        self._log.touch()
        said_before = {part: self.log.count(text) for part, text in waited.items()}
        for part in parts:
            with self._log.open("a") as log:
                self._running[part] = PythonProcess(
                    ["-m", "approvals", part, "--port", str(port)],
                    cwd=EXAMPLES,
                    env=self._environment,
                    stdout=subprocess.PIPE if part == "web" else log,
                    stderr=log,
                )
        if "web" in parts:
            said = self._running["web"].stdout
            assert said is not None
            line = said.readline()  # blocks until it listens; the test's timeout is its limit
            assert line.startswith("Approvals: http://127.0.0.1:"), line + self.log
            self.url = line.removeprefix("Approvals: ").strip().rstrip("/")
        until(
            lambda: all(self.log.count(waited[part]) > said_before[part] for part in waited),
            f"{', '.join(waited)} started",
        )

    def stop(self, *parts: str) -> None:
        """Stop parts as a process manager does, and see that they end well."""
        stopped = [self._running.pop(part) for part in parts or list(self._running)]
        for process in stopped:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(PATIENCE_SECONDS) for process in stopped]
        for process in stopped:
            if process.stdout is not None:
                process.stdout.close()
        assert not any(codes), self.log

    @property
    def log(self) -> str:
        """All that the parts have logged."""
        return self._log.read_text()

    @property
    def store(self) -> SQLiteTokenStore:
        """The store of the app."""
        return SQLiteTokenStore(self.home / "tokens.db")

    def ask(
        self, title: str, seconds: int = 3_600, *, amount: str = "12 €", who: str = "Ada"
    ) -> SuspendedTask:
        """Start a purchase, and wait until its approval waits for an answer."""
        workflow_id = workflow.start(self.swf, title, amount, who, seconds)
        return until(lambda: self._found(workflow_id), f"{title} waits")

    def _found(self, workflow_id: str) -> SuspendedTask | None:
        if not (self.home / "tokens.db").exists():
            return None
        return self.store.find(workflow_id, "approval")

    def events(self, task: SuspendedTask) -> list[str]:
        """The types of the events of a task's execution, so far."""
        history = self.swf.get_workflow_execution_history(
            domain=DOMAIN, execution={"workflowId": task.workflow_id, "runId": task.run_id}
        )
        return [str(event["eventType"]) for event in history["events"]]

    def ended(self, task: SuspendedTask, kind: str) -> dict[str, Any]:
        """Wait for the one event of a type that ended a task; return its attributes."""
        key = f"{kind[0].lower()}{kind[1:]}EventAttributes"

        def look() -> dict[str, Any] | None:
            events: list[Any] = list(
                self.swf.get_workflow_execution_history(
                    domain=DOMAIN,
                    execution={"workflowId": task.workflow_id, "runId": task.run_id},
                )["events"]
            )
            found = [dict(event[key]) for event in events if event["eventType"] == kind]
            assert len(found) < 2
            return found[0] if found else None

        return until(look, f"{kind} of {task}")


@dataclass
class Page:
    """An answer of the app."""

    status: int
    text: str
    headers: Any


@dataclass
class Visitor:
    """Somebody with a browser's cookies, but no browser."""

    url: str
    cookies: http.cookiejar.CookieJar = field(default_factory=http.cookiejar.CookieJar)

    def get(self, path: str, **headers: str) -> Page:
        """Ask for a page, and follow where it leads."""
        return self._open(urllib.request.Request(self._at(path), headers=headers))

    def post(self, path: str, *, csrf: str | None = None, headers: Any = None, **form: str) -> Page:
        """Send a form as a browser does, from our own page.

        Args:
            path: where to.
            csrf: None for the word that the page has for us.
            headers: more of them; None for a value leaves that header out.
            form: its fields.
        """
        word = self.word() if csrf is None else csrf
        body = urllib.parse.urlencode({"csrf": word, **form}).encode()
        sent = {"Origin": self.url, **(headers or {})}
        sent = {name: value for name, value in sent.items() if value is not None}
        return self._open(urllib.request.Request(self._at(path), data=body, headers=sent))

    def word(self) -> str:
        """The word of our session, as the forms of the page have it."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.get("/").text)
        assert found is not None
        return found[1]

    def _at(self, path: str) -> str:
        return path if path.startswith("http") else f"{self.url}{path}"

    def _open(self, request: urllib.request.Request) -> Page:
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.cookies)
        )
        try:
            with opener.open(request, timeout=PATIENCE_SECONDS) as answer:
                return Page(answer.status, answer.read().decode(), answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return Page(error.code, error.read().decode(), error.headers)
