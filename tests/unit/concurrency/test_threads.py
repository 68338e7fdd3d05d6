"""Threads that end with the process, and reservations of them."""

from __future__ import annotations

import functools
import queue
import threading
import weakref
from collections.abc import Callable, Iterator

import pytest

from flowy.concurrency.threads import Threads
from tests.patience import PATIENCE_SECONDS, until


@pytest.fixture
def threads() -> Iterator[Threads]:
    made = Threads(3, "test-threads")
    yield made
    made.close()


def run_reserved(threads: Threads, call: Callable[[], object]) -> threading.Event:
    """Run *call* in a thread that was reserved; the event is set when it has ended."""
    ended = threading.Event()

    def run() -> None:
        call()
        ended.set()

    threads.submit_reserved(run)
    return ended


def test_no_more_threads_than_its_size(threads: Threads) -> None:
    """Three run at once, whatever is submitted; the other calls wait their turn."""
    barrier = threading.Barrier(3, timeout=PATIENCE_SECONDS)
    names: list[str] = []

    def call() -> None:
        barrier.wait()
        names.append(threading.current_thread().name)

    futures = [threads.run(call) for _ in range(30)]
    for future in futures:
        future.result(PATIENCE_SECONDS)
    assert len(set(names)) == 3
    assert all(name.startswith("test-threads-") for name in names)


def test_a_thread_is_started_only_when_none_is_idle(threads: Threads) -> None:
    """A hundred calls one after the other need one thread, or two if the first is still busy."""
    idents = set()
    for _ in range(100):
        idents.add(threads.run(threading.get_ident).result(PATIENCE_SECONDS))
    assert len(idents) <= 2


def test_each_of_many_gets_a_thread_at_once() -> None:
    """No call waits while a thread could be started."""
    threads = Threads(50, "test-many")
    for _ in range(20):
        barrier = threading.Barrier(50, timeout=PATIENCE_SECONDS)
        for future in [threads.run(barrier.wait) for _ in range(50)]:
            future.result(PATIENCE_SECONDS)
    threads.close()


def test_they_are_daemons(threads: Threads) -> None:
    """A thread that hangs must not keep the process."""
    daemon = threads.run(lambda: threading.current_thread().daemon)
    assert daemon.result(PATIENCE_SECONDS) is True


def test_a_call_that_raises_costs_no_thread(
    threads: Threads, caplog: pytest.LogCaptureFixture
) -> None:
    """SystemExit, too, is logged, and the thread takes the next call."""

    def leave() -> None:
        raise SystemExit(3)

    for _ in range(10):
        threads.submit(leave)
    assert threads.run(lambda: "next").result(PATIENCE_SECONDS) == "next"
    assert "failed" in caplog.text


def test_a_future_gets_the_exception(threads: Threads) -> None:
    """``run`` keeps what the call raised for whoever waits for it."""

    def leave() -> None:
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        threads.run(leave).result(PATIENCE_SECONDS)


def test_an_idle_thread_keeps_nothing_alive(threads: Threads) -> None:
    """What the last call referred to can be collected while its thread waits for the next."""

    class Input:
        pass

    held = Input()
    kept = weakref.ref(held)
    threads.submit(functools.partial(id, held))
    del held
    until(lambda: kept() is None, "the end of what it held")


# Reservations


def test_reserved_calls_never_wait_for_each_other(threads: Threads) -> None:
    """Each has a thread of its own, though the others go on."""
    barrier = threading.Barrier(3, timeout=PATIENCE_SECONDS)
    assert [threads.reserve() for _ in range(3)] == [True] * 3
    calls = [run_reserved(threads, barrier.wait) for _ in range(3)]
    assert all(ended.wait(PATIENCE_SECONDS) for ended in calls)


def test_no_more_reservations_than_threads(threads: Threads) -> None:
    """A reservation that is released, or whose call has ended, makes room for another."""
    assert [threads.reserve() for _ in range(4)] == [True, True, True, False]
    threads.release()
    assert [threads.reserve() for _ in range(2)] == [True, False]
    assert run_reserved(threads, lambda: None).wait(PATIENCE_SECONDS)
    until(threads.reserve)  # a thread is busy until it is back from its call
    assert not threads.reserve()


