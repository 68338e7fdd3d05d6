"""Waiting lines: first come, first served."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from flowy.local.lines import LineFullError, WaitingLines

KEY = ("activity", "domain", "list")


def never() -> bool:
    return False


def test_the_first_to_come_is_the_first_to_be_served() -> None:
    """Each task goes to the one who has waited longest."""
    lock = threading.RLock()
    lines = WaitingLines(lock)
    tasks: list[int] = []
    served: list[tuple[str, int | None]] = []
    standing = threading.Semaphore(0)

    def stand(name: str) -> None:
        with lock:  # wait() gives it back only once it stands in line
            standing.release()
            task = lines.wait(KEY, lambda: tasks.pop(0) if tasks else None, seconds=30, gone=never)
            served.append((name, task))

    threads = []
    for name in "abc":
        threads.append(threading.Thread(target=stand, args=(name,)))
        threads[-1].start()
        standing.acquire()
    with lock:
        tasks.extend((1, 2, 3))
        lines.wake(KEY)
    for thread in threads:
        thread.join()
    assert served == [("a", 1), ("b", 2), ("c", 3)]


def test_one_who_has_gone_leaves_the_task_to_the_next() -> None:
    """Nothing is taken for a poller that hung up."""
    lines = WaitingLines(threading.RLock())
    tasks = [1]
    assert lines.wait(KEY, tasks.pop, seconds=30, gone=lambda: True) is None
    assert lines.wait(KEY, tasks.pop, seconds=30, gone=never) == 1


def test_one_who_has_gone_makes_room_wherever_in_the_line() -> None:
    """Not only the head looks whether it still has a client: others come in its place."""
    lock = threading.RLock()
    lines = WaitingLines(lock, most=2)
    hung_up = threading.Event()
    standing = threading.Semaphore(0)
    ended: list[str] = []

    def stand(name: str, gone: Callable[[], bool]) -> None:
        with lock:  # wait() gives it back only once it stands in line
            standing.release()
            lines.wait(KEY, lambda: None, seconds=60, gone=gone)
            ended.append(name)

    threads = [
        threading.Thread(target=stand, args=("head", never)),
        threading.Thread(target=stand, args=("next", hung_up.is_set)),
    ]
    for thread in threads:
        thread.start()
        standing.acquire()
    with pytest.raises(LineFullError), lock:
        lines.wait(KEY, lambda: None, seconds=0, gone=never)
    hung_up.set()
    threads[1].join(30)
    assert ended == ["next"]
    assert lines.wait(KEY, lambda: None, seconds=0, gone=never) is None
    lines.release()
    threads[0].join(30)
    assert ended == ["next", "head"]


def test_after_a_release_nobody_waits_until_it_reopens() -> None:
    """Released lines answer at once, with nothing, even where there is a task."""
    lines = WaitingLines(threading.RLock())
    lines.release()
    assert lines.wait(KEY, lambda: 1, seconds=30, gone=never) is None
    lines.reopen()
    assert lines.wait(KEY, lambda: 1, seconds=30, gone=never) == 1


def test_a_line_that_nobody_stands_in_is_forgotten() -> None:
    """Task lists come and go; a wake for one without pollers does nothing."""
    lines = WaitingLines(threading.RLock())
    assert lines.wait(KEY, lambda: None, seconds=0, gone=never) is None
    lines.wake(KEY)
    assert not lines._lines


def test_a_single_release_lets_later_pollers_wait() -> None:
    """release_once answers those who wait now; whoever comes then waits for a task."""
    lines = WaitingLines(threading.RLock())
    waiting = threading.Event()

    def look() -> None:
        waiting.set()

    ended = threading.Thread(
        target=lines.wait, args=(KEY, look), kwargs={"seconds": 60, "gone": never}
    )
    ended.start()
    assert waiting.wait(10)
    lines.release_once()
    ended.join(10)
    assert not ended.is_alive()
    tasks = iter([None, "task"])
    assert lines.wait(KEY, lambda: next(tasks), seconds=60, gone=never) == "task"
