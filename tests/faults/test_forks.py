"""Activities that fork: a child of a fork is not the worker, and never speaks for it.

The fork of a worker has the worker's signal handlers, its connections, its pipe to the
supervisor, and the very stack that answers the task when ``run`` returns.
"""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from flowy import reasons
from tests.faults.conftest import pid_of
from tests.faults.endpoint import Endpoint
from tests.faults.forking_activities import CHILDREN
from tests.faults.sessions import (
    PROCESSES,
    PROCESSES_OF_THREADS,
    SERIAL,
    THREADS,
    Mode,
    Session,
    said_by,
)

#: What an activity returns whose children ended by the signal that was sent to them.
TERMINATED: dict[str, list[Any]] = {
    "processes": [-signal.SIGTERM] * CHILDREN,
    "processes at once": [-signal.SIGTERM],
    "pool": [-signal.SIGTERM] * CHILDREN,
    "executor": ["broken"] * CHILDREN,
    "subprocesses": [-signal.SIGTERM] * CHILDREN,
}

#: How a child of a fork may leave ``run``: the activity, and its argument.
FALLS = (
    ("falling out", "returns"),
    ("falling out", "raises"),
    ("falling out", "exits"),
    ("falling out", "suspends"),
    ("falling out as a coroutine", "returns"),
    ("falling out of a thread", "returns"),
    ("falling out of a thread", "raises"),
)

#: More tasks than can come after a stop: one for each poll that is out then.
MORE_THAN_POLLS = 10


def assert_goes_on(session: Session) -> None:
    """The worker serves on: the processes that were there before, and none besides."""
    record = session.endpoint.record
    workers = {pid_of(identity) for identity in record.identities}
    for _ in range(MORE_THAN_POLLS):
        assert session.run_task("pid") in workers
    assert len(record.identities) == session.mode.processes
    assert record.polls_peak <= session.mode.processes * session.mode.concurrency


@pytest.mark.parametrize("mode", [SERIAL, THREADS, PROCESSES_OF_THREADS], ids=str)
def test_a_signal_to_a_child_of_an_activity_ends_that_child_alone(
    endpoint: Endpoint, mode: Mode
) -> None:
    """SIGTERM ends a forked child as it ends any process, and three of them stop no worker."""
    with Session(endpoint, mode, "forking_activities") as session:
        for name, ends in TERMINATED.items():
            assert session.run_task(name) == ends
            assert_goes_on(session)
        tasks = len(TERMINATED) * (1 + MORE_THAN_POLLS)
        assert session.stop() == f"{tasks} completed"
        assert not session.left()
    assert not endpoint.record.refused


@pytest.mark.parametrize("mode", [SERIAL, THREADS, PROCESSES], ids=str)
def test_a_signal_to_the_whole_group_is_one_stop(endpoint: Endpoint, mode: Mode) -> None:
    """SIGTERM as systemd sends it: children of forks die of it, and the worker is told once.

    The activity goes on, hears nothing of a hurry, and completes.
    """
    with Session(endpoint, mode, "forking_activities") as session:
        (token,) = endpoint.add(name="family")
        endpoint.wait_for(lambda e: token in e.record.beats)
        session.send(signal.SIGTERM, group=True)
        assert session.result_of(token) == {
            "Process": -signal.SIGTERM,
            "fork": -signal.SIGTERM,
            "program": -signal.SIGTERM,
            "executor": "broken",
            "go on": True,
        }
        assert session.wait() == 0
        assert session.report() == "1 completed"
        assert not session.left()
    assert not endpoint.record.refused


@pytest.mark.parametrize("mode", [SERIAL, THREADS, PROCESSES], ids=str)
def test_the_child_of_a_fork_never_outlives_run(endpoint: Endpoint, mode: Mode) -> None:
    """However it leaves ``run``, it ends there: the parent alone answers, and no clone polls."""
    with Session(endpoint, mode, "forking_activities") as session:
        record = endpoint.record
        for name, how in FALLS:
            (token,) = endpoint.add(how, name=name)
            result = session.result_of(token)
            assert result == [pid_of(record.handed[token].identity), "ended"]
            assert_goes_on(session)
        assert session.stop() == f"{len(FALLS) * (1 + MORE_THAN_POLLS)} completed"
        assert not session.left()
    assert not record.refused, "the child answered, or beat, as well"


@pytest.mark.parametrize("mode", [PROCESSES, PROCESSES_OF_THREADS], ids=str)
def test_the_child_of_a_fork_tells_the_supervisor_nothing(endpoint: Endpoint, mode: Mode) -> None:
    """Its parent's task stays open for the supervisor, which fails it if the parent dies."""
    with Session(endpoint, mode, "forking_activities"):
        record = endpoint.record
        tokens = [
            endpoint.add(how, name="falling out and on")[0] for how in ("suspends", "returns")
        ]
        endpoint.wait_for(lambda _: {*record.beats, *record.answers} >= set(tokens))
        for pid in {pid_of(record.handed[token].identity) for token in tokens}:
            os.kill(pid, signal.SIGKILL)
        endpoint.wait_for(lambda _: record.answers.keys() == set(tokens))
        reason = f"{reasons.WORKER_PROCESS_DIED}killed by signal 9 (SIGKILL)."
        assert [said_by(record.answers[token]) for token in tokens] == [reason] * 2


@pytest.mark.parametrize("mode", [SERIAL, THREADS], ids=str)
def test_a_heartbeat_in_the_child_of_a_fork_is_an_error(endpoint: Endpoint, mode: Mode) -> None:
    """It names the fork; nothing is sent, and the parent's own heartbeats go on."""
    with Session(endpoint, mode, "forking_activities") as session:
        (token,) = endpoint.add(name="heartbeat in child")
        (kind, text), answer = session.result_of(token)
        assert kind == "OutsideActivityError"
        assert "fork" in text
        assert answer is True
        beats = endpoint.record.beats[token]
        assert [beat.body.get("details") for beat in beats] == ["parent"]
        assert session.stop() == "1 completed"
