"""The slots: how many are taken, who waits for one, and who waits for what runs in them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from flowy.concurrency.retry import Deadline
from flowy.concurrency.stop import StopFlag, StopLevel
from flowy.swf.worker.slots import Slots
from tests.patience import PATIENCE_SECONDS
from tests.unit.clocks import SelfTurningClock
from tests.unit.swf.worker.stop_clock import StopClock


def run() -> Any:
    """A task run: slots only tell one from another."""
    return object()


def in_thread(call: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread


def with_running(slots: Slots) -> Any:
    """Let a task run in a slot, and return its run."""
    assert slots.take()
    slots.poll_began()
    task_run = run()
    slots.poll_ended(task_run)
    return task_run


def test_a_slot_is_taken_until_its_task_is_settled() -> None:
    """A poller waits for a slot until a task is settled, or a poll brought none."""
    clock = StopClock()
    slots = Slots(1, StopFlag(), clock)
    taken: list[bool] = []
    first = with_running(slots)
    waiting = in_thread(lambda: taken.append(slots.take()))
    clock.wait_for_waiter(None)
    assert taken == []
    slots.settled(first)
    waiting.join(PATIENCE_SECONDS)
    waiting = in_thread(lambda: taken.append(slots.take()))
    clock.wait_for_waiter(None)
    assert taken == [True]
    slots.give_back()
    waiting.join(PATIENCE_SECONDS)
    assert taken == [True, True]


def test_after_a_stop_there_are_no_slots() -> None:
    """Whoever waits for one is told so, and whoever asks later, too."""
    clock, flag = StopClock(), StopFlag()
    slots = Slots(1, flag, clock)
    taken: list[bool] = []
    with_running(slots)
    waiting = in_thread(lambda: taken.append(slots.take()))
    clock.wait_for_waiter(None)
    flag.raise_to(StopLevel.DRAIN)
    slots.wake_all()
    waiting.join(PATIENCE_SECONDS)
    assert taken == [False]
    assert not Slots(1, flag).take()


def test_a_task_frees_its_slot_once() -> None:
    """Several may record its outcome: there are never more slots than at first."""
    flag = StopFlag()
    slots = Slots(1, flag)
    task_run = with_running(slots)
    slots.settled(task_run)
    slots.settled(task_run)
    assert slots.take()
    flag.raise_to(StopLevel.DRAIN)
    assert not slots.take()


def test_a_poll_becomes_a_task_in_one_step() -> None:
    """A task is found as a poll that is out or as one that runs."""
    slots = Slots(2, StopFlag())
    assert slots.take()
    assert (slots.has_polls, slots.polls_out, slots.running) == (True, 0, set())
    slots.poll_began()
    assert (slots.has_polls, slots.polls_out) == (True, 1)
    task_run = run()
    slots.poll_ended(task_run)
    assert (slots.has_polls, slots.polls_out, slots.running) == (False, 0, {task_run})
    slots.settled(task_run)
    assert slots.running == set()


def test_an_empty_poll_is_not_back_before_its_slot_is() -> None:
    """Between the two a stop must still count on it."""
    slots = Slots(1, StopFlag())
    assert slots.take()
    slots.poll_began()
    slots.poll_ended(None)
    assert slots.has_polls
    slots.give_back()
    assert not slots.has_polls


def test_a_stop_waits_for_tasks_as_long_as_it_may() -> None:
    """Those that are open then are returned."""
    clock = SelfTurningClock()
    slots = Slots(2, StopFlag(), clock)
    one, two = with_running(slots), with_running(slots)
    slots.settled(one)
    assert slots.wait_until_settled([one, two], 7.0) == {two}
    assert clock.waits == [7.0]


def test_a_stop_waits_no_longer_than_the_tasks_run() -> None:
    """The last one that is settled ends the wait."""
    clock, flag = StopClock(), StopFlag()
    slots = Slots(2, flag, clock)
    runs = [with_running(slots), with_running(slots)]
    late: list[set[Any]] = []
    waiting = in_thread(lambda: late.append(slots.wait_until_settled(runs, 7.0)))
    flag.raise_to(StopLevel.DRAIN)
    clock.wait_for_waiter(7.0)
    clock.turn(6.5)
    for task_run in runs:
        slots.settled(task_run)
    waiting.join(PATIENCE_SECONDS)
    assert late == [set()]


def test_a_wait_may_look_up_in_between() -> None:
    """It looks now and then, at the latest at its deadline."""
    clock = SelfTurningClock()
    slots = Slots(1, StopFlag(), clock)
    slots.wait_while(lambda: True, Deadline(2.5, clock=clock), look_seconds=1.0)
    assert clock.waits == [1.0, 1.0, 0.5]
    clock.waits.clear()
    slots.wait_while(lambda: len(clock.waits) < 3, look_seconds=2.0)
    assert clock.waits == [2.0, 2.0, 2.0]


def test_a_change_wakes_whoever_waits() -> None:
    """Whatever is changed in ``changing`` is seen at once."""
    clock = StopClock()
    slots = Slots(1, StopFlag(), clock)
    alive = [True]
    waiting = in_thread(lambda: slots.wait_while(lambda: alive[0]))
    clock.wait_for_waiter(None)
    with slots.changing():
        alive[0] = False
    waiting.join(PATIENCE_SECONDS)
    assert not waiting.is_alive()
