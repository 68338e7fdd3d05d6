"""Beats that coalesce, and beats in the background."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator

import pytest

from flowy.exception import OutOfReachError, UnknownResourceError
from flowy.heartbeat import BACKGROUND_THREADS, BURST_BEATS, Background, Heartbeat, Verdict

PATIENCE_SECONDS = 10.0

#: An interval at which nothing happens within a test, in seconds.
NEVER_SECONDS = 3_600.0


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Wire:
    """Takes beats, and answers as it is told."""

    def __init__(self) -> None:
        self.sent: list[str | None] = []
        self.changed = threading.Condition()
        self.answer: Callable[[], bool] = lambda: False

    def __call__(self, details: str | None) -> bool:
        with self.changed:
            self.sent.append(details)
            self.changed.notify_all()
        return self.answer()

    def wait_for(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.sent) >= count, PATIENCE_SECONDS)


def unknown() -> bool:
    raise UnknownResourceError("closed", fault="UnknownResourceFault")


def throttled() -> bool:
    raise OutOfReachError("throttled", fault="ThrottlingException")


def heartbeat_of(
    send: Callable[[str | None], bool],
    *,
    timeout: float | None = None,
    clock: Callable[[], float] | None = None,
) -> Heartbeat:
    """A heartbeat that tries once."""
    how = {} if clock is None else {"clock": clock}
    return Heartbeat(
        "a task",
        send,
        timeout_seconds=timeout,
        lost_after_seconds=timeout,
        pause=lambda seconds: True,
        **how,
    )


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def background() -> Iterator[Background]:
    made = Background()
    yield made
    made.close()


# Coalescing


def test_a_burst_of_ten_goes_out_and_the_rest_coalesces(wire: Wire, clock: Clock) -> None:
    """In a tight loop ten beats are sent; later ones answer the latest verdict without a call."""
    heartbeat = heartbeat_of(wire, clock=clock)
    verdicts = {heartbeat.beat(str(number)) for number in range(1_000)}
    assert wire.sent == [str(number) for number in range(BURST_BEATS)]
    assert verdicts == {Verdict.GO_ON}


@pytest.mark.parametrize(("timeout", "interval"), [(None, 1.0), (60, 1.0), (10, 1.0), (2, 0.2)])
def test_after_a_burst_one_beat_each_interval(
    wire: Wire, clock: Clock, timeout: float | None, interval: float
) -> None:
    """The interval is a second, or a tenth of the heartbeat timeout where that is less."""
    heartbeat = heartbeat_of(wire, timeout=timeout, clock=clock)
    for _ in range(BURST_BEATS + 5):
        heartbeat.beat()
    clock.now += interval * 0.9
    heartbeat.beat()
    assert len(wire.sent) == BURST_BEATS
    clock.now += interval * 0.2
    heartbeat.beat()
    heartbeat.beat()
    assert len(wire.sent) == BURST_BEATS + 1


def test_the_newest_details_ride_on_the_next_beat(wire: Wire, clock: Clock) -> None:
    """Details of beats that coalesced are not lost: the newest go out with the next one."""
    heartbeat = heartbeat_of(wire, clock=clock)
    for number in range(BURST_BEATS + 5):
        heartbeat.beat(str(number))
    clock.now += 1.5
    heartbeat.beat()
    assert wire.sent[-1] == str(BURST_BEATS + 4)
    assert heartbeat.details == str(BURST_BEATS + 4)


def test_a_beat_that_coalesces_answers_the_latest_verdict(wire: Wire, clock: Clock) -> None:
    """What another beat has learned meanwhile is what a coalesced beat says."""
    heartbeat = heartbeat_of(wire, clock=clock)
    for _ in range(BURST_BEATS):
        heartbeat.beat()
    wire.answer = lambda: True
    heartbeat.send()
    assert heartbeat.beat() is Verdict.CANCEL_REQUESTED
    assert len(wire.sent) == BURST_BEATS + 1


def test_each_beat_brings_the_newest_details(wire: Wire, clock: Clock) -> None:
    """Of a task that times out SWF keeps the last beat's, so one without them would lose them."""
    heartbeat = heartbeat_of(wire, clock=clock)
    wire.answer = throttled
    heartbeat.beat("half")
    wire.answer = lambda: False
    heartbeat.beat()
    heartbeat.beat()
    assert wire.sent == ["half", "half", "half"]


