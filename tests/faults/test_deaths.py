"""Processes that die: killed from outside, or by what they run."""

from __future__ import annotations

import os
import random
import resource
import signal
import time

import pytest

from flowy import reasons
from tests.faults.accounts import assert_accounted
from tests.faults.conftest import FAILED_WITHIN_SECONDS, Workers, pid_of
from tests.faults.endpoint import Endpoint
from tests.faults.record import Record
from tests.faults.sessions import PROCESSES, Session

#: How an activity may end its process: its name, its arguments, and what is said of the end.
DEATHS: tuple[tuple[str, list[int], str], ...] = (
    ("exit", [3], "exit code 3"),
    ("exit", [0], "exit code 0"),
    ("killed", [], "killed by signal 9 (SIGKILL)"),
    ("overflow", [], "killed by signal 11 (SIGSEGV)"),
)

#: Fewer files than a supervisor has open, and enough for the system to let it wait for them.
FEW_FILES = 8


def of_process(record: Record, pid: int) -> set[str]:
    """The tokens of the tasks that a process was handed."""
    handed = record.handed.copy()
    return {token for token, one in handed.items() if pid_of(one.identity) == pid}


def half_done(record: Record, pid: int) -> set[str]:
    """Those of them that run just now, and have beaten once of two times."""
    return {token for token in of_process(record, pid) & record.open if token in record.beats}


def test_the_tasks_of_a_killed_child_are_failed_and_the_others_go_on(
    seed: int, endpoint: Endpoint, start_worker: Workers
) -> None:
    """SIGKILL of one of two processes under load: its tasks are failed soon, by name.

    The other one goes on meanwhile, a third takes the place of the dead, and the report tells of
    the polls that were out.
    """
    concurrency = 8
    drawn = random.Random(seed)
    endpoint.supply(10**9, input="[[0.4, 2], {}]")
    worker = start_worker(endpoint.environment, processes=2, concurrency=concurrency)
    record = endpoint.record
    endpoint.wait_for(
        lambda _: len(record.identities) == 2 and len(record.answers) > 4 * concurrency
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
    endpoint.wait_for(lambda _: len(record.identities) == 3)
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


def test_a_process_that_cannot_be_replaced_at_once(endpoint: Endpoint) -> None:
    """The other one goes on meanwhile, and the next starts as soon as the system has room."""
    record = endpoint.record
    with Session(endpoint, PROCESSES, "activities") as session:
        supervisor = session.process.pid
        lost, kept = endpoint.add(3_600.0, name="patient", count=2)
        endpoint.wait_for(lambda _: record.beats.keys() == {lost, kept})
        limits = resource.prlimit(supervisor, resource.RLIMIT_NOFILE)
        resource.prlimit(supervisor, resource.RLIMIT_NOFILE, (FEW_FILES, limits[1]))
        os.kill(pid_of(record.handed[lost].identity), signal.SIGKILL)
        session.wait_for("Cannot start a worker process ([Errno 24] Too many open files)")
        resource.prlimit(supervisor, resource.RLIMIT_NOFILE, limits)
        assert session.result_of(lost).startswith(reasons.WORKER_PROCESS_DIED)
        endpoint.wait_for(lambda _: len(record.identities) == 3, what="it is replaced")
        endpoint.request_cancel(kept)
        assert session.result_of(kept) == "RespondActivityTaskCanceled"
        assert session.stop() == "0 completed, 1 failed, 1 canceled"


def test_children_drain_when_their_supervisor_is_killed(
    endpoint: Endpoint, start_worker: Workers
) -> None:
    """SIGKILL of the supervisor: its children finish and answer what they have, and end."""
    endpoint.supply(10**9, input="[[0.2, 1], {}]")
    worker = start_worker(endpoint.environment, processes=2, concurrency=8)
    record = endpoint.record
    endpoint.wait_for(lambda _: len(record.identities) == 2 and len(record.answers) > 40)
    worker.process.send_signal(signal.SIGKILL)
    assert worker.wait() == -signal.SIGKILL
    print(endpoint.told())
    assert not record.open
    assert not record.lost
    assert record.outcomes() == {"RespondActivityTaskCompleted": len(record.handed)}


def test_an_activity_that_ends_its_process_is_failed_by_name(
    endpoint: Endpoint, start_worker: Workers
) -> None:
    """It is failed soon, naming exit code or signal; the worker goes on without it."""
    worker = start_worker(endpoint.environment, processes=2, concurrency=4)
    record = endpoint.record
    for name, arguments, end in DEATHS:
        (token,) = endpoint.add(*arguments, name=name)
        endpoint.wait_for(lambda _, token=token: token in record.answers)  # type: ignore[misc]
        answer = record.answers[token]
        assert answer.action == "RespondActivityTaskFailed"
        assert answer.body["reason"] == f"{reasons.WORKER_PROCESS_DIED}{end}."
        assert answer.at - record.handed[token].at < FAILED_WITHIN_SECONDS
        # Until they end, the polls of the dead take tasks, which are lost.
        endpoint.wait_for(lambda e: all(poll.connection.is_open for poll in e.polls))
        tokens = endpoint.add(count=5)
        endpoint.wait_for(lambda _, tokens=tokens: record.answers.keys() >= set(tokens))  # type: ignore[misc]
    endpoint.wait_for(lambda _: len(record.identities) == 2 + len(DEATHS))
    worker.stop()
    report = worker.report()
    # A process may die before it has told the supervisor of an answer that SWF has.
    assert report.completed + report.closed == 5 * len(DEATHS)
    assert report.failed == len(DEATHS)
    assert_accounted(record, report)
    # Each had polls out for its other slots.
    faults = {poll.fault for poll in report.polls_lost}
    assert faults == {f"its process died, {end}" for _, _, end in DEATHS}


@pytest.mark.parametrize(("processes", "concurrency"), [(1, 1), (2, 4)])
def test_an_activity_that_may_have_no_more_memory_is_failed(
    endpoint: Endpoint, start_worker: Workers, processes: int, concurrency: int
) -> None:
    """MemoryError, under a limit of the process, fails the task like any error.

    What the activity had taken is free again for its answer, and the same processes go on.
    """
    worker = start_worker(endpoint.environment, processes=processes, concurrency=concurrency)
    record = endpoint.record
    endpoint.wait_for(lambda _: len(record.identities) == processes)
    pieces_bytes = [2**20, 2**10] * 2
    for piece_bytes in pieces_bytes:
        (token,) = endpoint.add(piece_bytes, name="hoard")
        endpoint.wait_for(lambda _, token=token: token in record.answers)  # type: ignore[misc]
        answer = record.answers[token]
        assert answer.action == "RespondActivityTaskFailed"
        assert answer.body["reason"] == "MemoryError"
    tokens = endpoint.add(count=20)
    endpoint.wait_for(lambda _: set(tokens) <= record.answers.keys())
    assert len(record.identities) == processes
    worker.stop()
    report = worker.report()
    assert (report.completed, report.failed) == (20, len(pieces_bytes))
    assert report.clean
