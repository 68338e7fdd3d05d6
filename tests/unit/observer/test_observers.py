"""Which observers there are, and what an observer's trouble does."""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from flowy import Activity, activity
from flowy.concurrency.stop import StopLevel
from flowy.exception import ObserverError, ProcessError
from flowy.invocation import TaskOutcome
from flowy.local import LocalSWF
from flowy.middleware import Middleware, Run
from flowy.observer import (
    Observer,
    Observers,
    Starting,
    StopRequested,
    TaskEnded,
)
from flowy.swf.boilerplate import start_activity_worker
from flowy.swf.client import connect
from flowy.swf.scanner import declared_by
from flowy.swf.worker import ActivityWorker
from tests.acceptance.flows import Flow
from tests.patience import PATIENCE_SECONDS
from tests.unit.observer.observed import (
    METHODS,
    Gate,
    Recorder,
    Start,
    activities,
)
from tests.unit.scripted_swf import boto3_client

# Nobody who observes


def test_a_worker_without_observers_pays_nothing(
    local_swf: LocalSWF, domain: str, ask: Callable[..., Flow], gate: Gate
) -> None:
    """For each task it asks a few times whether there are observers, and calls nothing else."""
    ask(*["echo"] * 3)
    client, found = connect(local_swf.client()), declared_by(activities(gate))
    worker = ActivityWorker(client, domain, "list", found, loop=3, signals=False)
    called: Counter[str] = Counter()
    parts = re.compile(r"/flowy/(observer|metrics|health|otel|middleware)\b")

    def count(frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        between = 0 < len(gate.infos) < 3  # from the first run to the last one
        if between and event == "call" and parts.search(code.co_filename):
            called[code.co_name] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        report = worker.run()
    finally:
        sys.setprofile(before)
    assert report.completed == 3
    assert called.keys() <= {"__bool__"}
    assert called["__bool__"] <= 2 * 8


# Observers that are middleware


class Both(Middleware, Observer):
    """Notes what it is called for."""

    def __init__(self) -> None:
        self.noted: list[object] = []

    def run(self, run: Run, call_next: Callable[[Run], Any]) -> Any:
        self.noted.append("run")
        return call_next(run)

    def task_ended(self, event: TaskEnded) -> None:
        self.noted.append(event.outcome)


@pytest.mark.parametrize("given_twice", [False, True])
def test_middleware_that_is_an_observer_observes_too(
    start: Start, ask: Callable[..., Flow], given_twice: bool
) -> None:
    """It is given once, as middleware, and told once of each event."""
    both = Both()
    ask("echo")
    start(*[both] * given_twice, middleware=[Middleware(), both], loop=1).end()
    assert both.noted == ["run", TaskOutcome.COMPLETED]


# Observers in trouble


class Raising(Observer):
    """Raises from every method."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = errors
        self.raised = 0

    def raise_(self, event: Any) -> None:
        self.raised += 1
        raise self.errors[self.raised % len(self.errors)]


for _name in METHODS:

    def _raise(self: Raising, event: Any) -> None:
        self.raise_(event)

    _raise.__qualname__ = f"Raising.{_name}"
    setattr(Raising, _name, _raise)


def test_one_that_raises_changes_nothing(
    start: Start, ask: Callable[..., Flow], caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever comes out of an observer is logged once for each method and class."""
    caplog.set_level(logging.ERROR, "flowy.observer")
    raising = Raising(ValueError("no"), SystemExit(3))
    flow = ask(*["beat", "coroutine"] * 6)
    running = start(raising, concurrency=3, loop=12)
    report = running.end()
    assert report.clean
    assert report.completed == 12
    assert {closing.kind for closing in flow.wait()} == {"Completed"}
    assert len(running.recorder.of(TaskEnded)) == 12
    assert raising.raised > 40
    logged = [record.getMessage() for record in caplog.records]
    assert len(logged) == len(set(logged))
    for error in ("ValueError", "SystemExit"):
        assert f"Observer method Raising.task_ended raised {error}." in "\n".join(logged)
    assert all(record.exc_info for record in caplog.records)


def test_one_that_hangs_does_not_keep_a_stop(
    start: Start, ask: Callable[..., Flow], gate: Gate
) -> None:
    """A stop waits for an observer as long as for an answer that is under way, then ends."""

    class Hanging(Observer):
        def task_ended(self, event: TaskEnded) -> None:
            gate.entered.release()
            gate.opened.wait(PATIENCE_SECONDS)

    running = start(Hanging(), concurrency=2)
    ask("echo")
    gate.entered.acquire(timeout=PATIENCE_SECONDS)
    running.worker.stop(StopLevel.CANCEL)
    assert running.end(turning=True).completed == 1
    assert not gate.opened.is_set()


def test_one_that_cannot_work_ends_the_start(domain: str, gate: Gate, local_swf: LocalSWF) -> None:
    """An ``ObserverError`` of ``starting`` comes before the scan; any other error is logged."""
    recorder = Recorder()

    def start(error: Exception) -> None:
        start_activity_worker(
            domain, "list", local_swf.client(), loop=0, activities=activities(gate)[:1],
            observers=[Raising(error), recorder],
        )  # fmt: skip

    with pytest.raises(ObserverError, match="no library"):
        start(ObserverError("Cannot export: no library. Install one."))
    assert recorder.events == []
    start(ValueError())
    assert recorder.events[0] == Starting(domain, "list")
    Observers([Raising(ObserverError(""))]).stop_requested(StopRequested(StopLevel.DRAIN))


class Evil(ValueError):
    """Raises when somebody looks at its class."""

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        raise SystemExit(3)


def test_an_error_that_raises_when_it_is_looked_at() -> None:
    """It is an error like any other: the next observer is told, too."""
    first, second = Raising(Evil()), Raising(ValueError())
    Observers([first, second]).stop_requested(StopRequested(StopLevel.DRAIN))
    assert (first.raised, second.raised) == (1, 1)


def test_an_interruption_passes() -> None:
    """A KeyboardInterrupt in the main thread is Ctrl-C, not an error of the observer."""
    raising = Raising(KeyboardInterrupt())
    event = StopRequested(StopLevel.DRAIN)
    with pytest.raises(KeyboardInterrupt):
        Observers([raising]).stop_requested(event)
    elsewhere = threading.Thread(target=Observers([raising]).stop_requested, args=(event,))
    elsewhere.start()
    elsewhere.join()
    assert raising.raised == 2


@pytest.mark.parametrize("given", [None, 7, "abc", Observer(), Observer, [Observer], [7]])
def test_what_is_no_observer_is_an_error_at_once(given: Any) -> None:
    """Everything but a list or tuple of ``Observer`` objects is a ValueError, which shows it."""
    with pytest.raises(ValueError, match="as observers: give a list of objects"):
        Observers(given)


def test_observers_by_name() -> None:
    """``module.name:OBJECT`` is imported."""
    before = len(BY_NAME.events)
    Observers([f"{__name__}:BY_NAME"]).stop_requested(StopRequested(StopLevel.KILL))
    assert BY_NAME.events[before:] == [StopRequested(StopLevel.KILL)]
    with pytest.raises(ImportError, match="Cannot import no_such_module:X: "):
        Observers(["no_such_module:X"])


BY_NAME = Recorder()


def test_an_object_that_no_process_can_be_handed_is_said() -> None:
    """With several processes an observer with a lock is an error at the start; a name is not."""
    with pytest.raises(ProcessError, match="Lock.*observers as 'module.name:OBJECT'"):
        start_activity_worker(
            "domain", "list", boto3_client, activities=[Picklable], reg_remote=False,
            processes=2, observers=[Recorder()], signals=False,
        )  # fmt: skip


@activity("picklable", 1, "list")
class Picklable(Activity):
    def run(self) -> None:
        """Do nothing."""
