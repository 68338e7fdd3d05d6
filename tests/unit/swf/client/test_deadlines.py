"""Overall deadlines of calls, over real sockets and by a clock that the test turns."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest

from flowy.exception import TransientError
from flowy.swf.client import SWFClient
from flowy.swf.client.actions import HEARTBEAT_DEADLINE_SECONDS, POLL_DEADLINE_SECONDS
from flowy.swf.client.caller import ANSWER_DEADLINE_SECONDS
from flowy.swf.client.deadlines import (
    SHORTEST_DEADLINE_SECONDS,
    CallDeadlines,
)
from tests.patience import PATIENCE_SECONDS, until
from tests.unit.clocks import TurnedClock
from tests.unit.scripted_swf import ONE_ATTEMPT, Says, ScriptedSWF
from tests.unit.swf.client.conftest import EVERY_SECONDS, Aside, MakeClient, error_after_cuts

pytestmark = pytest.mark.usefixtures("no_settings")

#: An answer that comes byte by byte for longer than any test waits.
ENDLESS = "x" * 100_000

CALLS: dict[str, tuple[Callable[[SWFClient], object], float]] = {
    "poll": (
        lambda client: client.poll_for_activity_task("domain", "list", "me"),
        POLL_DEADLINE_SECONDS,
    ),
    "heartbeat": (
        lambda client: client.record_activity_task_heartbeat("token"),
        HEARTBEAT_DEADLINE_SECONDS,
    ),
    "answer": (
        lambda client: client.respond_activity_task_completed("token", "1"),
        ANSWER_DEADLINE_SECONDS,
    ),
}


def watchers() -> set[threading.Thread]:
    """Return the threads that watch calls now."""
    return {thread for thread in threading.enumerate() if thread.name == "flowy-deadlines"}


# Over HTTP


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("part", ["head", "body"])
def test_an_answer_that_trickles_is_cut(
    make_client: MakeClient,
    name: str,
    part: str,
    clock: TurnedClock,
    aside: Aside,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """At its deadline and not before, though no read ever times out."""
    call, seconds = CALLS[name]
    with ScriptedSWF(Says(ENDLESS, trickle=part, every_seconds=EVERY_SECONDS)) as swf:
        client = make_client(swf.url, **ONE_ATTEMPT)
        future = aside(lambda: call(SWFClient(client, client, clock=clock)))
        while seconds > 1:  # the watcher looks every 5 s, and then waits again
            step = min(SHORTEST_DEADLINE_SECONDS, seconds - 1)
            clock.turn_when_awaited(step)
            seconds -= step
        clock.turn_when_awaited(0.999)
        assert not future.done()
        assert "cut" not in caplog.text
        clock.turn(0.001)
        error = error_after_cuts(future, clock)
    assert isinstance(error, TransientError)
    assert error.may_have_arrived
    assert "A call to SWF has passed its deadline; its connection is cut." in caplog.text


def test_a_client_that_repeats_is_cut_again(
    make_client: MakeClient, clock: TurnedClock, aside: Aside, caplog: pytest.LogCaptureFixture
) -> None:
    """The deadline is that of the call, with all attempts of the client."""
    says = Says(ENDLESS, trickle="head", every_seconds=EVERY_SECONDS)
    retries = {"total_max_attempts": 2, "mode": "standard"}
    with ScriptedSWF(says) as swf:
        client = make_client(swf.url, retries=retries)
        ours = SWFClient(client, client, clock=clock)
        future = aside(lambda: ours.respond_activity_task_completed("token", "1"))
        clock.turn_when_awaited(SHORTEST_DEADLINE_SECONDS)
        clock.turn(ANSWER_DEADLINE_SECONDS)
        assert isinstance(error_after_cuts(future, clock), TransientError)
        assert caplog.text.count("connection is cut") >= 2, "each attempt is cut"


# The thread


def test_the_thread_ends_when_no_call_is_out(
    deadlines: CallDeadlines, clock: TurnedClock, aside: Aside
) -> None:
    """Nothing watches while nobody calls; the next call is watched again."""
    before = watchers()
    for _ in range(2):
        go_on = threading.Event()
        future = aside(lambda: deadlines.call(30, lambda: go_on.wait(PATIENCE_SECONDS)))  # noqa: B023
        clock.turn_when_awaited(SHORTEST_DEADLINE_SECONDS)
        (watcher,) = watchers() - before
        go_on.set()
        assert future.result(PATIENCE_SECONDS) is True
        clock.keep_turning(lambda: not watcher.is_alive(), SHORTEST_DEADLINE_SECONDS)  # noqa: B023


def test_one_thread_for_all_calls(
    deadlines: CallDeadlines, clock: TurnedClock, aside: Aside
) -> None:
    """One thread watches all calls, however many are out."""
    before, go_on = watchers(), threading.Event()
    barrier = threading.Barrier(4, timeout=PATIENCE_SECONDS)

    def wait() -> bool:
        barrier.wait()  # all calls are out
        return go_on.wait(PATIENCE_SECONDS)

    futures = [aside(lambda: deadlines.call(30, wait)) for _ in range(4)]
    clock.turn_when_awaited(SHORTEST_DEADLINE_SECONDS)
    assert len(watchers() - before) == 1
    go_on.set()
    assert all(future.result(PATIENCE_SECONDS) for future in futures)


def test_values_and_errors_pass(deadlines: CallDeadlines) -> None:
    """A call returns what it returns, and raises what it raises."""
    assert deadlines.call(30, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        deadlines.call(30, lambda: 1 // 0)


def test_no_thread_to_watch(deadlines: CallDeadlines) -> None:
    """If the system gives none, calls go out all the same; a later one is watched."""
    before, size = watchers(), threading.stack_size(2**44)
    try:
        assert deadlines.call(30, lambda: 7) == 7
        assert watchers() == before
    finally:
        threading.stack_size(size)
    assert deadlines.call(30, lambda: len(watchers() - before)) == 1


# What a call waits for


def test_a_call_that_waits_for_a_connection(make_client: MakeClient, aside: Aside) -> None:
    """It says so until its request is out: here until TLS is agreed on, which never is."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        made = make_client(f"https://127.0.0.1:{silent.getsockname()[1]}", **ONE_ATTEMPT)
        client, threads = SWFClient(made, made), []

        def poll() -> None:
            threads.append(threading.get_ident())
            client.poll_for_activity_task("domain", "list", "me")

        future = aside(poll)
        connection, _ = silent.accept()
        until(lambda: client.is_connecting(threads[0]))
        connection.close()
        assert isinstance(future.exception(PATIENCE_SECONDS), TransientError)
        assert not client.is_connecting(threads[0])
        assert not client.is_connecting(None)


def test_a_call_that_waits_for_its_answer(
    make_client: MakeClient, clock: TurnedClock, aside: Aside
) -> None:
    """Its request is out: whoever holds it is SWF."""
    with ScriptedSWF(Says(ENDLESS, trickle="head", every_seconds=EVERY_SECONDS)) as swf:
        made = make_client(swf.url, **ONE_ATTEMPT)
        client, threads = SWFClient(made, made, clock=clock), []

        def poll() -> None:
            threads.append(threading.get_ident())
            client.poll_for_activity_task("domain", "list", "me")

        future = aside(poll)
        until(lambda: swf.requests)
        assert not client.is_connecting(threads[0])
        client.cut_call(threads[0])
        assert isinstance(error_after_cuts(future, clock), TransientError)