def test_a_beat_that_is_tried_again_brings_the_newest_details(wire: Wire, clock: Clock) -> None:
    """Not those that were newest when it was first tried, which would overtake them."""
    heartbeat = Heartbeat(
        "a task", wire, lost_after_seconds=None, pause=lambda seconds: False, clock=clock
    )
    heartbeat.progress("row 1")

    def throttled_once() -> bool:
        wire.answer = lambda: False
        heartbeat.progress("row 2")
        return throttled()

    wire.answer = throttled_once
    heartbeat.send()
    assert wire.sent == ["row 1", "row 2"]


def test_progress_makes_no_call(wire: Wire, clock: Clock) -> None:
    """progress() keeps the details for the next beat, and ends the silence."""
    heartbeat = heartbeat_of(wire, clock=clock)
    clock.now += 30
    assert heartbeat.silent_seconds == 30
    heartbeat.progress("a third")
    assert (wire.sent, heartbeat.silent_seconds) == ([], 0)
    heartbeat.send()
    assert wire.sent == ["a third"]


# Verdicts of several at once


def test_a_request_to_cancel_is_never_taken_back(wire: Wire) -> None:
    """Of two beats at once the older may be answered last, and knows nothing of the request."""
    older_sent, newer_answered = threading.Event(), threading.Event()

    def answer(details: str | None) -> bool:
        if details == "older":
            older_sent.set()
            assert newer_answered.wait(PATIENCE_SECONDS)
            return False
        return True

    heartbeat = heartbeat_of(answer)
    older = threading.Thread(target=heartbeat.beat, args=("older",))
    older.start()
    assert older_sent.wait(PATIENCE_SECONDS)
    assert heartbeat.beat("newer") is Verdict.CANCEL_REQUESTED
    newer_answered.set()
    older.join()
    assert heartbeat.verdict is Verdict.CANCEL_REQUESTED


def test_closed_is_not_overtaken_by_lost(clock: Clock) -> None:
    """A beat that fails while another learned that the task is closed changes nothing."""
    slow_sent, closed = threading.Event(), threading.Event()

    def answer(details: str | None) -> bool:
        if details == "slow":
            slow_sent.set()
            assert closed.wait(PATIENCE_SECONDS)
            clock.now += 1_000
            return throttled()
        return unknown()

    heartbeat = heartbeat_of(answer, timeout=60, clock=clock)
    slow = threading.Thread(target=heartbeat.beat, args=("slow",))
    slow.start()
    assert slow_sent.wait(PATIENCE_SECONDS)
    assert heartbeat.beat("fast") is Verdict.CLOSED
    closed.set()
    slow.join()
    assert heartbeat.verdict is Verdict.CLOSED


def test_a_settled_task_is_beaten_for_no_more(wire: Wire) -> None:
    """After rest() no beat goes out: a task that was abandoned must be able to time out."""
    heartbeat = heartbeat_of(wire)
    heartbeat.rest()
    heartbeat.beat("on and on")
    heartbeat.send()
    assert wire.sent == []


# In the background


def test_beats_go_out_while_the_block_runs(wire: Wire, background: Background) -> None:
    """Every interval, with the newest details; and not after the block."""
    heartbeat = heartbeat_of(wire)
    told: list[Verdict] = []
    with background.beating(
        heartbeat, interval_seconds=0.01, max_stall_seconds=None, told=told.append
    ):
        wire.wait_for(2)
        heartbeat.progress("now")
        with wire.changed:
            assert wire.changed.wait_for(lambda: "now" in wire.sent, PATIENCE_SECONDS)
        wire.wait_for(len(wire.sent) + 2)
    assert told == []
    assert wire.sent[-2:] == ["now", "now"]


@pytest.mark.parametrize(
    ("answer", "verdict"), [(unknown, Verdict.CLOSED), (lambda: True, Verdict.CANCEL_REQUESTED)]
)
def test_what_a_beat_learns_is_told(
    wire: Wire, background: Background, answer: Callable[[], bool], verdict: Verdict
) -> None:
    """A verdict that is not to go on is told, and is what the heartbeat says from then on."""
    heartbeat = heartbeat_of(wire)
    wire.answer = answer
    told = threading.Event()
    verdicts: list[Verdict] = []

    def tell(learned: Verdict) -> None:
        verdicts.append(learned)
        told.set()

    with background.beating(heartbeat, interval_seconds=0.01, max_stall_seconds=None, told=tell):
        assert told.wait(PATIENCE_SECONDS)
    assert set(verdicts) == {verdict}
    assert heartbeat.verdict is verdict


