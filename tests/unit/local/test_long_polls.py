"""Long polls: the poller that came first gets the next task."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from flowy.local.long_polls import LongPolls, TooManyPollersError
from tests.patience import PATIENCE_SECONDS

KEY = ("activity", "domain", "list")


def never() -> bool:
    return False


def test_the_first_to_come_is_the_first_to_be_served() -> None:
    """Each task goes to the poller that has waited longest."""
    lock = threading.RLock()
    polls = LongPolls(lock)
    tasks: list[int] = []
    served: list[tuple[str, int | None]] = []
    waiting = threading.Semaphore(0)

    def poll(name: str) -> None:
        with lock:  # wait() releases it only when the poller is in the queue
            waiting.release()
            task = polls.wait(KEY, lambda: tasks.pop(0) if tasks else None, seconds=30, gone=never)
            served.append((name, task))

    threads = []
    for name in "abc":
        threads.append(threading.Thread(target=poll, args=(name,)))
        threads[-1].start()
        waiting.acquire()
    with lock:
        tasks.extend((1, 2, 3))
        polls.wake(KEY)
    for thread in threads:
        thread.join()
    assert served == [("a", 1), ("b", 2), ("c", 3)]


def test_a_poller_that_has_gone_leaves_the_task_to_the_next() -> None:
    """No task is taken for a poller that has hung up."""
    polls = LongPolls(threading.RLock())
    tasks = [1]
    assert polls.wait(KEY, tasks.pop, seconds=30, gone=lambda: True) is None
    assert polls.wait(KEY, tasks.pop, seconds=30, gone=never) == 1


def test_a_poller_that_has_gone_makes_room_wherever_it_is_in_the_queue() -> None:
    """Every waiting poller checks its connection, not only the first: a queue can be full."""
    lock = threading.RLock()
    polls = LongPolls(lock, max_pollers=2)
    hung_up = threading.Event()
    waiting = threading.Semaphore(0)
    ended: list[str] = []

    def poll(name: str, gone: Callable[[], bool]) -> None:
        with lock:  # wait() releases it only when the poller is in the queue
            waiting.release()
            polls.wait(KEY, lambda: None, seconds=60, gone=gone)
            ended.append(name)

    threads = [
        threading.Thread(target=poll, args=("first", never)),
        threading.Thread(target=poll, args=("second", hung_up.is_set)),
    ]
    for thread in threads:
        thread.start()
        waiting.acquire()
    with pytest.raises(TooManyPollersError), lock:
        polls.wait(KEY, lambda: None, seconds=0, gone=never)
    hung_up.set()
    threads[1].join(PATIENCE_SECONDS)
    assert ended == ["second"]
    assert polls.wait(KEY, lambda: None, seconds=0, gone=never) is None
    polls.release()
    threads[0].join(PATIENCE_SECONDS)
    assert ended == ["second", "first"]


def test_after_a_release_no_poll_is_held_until_reopen() -> None:
    """Released polls are answered at once, without a task even if there is one."""
    polls = LongPolls(threading.RLock())
    polls.release()
    assert polls.wait(KEY, lambda: 1, seconds=30, gone=never) is None
    polls.reopen()
    assert polls.wait(KEY, lambda: 1, seconds=30, gone=never) == 1


def test_an_empty_queue_is_dropped() -> None:
    """Task lists come and go; wake() for a task list without pollers does nothing."""
    polls = LongPolls(threading.RLock())
    assert polls.wait(KEY, lambda: None, seconds=0, gone=never) is None
    polls.wake(KEY)
    assert not polls._queues


def test_a_single_release_lets_later_polls_wait() -> None:
    """release_once() answers the polls that wait now; later ones wait for a task."""
    polls = LongPolls(threading.RLock())
    waiting = threading.Event()

    def look() -> None:
        waiting.set()

    ended = threading.Thread(
        target=polls.wait, args=(KEY, look), kwargs={"seconds": 60, "gone": never}
    )
    ended.start()
    assert waiting.wait(PATIENCE_SECONDS)
    polls.release_once()
    ended.join(PATIENCE_SECONDS)
    assert not ended.is_alive()
    tasks = iter([None, "task"])
    assert polls.wait(KEY, lambda: next(tasks), seconds=60, gone=never) == "task"