def test_a_call_that_runs_takes_its_thread_from_reservations() -> None:
    """A thread that is busy is not reserved besides."""
    threads = Threads(1, "test-busy")
    go_on = threading.Event()
    running = threads.run(lambda: go_on.wait(PATIENCE_SECONDS))
    assert not threads.reserve()
    go_on.set()
    assert running.result(PATIENCE_SECONDS)
    threads.close()


def test_whoever_waits_for_a_free_thread_is_woken(threads: Threads) -> None:
    """A poller with a slot waits only until a thread is back from its call."""
    go_on = threading.Event()
    for _ in range(3):
        threads.run(lambda: go_on.wait(PATIENCE_SECONDS))
    assert not threads.reserve()
    reserved = queue.SimpleQueue[bool]()

    def wait() -> None:
        threads.wait_for_free(PATIENCE_SECONDS * 10)
        reserved.put(threads.reserve())

    threading.Thread(target=wait, daemon=True).start()
    go_on.set()
    assert reserved.get(timeout=PATIENCE_SECONDS)


def test_no_thread_is_waited_for_longer_than_asked(threads: Threads) -> None:
    """The poller must look for a stop now and then."""
    assert [threads.reserve() for _ in range(3)] == [True] * 3
    threads.wait_for_free(0.01)
    assert not threads.reserve()


def test_no_reservation_without_a_thread(
    threads: Threads, no_more_threads: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever reserves learns that the system gives none; one warning says so."""
    assert threads.reserve()
    no_more_threads()
    assert not threads.reserve()
    assert not threads.reserve()
    threads.release()
    assert threads.reserve()
    threads.release()
    (warning,) = (record.getMessage() for record in caplog.records)
    assert warning.startswith("Cannot start more than 1 of 3 threads test-threads (")


# The end


def test_close_ends_all_threads_after_what_was_submitted() -> None:
    """What is queued is done first; then every thread ends."""
    threads = Threads(4, "test-close")
    seen: list[threading.Thread] = []
    barrier = threading.Barrier(4, timeout=PATIENCE_SECONDS)

    def call() -> None:
        barrier.wait()
        seen.append(threading.current_thread())

    futures = [threads.run(call) for _ in range(8)]
    threads.close()
    for future in futures:
        future.result(PATIENCE_SECONDS)
    for thread in set(seen):
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()


def test_nothing_is_submitted_after_close() -> None:
    """A call that no thread would ever run is an error."""
    threads = Threads(1, "test-closed")
    assert threads.reserve()
    threads.close()
    calls: list[Callable[[], object]] = [
        lambda: threads.submit(lambda: None),
        lambda: threads.run(lambda: None),
        lambda: threads.submit_reserved(lambda: None),
    ]
    for call in calls:
        with pytest.raises(RuntimeError, match="threads test-closed: they are closed"):
            call()


# No thread to be had


def test_calls_wait_for_the_threads_that_there_are(
    threads: Threads, no_more_threads: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    """A limit on threads costs time, not tasks."""
    go_on = threading.Event()

    def hold() -> threading.Thread:
        assert go_on.wait(PATIENCE_SECONDS)
        return threading.current_thread()

    first = threads.run(hold)
    no_more_threads()
    others = [threads.run(threading.current_thread) for _ in range(5)]
    go_on.set()
    assert {future.result(PATIENCE_SECONDS) for future in others} == {first.result()}
    assert "Cannot start more than 1 of 3 threads test-threads" in caplog.text


def test_the_caller_does_what_no_thread_can(
    threads: Threads, no_more_threads: Callable[[], None]
) -> None:
    """If the system gives no thread at all, ``submit`` returns when the call has ended."""
    no_more_threads()
    futures = [threads.run(threading.current_thread) for _ in range(3)]
    assert {future.result(0) for future in futures} == {threading.current_thread()}


def test_no_call_comes_after_the_end(threads: Threads) -> None:
    """A call that ``submit`` accepts is run, also if the threads are closed at that moment."""
    locked: list[bool] = []

    class Watched(queue.SimpleQueue[object]):
        def put(self, item: object, *_: object) -> None:
            locked.append(threads._lock.locked())  # so ``close`` comes before or after
            super().put(item)

    threads._calls = Watched()  # type: ignore[assignment]
    assert threads.reserve()
    threads.submit_reserved(lambda: None)
    threads.run(lambda: None).result(PATIENCE_SECONDS)
    assert locked == [True, True]
