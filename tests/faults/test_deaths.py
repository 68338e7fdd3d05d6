"""Processes that die: killed from outside, or by what they run."""

from __future__ import annotations

import os
import random
import signal
import time
from typing import Any

import pytest

from flowy import reasons
from tests.faults.conftest import FAILED_WITHIN_SECONDS, Workers, pid_of
from tests.faults.endpoint import Endpoint, Record
from tests.faults.test_stops import assert_accounted


def of_process(record: Record, pid: int) -> set[str]:
    """The tokens of the tasks that a process was handed."""
    handed = record.handed.copy()
    return {token for token, one in handed.items() if pid_of(one.identity) == pid}


def half_done(record: Record, pid: int) -> set[str]:
    """Those of them that run just now, and have beaten once of two times."""
    return {token for token in of_process(record, pid) & record.open if token in record.beats}


@pytest.mark.parametrize("concurrency", [1, 8])
def test_the_tasks_of_a_killed_child_are_failed_and_the_others_go_on(
    seed: int, endpoint: Endpoint, start_worker: Workers, concurrency: int
) -> None:
    """SIGKILL of one of two processes under load: its tasks are failed within 2 s, by name.

    The other one goes on meanwhile, a third takes the place of the dead, and the report tells of
    the polls that were out.
    """
    drawn = random.Random(seed)
    endpoint.supply(10**9, input="[[0.2, 2], {}]")
    worker = start_worker(endpoint.environment, processes=2, concurrency=concurrency)
    record = endpoint.record
    endpoint.wait_for(
        lambda _: len(record.identities) == 2 and len(record.answers) > 4 * concurrency, 30
    )
    victim, survivor = drawn.sample([pid_of(identity) for identity in record.identities], 2)
    endpoint.wait_for(lambda _: half_done(record, victim))
    os.kill(victim, signal.SIGKILL)
    killed_at = time.monotonic()
    polls_out = min(concurrency, 10)
    endpoint.wait_for(
        lambda _: (
            len(of_process(record, victim) & record.open) <= polls_out
            and record.outcomes()["RespondActivityTaskFailed"]
        ),
        FAILED_WITHIN_SECONDS,
    )
    before = len(record.answers)
    endpoint.wait_for(lambda _: len(record.answers) > before + 4 * concurrency)
    endpoint.wait_for(lambda _: len(record.identities) == 3, 30)
    (third,) = {pid_of(identity) for identity in record.identities} - {victim, survivor}
    endpoint.wait_for(lambda _: of_process(record, third) & record.answers.keys())
    worker.stop()
    report = worker.report()
    print(f"{endpoint.told()}\n{report}")

    failed = {
        token: answer
        for token, answer in record.answers.items()
        if answer.action == "RespondActivityTaskFailed"
    }
    assert failed
    assert failed.keys() <= of_process(record, victim)
    assert {answer.body["reason"] for answer in failed.values()} == {
        f"{reasons.WORKER_PROCESS_DIED}killed by signal 9 (SIGKILL)."
    }
    assert max(answer.at for answer in failed.values()) - killed_at < FAILED_WITHIN_SECONDS
    assert record.open <= of_process(record, victim)
    maybe_lost = [poll for poll in report.polls_lost if str(victim) in poll.identity]
    assert len(record.open | record.lost.keys()) <= len(maybe_lost) <= polls_out
    assert len(maybe_lost) == len(report.polls_lost)


def test_children_drain_when_their_supervisor_is_killed(
    endpoint: Endpoint, start_worker: Workers
) -> None:
    """SIGKILL of the supervisor: its children finish and answer what they have, and end."""
    endpoint.supply(10**9, input="[[0.2, 1], {}]")
    worker = start_worker(endpoint.environment, processes=2, concurrency=8)
    record = endpoint.record
    endpoint.wait_for(lambda _: len(record.identities) == 2 and len(record.answers) > 40, 30)
    worker.process.send_signal(signal.SIGKILL)
    assert worker.wait() == -signal.SIGKILL
    print(endpoint.told())
    assert not record.open
    assert not record.lost
    assert record.outcomes() == {"RespondActivityTaskCompleted": len(record.handed)}


@pytest.mark.parametrize(
    ("name", "arguments", "end"),
    [
        ("exit", [3], "exit code 3"),
        ("exit", [0], "exit code 0"),
        ("killed", [], "killed by signal 9 (SIGKILL)"),
        ("overflow", [], "killed by signal 11 (SIGSEGV)"),
    ],
    ids=["exits", "exits-as-if-well", "killed-for-its-memory", "overflows-its-stack"],
)
def test_an_activity_that_ends_its_process_is_failed_by_name(
    endpoint: Endpoint, start_worker: Workers, name: str, arguments: list[Any], end: str
) -> None:
    """It is failed, naming exit code or signal, within 2 s; the worker goes on without it."""
    worker = start_worker(endpoint.environment, processes=2, concurrency=4)
    record = endpoint.record
    endpoint.wait_for(lambda _: len(record.identities) == 2, 30)
    (token,) = endpoint.add(*arguments, name=name)
    endpoint.wait_for(lambda _: token in record.answers)
    answer = record.answers[token]
    assert answer.action == "RespondActivityTaskFailed"
    assert answer.body["reason"] == f"{reasons.WORKER_PROCESS_DIED}{end}."
    assert answer.at - record.handed[token].at < FAILED_WITHIN_SECONDS
    # Until they end, the polls of the dead take tasks, which are lost.
    endpoint.wait_for(lambda e: all(poll.connection.is_open for poll in e.polls))
    tokens = endpoint.add(count=20)
    endpoint.wait_for(lambda _: set(tokens) <= record.answers.keys())
    endpoint.wait_for(lambda _: len(record.identities) == 3, 30)
    worker.stop()
    report = worker.report()
    assert (report.completed, report.failed) == (20, 1)
    assert_accounted(record, report)
    assert all("its process died" in poll.fault for poll in report.polls_lost)


@pytest.mark.parametrize("piece_bytes", [2**20, 2**10], ids=["large-pieces", "small-pieces"])
@pytest.mark.parametrize(("processes", "concurrency"), [(1, 1), (2, 4)])
def test_an_activity_that_may_have_no_more_memory_is_failed(
    endpoint: Endpoint, start_worker: Workers, piece_bytes: int, processes: int, concurrency: int
) -> None:
    """MemoryError, under a limit of the process, fails the task like any error.

    What the activity had taken is free again for its answer, and the same processes go on.
    """
    worker = start_worker(endpoint.environment, processes=processes, concurrency=concurrency)
    record = endpoint.record
    endpoint.wait_for(lambda _: len(record.identities) == processes, 30)
    for _ in range(3):
        (token,) = endpoint.add(piece_bytes, name="hoard")
        endpoint.wait_for(lambda _, token=token: token in record.answers, 30)  # type: ignore[misc]
        answer = record.answers[token]
        assert answer.action == "RespondActivityTaskFailed"
        assert answer.body["reason"] == "MemoryError"
    tokens = endpoint.add(count=20)
    endpoint.wait_for(lambda _: set(tokens) <= record.answers.keys(), 30)
    assert len(record.identities) == processes
    worker.stop()
    report = worker.report()
    assert (report.completed, report.failed) == (20, 3)
    assert report.clean
