"""Child processes: started fresh, heard, replaced, and their ends told."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flowy.concurrency.children import Child, Link, Message
from flowy.concurrency.clock import SYSTEM_CLOCK, Clock
from flowy.concurrency.processes import SETTLED_SECONDS, Processes
from flowy.exception import ProcessError
from tests.patience import PATIENCE_SECONDS
from tests.unit.clocks import TurnedClock
from tests.unit.concurrency.children import (
    break_down,
    die,
    die_once,
    fail_at_first,
    leave_a_fork,
    never_ready,
    talk,
    tell_of_itself,
    wait_to_be_told,
)


class CountingClock(TurnedClock):
    """Counts how often it was asked for the time."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.looked = threading.Condition()

    def now(self) -> float:
        with self.looked:
            self.looks += 1
            self.looked.notify_all()
        return super().now()

    def wait_for_looks(self, count: int) -> None:
        """Wait until it was asked *count* times in all."""
        with self.looked:
            assert self.looked.wait_for(lambda: self.looks >= count, PATIENCE_SECONDS)


class Parent:
    """Hears all, and replaces what it is told to."""

    def __init__(
        self, target: Any, *arguments: Any, count: int = 1, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self.starts = threading.Semaphore(0)
        self.deaths = threading.Semaphore(0)
        self.messages: list[Message] = []
        self.started: list[Child] = []
        self.dead: list[Child] = []
        self.replace: Callable[[], bool] = lambda: False
        self.on_message: Callable[[Child, Message], None] = lambda child, message: None
        self.processes = Processes(
            target,
            arguments,
            count,
            started=self._started,
            heard=self._heard,
            died=self._died,
            clock=clock,
        )

    def _started(self, child: Child) -> None:
        self.started.append(child)
        self.starts.release()

    def _heard(self, child: Child, message: Message) -> None:
        self.messages.append(message)
        self.on_message(child, message)

    def _died(self, child: Child) -> bool:
        self.dead.append(child)
        try:
            return self.replace()
        finally:
            self.deaths.release()

    def said(self, key: str) -> list[Any]:
        return [message[key] for message in self.messages if key in message]


def test_children_are_started_fresh() -> None:
    """They are spawned, not forked: they have no module and no thread of the parent."""
    sys.modules["tests.canary"] = sys
    try:
        parent = Parent(tell_of_itself)
        parent.processes.run()
    finally:
        del sys.modules["tests.canary"]
    (told,) = parent.messages
    assert told["inherited"] is False
    assert told["threads"] == 1
    assert told["method"] in (None, "spawn")


def test_what_a_child_says_is_heard_in_its_order() -> None:
    """Every word of each child, although it ends at once."""
    words = [str(number) for number in range(500)]
    parent = Parent(talk, *words, count=3)
    parent.processes.run()
    assert len(set(parent.said("pid"))) == 3
    assert sorted(parent.said("word")) == sorted(words * 3)
    assert [child.end for child in parent.dead] == ["exit code 0"] * 3


@pytest.mark.parametrize(
    ("how", "end"),
    [
        ("7", "exit code 7"),
        ("SIGKILL", "killed by signal 9 (SIGKILL)"),
        ("SIGSEGV", "killed by signal 11 (SIGSEGV)"),
    ],
)
def test_what_a_child_said_before_it_died_is_heard(how: str, end: str) -> None:
    """Messages and the number are read after its death; its end is named."""
    parent = Parent(die, how)
    parent.processes.run()
    assert parent.said("number") == list(range(1_000))
    (child,) = parent.dead
    assert child.end == end
    assert child.number.value == 2


def test_a_child_can_be_told(request: pytest.FixtureRequest) -> None:
    """The pipe has two ends."""
    parent = Parent(wait_to_be_told, count=2)
    parent.on_message = lambda child, message: child.tell({"any": "thing"})
    parent.processes.run()
    assert [child.end for child in parent.dead] == ["exit code 0"] * 2


def test_a_child_listens_on_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    """What it was told first has failed; the next message may be a stop."""
    parent = Parent(fail_at_first)

    def tell(child: Child, message: Message) -> None:
        child.tell({"first": 1})
        child.tell({"stop": 1})

    parent.on_message = tell
    parent.processes.run()
    assert [child.end for child in parent.dead] == ["exit code 0"]
    assert "RuntimeError: cannot do that" in capfd.readouterr().err


def test_telling_a_child_that_reads_nothing() -> None:
    """Its interpreter may hang: whoever tells it things is not kept, and can kill it."""
    parent = Parent(never_ready)
    thread = _run_in_thread(parent)
    assert parent.starts.acquire(timeout=PATIENCE_SECONDS)
    (child,) = parent.started

    def tell() -> None:
        for number in range(100_000):
            child.tell({"status": number})

    telling = threading.Thread(target=tell, daemon=True)
    telling.start()
    telling.join(PATIENCE_SECONDS)
    child.kill()
    thread.join(PATIENCE_SECONDS)
    assert not telling.is_alive()
    assert not thread.is_alive()


def test_telling_a_dead_child_is_nothing() -> None:
    """Nothing happens: it may have died a moment ago."""
    parent = Parent(talk)
    parent.processes.run()
    parent.dead[0].connection = multiprocessing.Pipe()[0]  # whose other end is gone
    parent.dead[0].tell({"stop": 1})


def test_a_child_that_died_is_replaced_with_backoff(tmp_path: Path) -> None:
    """It keeps its slot. ``died`` says how often; the pauses prevent a storm."""
    parent = Parent(die_once, str(tmp_path / "marks"))
    parent.replace = lambda: len(parent.dead) < 3
    began = time.monotonic()
    parent.processes.run()
    assert [child.end for child in parent.dead] == ["exit code 7"] * 2 + ["exit code 0"]
    assert [child.slot for child in parent.started] == [0, 0, 0]
    assert time.monotonic() - began > 0.25 + 0.5


@contextlib.contextmanager
def no_descriptors() -> Iterator[None]:
    """The system opens no more files in the block."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_a_first_child_that_cannot_be_started() -> None:
    """The error says why, and the way out."""
    parent = Parent(talk, count=2)
    with no_descriptors(), pytest.raises(ProcessError, match="starts none .*Too many open files"):
        parent.processes.run()
    assert parent.started == []


class Listening(logging.Handler):
    """Calls a function at the first line of a log."""

    def __init__(self, call: Callable[[], None]) -> None:
        super().__init__()
        self._call = call
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self._call()


def test_a_child_that_cannot_be_replaced_at_once(tmp_path: Path) -> None:
    """What killed one, such as a lack of memory, may keep the next from its start for a while."""
    parent = Parent(die_once, str(tmp_path / "marks"))
    limits = contextlib.ExitStack()
    log = Listening(limits.close)
    logger = logging.getLogger("flowy.concurrency.processes")

    def replace() -> bool:
        if len(parent.dead) == 1:
            limits.enter_context(no_descriptors())
        return len(parent.dead) < 3

    parent.replace = replace
    logger.addHandler(log)
    with limits:
        parent.processes.run()
    logger.removeHandler(log)
    assert [child.end for child in parent.dead] == ["exit code 7"] * 2 + ["exit code 0"]
    (line,) = log.lines
    assert line.startswith("Cannot start a worker process ([Errno 24] Too many open files); trying")


def test_the_first_child_must_become_ready_before_others_start(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """What keeps one from starting keeps all: one error, one child."""
    parent = Parent(break_down, count=8)
    parent.replace = lambda: True
    with pytest.raises(ProcessError, match=r"before it was ready \(exit code 1\)"):
        parent.processes.run()
    assert len(parent.dead) == 1
    assert capfd.readouterr().err.count("RuntimeError: cannot begin") == 1


def test_a_stop_while_the_first_child_starts_is_no_error() -> None:
    """Ctrl-C ends the child, too; the end of one that is not to be replaced is not an error."""
    parent = Parent(never_ready, count=3)
    thread = _run_in_thread(parent)
    assert parent.starts.acquire(timeout=PATIENCE_SECONDS)
    parent.processes.children[0].kill()  # and ``died`` says that it is not to be replaced
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()
    assert [child.end for child in parent.dead] == ["killed by signal 9 (SIGKILL)"]


def test_no_more_are_started_once_the_first_is_ready_and_a_stop_has_come() -> None:
    """A stop that came while the first started holds for all others."""
    parent = Parent(talk, count=5)
    parent.on_message = lambda child, message: parent.processes.start_no_more()
    parent.processes.run()
    assert len(parent.dead) == 1


def test_a_child_that_lived_long_is_replaced_after_the_shortest_pause() -> None:
    """It did not die of how it was started, so the pauses do not go on growing."""
    clock = CountingClock()
    parent = Parent(die, "7", clock=clock)
    looks_at_death: list[int] = []

    def live_long(child: Child, message: Message) -> None:
        if "ready" in message:
            clock.turn(SETTLED_SECONDS + 1)

    def replace() -> bool:
        looks_at_death.append(clock.looks)
        return len(parent.dead) < 3

    parent.on_message = live_long
    parent.replace = replace
    thread = _run_in_thread(parent)
    for _ in (1, 2):
        assert parent.deaths.acquire(timeout=PATIENCE_SECONDS)
        clock.wait_for_looks(looks_at_death[-1] + 4)  # the pause has begun
        clock.turn(0.5)  # as long as the first pause can be, and the second one not
    thread.join(PATIENCE_SECONDS)
    assert len(parent.started) == 3


def test_a_stop_during_the_back_off_ends_at_once() -> None:
    """Nobody waits for the pause before a replacement that will never be."""
    parent = Parent(die, "7", clock=TurnedClock())  # by which the pause never passes
    parent.replace = lambda: True
    thread = _run_in_thread(parent)
    assert parent.deaths.acquire(timeout=PATIENCE_SECONDS)
    parent.processes.start_no_more()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()
    assert len(parent.started) == 1


def test_a_death_is_seen_though_a_forked_process_holds_the_pipes() -> None:
    """An activity may leave processes that it forked: they must not hide the death."""
    parent = Parent(leave_a_fork)
    thread = _run_in_thread(parent)
    thread.join(PATIENCE_SECONDS)
    for fork in parent.said("fork"):
        os.kill(fork, signal.SIGKILL)
    assert not thread.is_alive()
    assert [child.end for child in parent.dead] == ["exit code 5"]


def test_parameters_that_cannot_travel_are_refused_before_any_child() -> None:
    """The error comes from the parent, and names the way out."""
    with pytest.raises(ProcessError, match="functions and classes that can be imported"):
        Parent(talk, lambda: None)


def test_a_link_without_a_parent_is_silent() -> None:
    """A child whose parent is gone goes on, and hears that it is."""
    ours, theirs = multiprocessing.Pipe()
    link = Link(theirs, multiprocessing.RawValue("i", 0))
    gone = threading.Event()
    link.listen(lambda message: None, gone.set)
    ours.close()
    assert gone.wait(PATIENCE_SECONDS)
    for _ in range(3):
        link.send({"any": "thing"})


def _run_in_thread(parent: Parent) -> threading.Thread:
    thread = threading.Thread(target=parent.processes.run, daemon=True)
    thread.start()
    return thread
