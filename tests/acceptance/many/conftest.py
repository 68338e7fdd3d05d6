"""What the tests of many activities share: executions, a client that is watched, worker processes.

A decider's poll is woken by every end of an activity, so that a test waits for ends and not for
the clock; what a worker process does is waited for by the lines that it writes.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

import flowy
from flowy.swf.client import connect
from flowy.swf.registration import register
from flowy.swf.scanner import Scanner
from flowy.swf.worker import ActivityWorker
from flowy.swf.worker.report import StopReport
from flowy.task import Activity
from flowy.transport import encode_input
from tests.patience import PATIENCE_SECONDS
from tests.process_output import ProcessOutput
from tests.python_process import PythonProcess
from tests.python_server import ROOT

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from flowy.local import LocalSWF

TASK_LIST = "tasks"

ENDS = (
    "ActivityTaskCompleted",
    "ActivityTaskFailed",
    "ActivityTaskTimedOut",
)

Event = dict[str, Any]


class Execution:
    """An open workflow execution, with a decider that only schedules and waits."""

    def __init__(self, client: SWFClient, domain: str) -> None:
        self._client = client
        self._domain = domain
        self._list = f"decisions-{uuid.uuid4()}"
        workflow_id = f"flow-{uuid.uuid4()}"
        kind = {"name": "many", "version": "1"}
        with contextlib.suppress(client.exceptions.TypeAlreadyExistsFault):
            client.register_workflow_type(domain=domain, name="many", version="1")
        started = client.start_workflow_execution(
            domain=domain,
            workflowId=workflow_id,
            workflowType=kind,  # type: ignore[arg-type]
            taskList={"name": self._list},
            executionStartToCloseTimeout="3600",
            taskStartToCloseTimeout="60",
            childPolicy="TERMINATE",
        )
        self.execution: Any = {"workflowId": workflow_id, "runId": started["runId"]}
        self._scheduled = 0
        self._events: list[Event] = []  # as far as it was read

    def schedule(
        self, name: str, *args: Any, times: int = 1, version: str = "1", **attributes: Any
    ) -> None:
        """Schedule *times* tasks of an activity type, each with the same arguments."""
        decisions = []
        for _ in range(times):
            self._scheduled += 1
            said = {
                "activityId": f"{name}-{self._scheduled}",
                "activityType": {"name": name, "version": version},
                "taskList": {"name": TASK_LIST},
                "input": encode_input(args, {}),
                **attributes,
            }
            decisions.append(
                {
                    "decisionType": "ScheduleActivityTask",
                    "scheduleActivityTaskDecisionAttributes": said,
                }
            )
        refused = self.count("ScheduleActivityTaskFailed")
        self.decide(*decisions)
        assert self.count("ScheduleActivityTaskFailed") == refused, "register it first"

    def close(self) -> None:
        """Terminate it, which closes its activities."""
        self._client.terminate_workflow_execution(
            domain=self._domain, childPolicy="TERMINATE", **self.execution
        )

    def decide(self, *decisions: Any) -> None:
        """Take a decision task, after asking for one by a signal, and answer it."""
        self._client.signal_workflow_execution(
            domain=self._domain, signalName="decide", input="", **self.execution
        )
        while (token := self._poll()) is None:
            pass
        self._client.respond_decision_task_completed(taskToken=token, decisions=list(decisions))

    def events(self) -> list[Event]:
        """The whole history, of which only what is new is read."""
        pages = self._client.get_paginator("get_workflow_execution_history").paginate(
            domain=self._domain,
            execution=self.execution,
            reverseOrder=True,
            PaginationConfig={"PageSize": 50},
        )
        newest_first: Iterator[Event] = (dict(one) for page in pages for one in page["events"])
        seen = len(self._events)
        news = itertools.takewhile(lambda event: event["eventId"] > seen, newest_first)
        self._events += reversed(list(news))
        return self._events

    def attributes(self, kind: str) -> list[Event]:
        """The attributes of all events of one kind."""
        key = f"{kind[0].lower()}{kind[1:]}EventAttributes"
        return [event[key] for event in self.events() if event["eventType"] == kind]

    def count(self, *kinds: str) -> int:
        """How many events of these kinds there are."""
        counted = Counter(event["eventType"] for event in self.events())
        return sum(counted[kind] for kind in kinds)

    def wait_for(self, count: int, *kinds: str) -> list[Event]:
        """Wait for *count* ends of these kinds; return the attributes of the first kind."""
        kinds = kinds or ENDS
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.count(*kinds) < count:
            assert time.monotonic() < deadline, Counter(e["eventType"] for e in self.events())
            token = self._poll()
            if token is not None:
                self._client.respond_decision_task_completed(taskToken=token, decisions=[])
        return self.attributes(kinds[0])

    def most_in_hand(self) -> int:
        """How many activities were started and not ended, at most."""
        most = now = 0
        for event in self.events():
            now += event["eventType"] == "ActivityTaskStarted"
            now -= event["eventType"] in ENDS
            most = max(most, now)
        return most

    def _poll(self) -> str | None:
        answer = self._client.poll_for_decision_task(
            domain=self._domain, taskList={"name": self._list}, maximumPageSize=1
        )
        return answer.get("taskToken") or None


@pytest.fixture
def execution(client: SWFClient, domain: str) -> Execution:
    """An execution in the test's domain."""
    return Execution(client, domain)


