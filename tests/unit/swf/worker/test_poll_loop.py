"""The loop of a poller: what counts as a turn, what is written down when, and lost polls."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from flowy.concurrency.clock import Lock
from flowy.concurrency.stop import StopLevel
from flowy.exception import CredentialsError
from flowy.swf.worker import StopReport
from flowy.swf.worker.poll_loop import NO_THREAD_SECONDS, PollLoop
from flowy.swf.worker.runner import Runner
from flowy.swf.worker.slots import Slots
from tests.unit.clocks import SelfTurningClock
from tests.unit.stand_ins import THROTTLE, fault, task_answer
from tests.unit.swf.worker.task_list_swf import TaskListSWF
from tests.unit.swf.worker.worker_case import ECHO, Journal, worker_context


class Loop:
    """A poll loop in the test's own thread, whose waits pass at once."""

    def __init__(
        self,
        swf: TaskListSWF,
        loop: int = -1,
        *,
        clock: SelfTurningClock | None = None,
        concurrency: int = 1,
        polls_out: Callable[[int], None] = lambda change: None,
    ) -> None:
        self.clock = clock or SelfTurningClock()
        self.journal = Journal()
        self.slots = Slots(concurrency, self.clock.flag, self.clock)
        worker = worker_context(
            swf, self.slots, self.clock.flag, ECHO, journal=self.journal, clock=self.clock
        )
        self._tally = worker.tally
        runner = Runner(worker, self.slots, concurrency)
        self._polls = PollLoop(worker, self.slots, runner, loop, polls_out=polls_out)

    def run(self) -> StopReport:
        """Run to the end, and return what was counted."""
        self._polls.run()
        return self.report

    @property
    def report(self) -> StopReport:
        return self._tally.report()


@pytest.mark.parametrize(("tasks", "loop"), [(0, 3), (3, 3), (2, 3), (5, 2)])
def test_loop_counts_answered_polls(tasks: int, loop: int) -> None:
    """Tasks and empty polls count alike."""
    swf = TaskListSWF(*[task_answer(f"token-{number}") for number in range(tasks)])
    assert Loop(swf, loop).run() == StopReport(completed=min(tasks, loop))
    assert len(swf.polls) == loop


def test_trouble_does_not_count() -> None:
    """A poll that was tried again is one poll."""
    swf = TaskListSWF()
    swf.break_poll(THROTTLE)
    Loop(swf, 1).run()
    assert len(swf.polls) == 2


def test_without_an_end_a_stop_ends_it() -> None:
    """It polls until then, and no slot stays taken."""
    loop = Loop(swf := TaskListSWF())

    def stop(number: int) -> None:
        if number == 50:
            loop.clock.flag.raise_to(StopLevel.DRAIN)

    swf.at_poll = stop
    loop.run()
    assert len(swf.polls) == 50
    assert not loop.slots.has_polls


def test_a_refused_first_poll_comes_out() -> None:
    """Nobody is served by a worker that is set up wrongly."""
    swf = TaskListSWF()
    swf.break_poll(fault("AccessDeniedException"))
    with pytest.raises(CredentialsError, match="Cannot poll task list 'tasks'"):
        Loop(swf, 1).run()


def test_a_task_is_in_the_journal_before_its_poll_counts_as_back() -> None:
    """A death in between must find a task in hand, or a poll that may have cost one."""
    seen: list[tuple[int, int]] = []
    loop = Loop(
        TaskListSWF(task_answer()),
        2,
        polls_out=lambda change: seen.append((change, len(loop.journal.tokens("opened")))),
    )
    loop.run()
    assert seen == [(1, 0), (-1, 1), (1, 1), (-1, 1)]


def test_a_poll_whose_answer_was_lost_is_reported() -> None:
    """SWF may have answered it with a task. One that was never sent is not reported."""
    swf = TaskListSWF()
    swf.break_poll(ReadTimeoutError(endpoint_url="swf"))
    swf.break_poll(EndpointConnectionError(endpoint_url="swf"))
    loop = Loop(swf, 1)
    (lost,) = loop.run().polls_lost
    assert (lost.identity, lost.fault) == ("me", "ReadTimeoutError")
    assert loop.journal.entries == [("poll_lost", "ReadTimeoutError")]


def test_a_poll_that_failed_is_not_out_during_the_pause() -> None:
    """A worker that ends in an outage loses no task; nor does one that waits after an answer."""
    seen: list[tuple[float, int]] = []
    clock = SelfTurningClock()
    swf = TaskListSWF()
    swf.break_poll(THROTTLE)
    swf.break_poll(EndpointConnectionError(endpoint_url="swf"))

    def note(change: int) -> None:
        seen.append((clock.time, change))

    loop = Loop(swf, 2, clock=clock, polls_out=note)
    loop.run()
    assert [change for _, change in seen] == [1, -1] * 4
    assert all(began == ended for (began, _), (ended, _) in zip(seen[::2], seen[1::2], strict=True))
    assert len({began for began, _ in seen}) == 4
    assert loop.slots.polls_out == 0


def test_an_interrupted_pause_costs_no_task() -> None:
    """No poll was out."""
    swf = TaskListSWF()
    swf.break_poll(THROTTLE)

    class Interrupted(SelfTurningClock):
        def acquire(self, lock: Lock, seconds: float | None) -> bool:
            raise KeyboardInterrupt

    loop = Loop(swf, clock=Interrupted())
    with pytest.raises(KeyboardInterrupt):
        loop.run()
    assert loop.report.polls_lost == ()


def test_an_interrupted_poll_is_reported() -> None:
    """Ctrl-C, or a third signal, may cost the task that SWF is about to hand out."""
    swf = TaskListSWF()
    swf.break_poll(KeyboardInterrupt())
    loop = Loop(swf)
    with pytest.raises(KeyboardInterrupt):
        loop.run()
    assert [poll.fault for poll in loop.report.polls_lost] == ["KeyboardInterrupt"]
    assert not loop.slots.has_polls


def test_an_interruption_between_poll_and_run_leaves_the_task_to_the_stop() -> None:
    """It counts as running, so whoever ends the worker finds it."""

    def interrupt(change: int) -> None:
        if change == -1:
            raise KeyboardInterrupt

    loop = Loop(TaskListSWF(task_answer()), polls_out=interrupt)
    with pytest.raises(KeyboardInterrupt):
        loop.run()
    assert [str(run) for run in loop.slots.running] == ["echo 1 (activity 7 of workflow flow)"]


def test_no_poll_goes_out_if_there_is_no_thread_for_its_task(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It looks for one again and again, and does not keep the slot meanwhile."""

    def none(_thread: threading.Thread) -> Any:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none)
    clock = SelfTurningClock({3: StopLevel.DRAIN})
    loop = Loop(swf := TaskListSWF(), clock=clock, concurrency=2)
    loop.run()
    assert clock.waits == [NO_THREAD_SECONDS] * 3
    assert swf.polls == []
    assert not loop.slots.has_polls
