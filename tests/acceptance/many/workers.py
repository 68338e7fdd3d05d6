"""Workers on threads of the test's process, and a client that is watched."""

from __future__ import annotations

import functools
import threading
from collections import Counter
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

import flowy
from flowy.swf.client import connect
from flowy.swf.registration import register
from flowy.swf.scanner import Scanner
from flowy.swf.worker import ActivityWorker
from flowy.swf.worker.report import StopReport
from flowy.task import Activity
from tests.acceptance.many.executions import TASK_LIST
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient


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
    """Return a module to scan, with only these classes."""
    module = ModuleType(classes[0].__module__)
    for number, found in enumerate(classes):
        setattr(module, f"Activity{number}", found)
    return module