def test_beats_rest_while_the_author_reports_nothing(wire: Wire, background: Background) -> None:
    """max_stall: no beat once the silence is longer; a report wakes them again."""
    clock = Clock()
    stalled, awake = heartbeat_of(wire, clock=clock), Wire()
    stalled.progress()
    clock.now += 5.1
    witness = heartbeat_of(awake)
    with (
        background.beating(
            stalled, interval_seconds=0.01, max_stall_seconds=5, told=lambda verdict: None
        ),
        background.beating(
            witness, interval_seconds=0.01, max_stall_seconds=5, told=lambda verdict: None
        ),
    ):
        awake.wait_for(10)
        assert wire.sent == []
        stalled.progress("on it")
        wire.wait_for(1)
        assert wire.sent[0] == "on it"


def test_one_task_needs_one_thread(wire: Wire, background: Background) -> None:
    """Threads are started as they are needed: one beats for a task by itself."""
    before = set(threading.enumerate())
    with background.beating(
        heartbeat_of(wire), interval_seconds=0.01, max_stall_seconds=None, told=lambda v: None
    ):
        wire.wait_for(10)
        assert len(set(threading.enumerate()) - before) == 1


def test_many_tasks_share_a_few_threads(background: Background) -> None:
    """A hundred tasks are beaten for by at most eight threads, and a slow one delays no other."""
    release = threading.Event()

    def hang(details: str | None) -> bool:
        return not release.wait(PATIENCE_SECONDS)

    wires = [Wire() for _ in range(100)]
    senders: list[Callable[[str | None], bool]] = [hang, *wires]
    blocks = [
        background.beating(
            heartbeat_of(send), interval_seconds=0.02, max_stall_seconds=None, told=lambda v: None
        )
        for send in senders
    ]
    for block in blocks:
        block.__enter__()
    for wire in wires:
        wire.wait_for(2)
    names = [t.name for t in threading.enumerate() if t.name.startswith("flowy-heartbeat")]
    assert 2 <= len(names) <= BACKGROUND_THREADS
    release.set()
    for block in blocks:
        block.__exit__(None, None, None)


def test_what_told_raises_does_not_end_the_beats(
    wire: Wire, background: Background, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of ours in a background thread is logged; the next beat goes out."""
    wire.answer = lambda: True

    def tell(verdict: Verdict) -> None:
        raise ValueError("our fault")

    with background.beating(
        heartbeat_of(wire), interval_seconds=0.01, max_stall_seconds=None, told=tell
    ):
        wire.wait_for(3)
    assert "A background heartbeat failed" in caplog.text


def test_a_task_that_has_ended_is_not_kept(wire: Wire, background: Background) -> None:
    """Long intervals keep no more than a few ended tasks, inputs and all, in memory."""
    kept: list[weakref.ref[Heartbeat]] = []
    for _ in range(1_000):
        heartbeat = heartbeat_of(wire)
        kept.append(weakref.ref(heartbeat))
        with background.beating(
            heartbeat, interval_seconds=NEVER_SECONDS, max_stall_seconds=None, told=lambda v: None
        ):
            pass
        del heartbeat
    gc.collect()
    assert sum(ref() is not None for ref in kept) < 200


def test_threads_end_when_it_is_closed(wire: Wire) -> None:
    """close() lets every thread end, and nothing is beaten for any more."""
    background = Background()
    before = set(threading.enumerate())
    blocks = [
        background.beating(
            heartbeat_of(wire), interval_seconds=0.01, max_stall_seconds=None, told=lambda v: None
        )
        for _ in range(20)
    ]
    for block in blocks:
        block.__enter__()
    wire.wait_for(40)
    threads = set(threading.enumerate()) - before
    assert threads
    background.close()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()
    sent = len(wire.sent)
    for block in blocks:
        block.__exit__(None, None, None)
    assert len(wire.sent) == sent