class WatchedClient:
    """A boto3 client of which every call is counted, and may be held or broken on its way.

    No decider requests a cancellation, so this client plays it: heartbeats say that it was
    requested, and *canceled* is sent as a failure with the reason CANCELED.

    Attributes:
        cancel_requested: what heartbeats answer from now on.
        calls: how often each method was called.
        polls: how many polls are out.
        most_polls: how many polls were out at once, at most.
        on_call: by method, what is called with its parameters before it is sent; it may wait,
            and what it raises is raised.
    """

    def __init__(self, client: SWFClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self.polls = 0
        self.calls: Counter[str] = Counter()
        self.most_polls = 0
        self.on_call: dict[str, Callable[[dict[str, Any]], object]] = {}
        self.changed = threading.Condition()
        self.cancel_requested = False

    def __getattr__(self, name: str) -> Any:
        method: Callable[..., Any] = getattr(self._client, name)
        if name == "respond_activity_task_canceled":
            method = functools.partial(self._client.respond_activity_task_failed, reason="CANCELED")

        def call(**parameters: Any) -> Any:
            polls = name == "poll_for_activity_task"
            with self.changed:
                self.calls[name] += 1
                self.polls += polls
                self.most_polls = max(self.most_polls, self.polls)
                self.changed.notify_all()
            try:
                if name in self.on_call:
                    self.on_call[name](parameters)
                answer = method(**parameters)
                if name == "record_activity_task_heartbeat" and self.cancel_requested:
                    answer["cancelRequested"] = True
                return answer
            finally:
                with self.changed:
                    self.polls -= polls
                    self.changed.notify_all()

        return call

    def wait_for_calls(self, name: str, count: int) -> None:
        """Wait until a method was called *count* times."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.calls[name] >= count, PATIENCE_SECONDS)


@pytest.fixture
def watched(client: SWFClient) -> WatchedClient:
    """A client of the local SWF that is watched."""
    return WatchedClient(client)


class Embedded:
    """A worker on a thread of this process, as an embedding program has it."""

    def __init__(self, worker: ActivityWorker) -> None:
        self.worker = worker
        self.report: StopReport | None = None
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def thread(self) -> threading.Thread:
        return self._thread

    def _run(self) -> None:
        try:
            self.report = self.worker.run()
        except BaseException as error:
            self.error = error

    def join(self) -> StopReport:
        """Wait for its end and return its report."""
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive(), "the worker does not end"
        if self.error is not None:
            raise self.error
        assert self.report is not None
        return self.report

    def stop(self) -> StopReport:
        """Ask it to stop, wait, and return its report."""
        self.worker.stop()
        return self.join()


class Starter:
    """Starts workers on threads; what still runs at the test's end is stopped."""

    def __init__(self, client: WatchedClient, domain: str) -> None:
        self._client = client
        self._domain = domain
        self._started: list[Embedded] = []

    def make(self, *classes: type[Activity], **options: Any) -> ActivityWorker:
        """A worker that serves these classes."""
        client = connect(self._client)
        domain = options.pop("domain", self._domain)
        activities = Scanner(module_of(*classes)).scan()
        register(client, self._domain, activities.values())
        options.setdefault("signals", False)
        return ActivityWorker(client, domain, TASK_LIST, activities, **options)

    def __call__(self, *classes: type[Activity], **options: Any) -> Embedded:
        embedded = Embedded(self.make(*classes, **options))
        self._started.append(embedded)
        return embedded

    def end(self) -> None:
        for embedded in self._started:
            embedded.worker.stop(flowy.concurrency.stop.StopLevel.KILL)
        for embedded in self._started:
            embedded.thread.join(PATIENCE_SECONDS)


def module_of(*classes: type[Activity]) -> ModuleType:
    """A module that holds these classes and nothing else, for a scan."""
    module = ModuleType(classes[0].__module__)
    for number, found in enumerate(classes):
        setattr(module, f"Activity{number}", found)
    return module


@pytest.fixture
def start(watched: WatchedClient, domain: str) -> Iterator[Starter]:
    """Starts a worker on a thread: ``start(Class, ..., concurrency=5)``."""
    starter = Starter(watched, domain)
    yield starter
    starter.end()


@pytest.fixture
def swf_of_long_polls() -> Iterator[LocalSWF]:
    """Another local SWF, which holds polls for longer than any test waits."""
    from flowy.local import LocalSWF

    with LocalSWF(poll_seconds=1.5 * PATIENCE_SECONDS) as swf:
        yield swf


class Program:
    """A Python program in a process group of its own, and the lines that it writes."""

    def __init__(self, process: PythonProcess | subprocess.Popen[str]) -> None:
        self.process = process
        self._written = ProcessOutput(process.stdout)
        self.lines = self._written.lines

    @property
    def text(self) -> str:
        """All that it has written."""
        return self._written.text

    def found(self, pattern: str) -> list[str]:
        """What a pattern matches in its lines: the first group, or the whole."""
        matches = [re.search(pattern, line) for line in list(self.lines)]
        return [match[match.re.groups and 1] for match in matches if match]

    def wait_for(self, pattern: str, count: int = 1) -> list[str]:
        """Wait until *count* lines match; return what matched."""
        self._written.wait_until(lambda: len(self.found(pattern)) >= count)
        found = self.found(pattern)
        assert len(found) >= count, f"{pattern!r} was not written:\n{self.text}"
        return found

    def kill(self, number: signal.Signals) -> None:
        """Send a signal to the program itself."""
        os.kill(self.process.pid, number)

    def kill_group(self, number: signal.Signals) -> None:
        """Send a signal to the program and all its children, as Ctrl-C in a terminal does."""
        os.killpg(self.process.pid, number)

    def wait(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Wait for the end of the program and of all that it writes; return its exit code."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end:\n{self.text}") from None
        self._written.join()
        return code

    def end(self) -> None:
        """Kill what is left of it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE_SECONDS)
        self._written.join()


#: What every program begins with: its lines come out at once, children's too.
PREAMBLE = """
import functools, logging, os, signal, sys, threading, time
import flowy
from flowy import context
from flowy.swf.boilerplate import run_worker
from flowy.swf.scanner import activity
from flowy.swf.worker import WorkerOptions
from flowy.task import Activity, AsyncActivity
from tests.gates import wait_in
from tests.patience import HANG_SECONDS, until

def say(text):
    os.write(1, (text + "\\n").encode())

logging.basicConfig(
    level=logging.INFO, stream=sys.stdout, format="%(levelname)s %(processName)s %(message)s"
)
DOMAIN, TASK_LIST = sys.argv[1:]
"""

#: Says when a signal was heard.
SPOKEN = """
raise_to = flowy.concurrency.stop.StopFlag.raise_to
def spoken(flag, level, *by):
    raise_to(flag, level, *by)
    say(f"level {int(level)} on {threading.current_thread().name}")
flowy.concurrency.stop.StopFlag.raise_to = spoken
"""

Programs = Callable[..., Program]


@pytest.fixture
def program(swf_environment: dict[str, str], domain: str, tmp_path: Path) -> Iterator[Programs]:
    """Starts a script: ``program(text)``; its preamble imports what activities need.

    *before* are the words of a command that starts it, as a new interpreter.
    """
    started: list[Program] = []

    def run(
        text: str,
        *,
        name: str = "script.py",
        preamble: str = PREAMBLE,
        before: tuple[str, ...] = (),
        swf: LocalSWF | None = None,
    ) -> Program:
        script = tmp_path / name
        script.write_text(preamble + textwrap.dedent(text))
        arguments = ["-W", "error", str(script), swf.domain if swf else domain, TASK_LIST]
        environment = {**swf_environment, "PYTHONPATH": str(ROOT)}
        if swf:
            environment |= swf.environment
        if before:
            process: Any = subprocess.Popen(
                [*before, sys.executable, *arguments],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        else:
            process = PythonProcess(arguments, env=environment, stderr=subprocess.STDOUT)
        started.append(Program(process))
        return started[-1]

    yield run
    for program in started:
        program.end()
