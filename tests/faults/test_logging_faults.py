"""A log that raises: no task may pay for a line that tells of it.

What is to be logged about a task comes after its answer, and a log that is broken changes nothing
else either: the worker polls, tries again, counts and stops as if every line had been written.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest

from flowy.swf.worker.report import StopReport
from tests.faults.conftest import Worker, Workers
from tests.faults.endpoint import Endpoint
from tests.faults.evil_errors import LOOKS, RAISED
from tests.faults.plan import ANSWERS, HEARTBEATS, POLLS, Fault

SCRIPT = "tests.faults.rough_worker"
FLOWY_WORKER = ("flowy", "worker", "--domain", "domain", "--task-list", "tasks")

COMPLETED = "RespondActivityTaskCompleted"
FAILED = "RespondActivityTaskFailed"
CANCELED = "RespondActivityTaskCanceled"

#: Tasks: name, arguments, how many, and the answer that SWF is to get, None for none.
Mix = tuple[tuple[str, list[Any], int, str | None], ...]

#: Some of every kind.
MIX: Mix = (
    ("work", [0.02, 1], 3, COMPLETED),
    ("awaiting", [0.02], 3, COMPLETED),
    ("background", [0.15], 1, COMPLETED),
    ("fails", [], 2, FAILED),
    ("fails-async", [], 2, FAILED),
    ("nobody knows it", [], 1, FAILED),
    ("suspends", [], 1, None),
)
#: These, too, if activities do not run in the calling thread, which SystemExit ends.
MANY_MIX = (*MIX, ("exits", [], 2, FAILED))

#: What a worker may be made of.
SERIAL, THREADS = {"concurrency": 1}, {"concurrency": 4}
PROCESSES = {"concurrency": 2, "processes": 2}


def add(endpoint: Endpoint, mix: Mix) -> dict[str, str | None]:
    """Schedule these tasks; return the answer that each is to have, by token."""
    return {
        token: answer
        for name, arguments, count, answer in mix
        for token in endpoint.add(*arguments, name=name, count=count)
    }


def wait_for_answers(
    endpoint: Endpoint, worker: Worker, expected: Mapping[str, str | None]
) -> None:
    """Wait until each task that is to be answered is, and the others were handed out."""
    record = endpoint.record
    answered = {token for token, answer in expected.items() if answer}

    def done() -> bool:
        return answered <= record.answers.keys() and expected.keys() <= record.handed.keys()

    endpoint.wait_for(lambda _: done() or worker.process.poll() is not None)
    assert done(), f"the worker has ended. {endpoint.told()}"


def assert_told(endpoint: Endpoint, worker: Worker, expected: Mapping[str, str | None]) -> None:
    """Each task gets its answer and no second one, and a stop counts each as what it is."""
    wait_for_answers(endpoint, worker, expected)
    worker.stop()
    report, record = worker.report(), endpoint.record
    assert record.handed.keys() == expected.keys()
    assert {
        token: record.answers[token].action if token in record.answers else None
        for token in expected
    } == expected
    assert [token for token, call in record.refused if call.action in ANSWERS] == []
    answers = list(expected.values())
    assert report == StopReport(
        completed=answers.count(COMPLETED),
        failed=answers.count(FAILED),
        canceled=answers.count(CANCELED),
        suspended=answers.count(None),
    )


@pytest.mark.parametrize(
    ("options", "raises"),
    [
        (SERIAL, "SystemExit"),
        (THREADS, "OSError"),
        (PROCESSES, "SystemExit"),
    ],
    ids=["serial-exit", "threads-error", "processes-exit"],
)
def test_a_handler_that_always_raises_costs_nothing(
    endpoint: Endpoint, start_worker: Workers, options: dict[str, Any], raises: str
) -> None:
    """Registration, start, polls that are throttled, tasks of every kind, more of them, the stop.

    The worker would log each of these, down to the single call.
    """
    endpoint.plan.script(POLLS, [Fault.THROTTLE, None, Fault.THROTTLE])
    endpoint.plan.script(HEARTBEATS, [Fault.THROTTLE])
    mix = MIX if options is SERIAL else MANY_MIX
    expected = add(endpoint, mix)
    worker = start_worker(
        endpoint.environment,
        script=SCRIPT,
        reg_remote=True,
        broken_log=("handler", raises),
        **options,
    )
    wait_for_answers(endpoint, worker, expected)
    expected |= add(endpoint, mix)
    assert_told(endpoint, worker, expected)
    assert len(endpoint.record.identities) <= options.get("processes", 1), "a process was replaced"


@pytest.mark.parametrize("options", [SERIAL, THREADS], ids=["serial", "threads"])
def test_a_handler_that_raises_from_some_record_on_costs_nothing(
    seed: int, endpoint: Endpoint, start_worker: Workers, options: dict[str, Any]
) -> None:
    """As if the disk were full: during registration, or when the worker runs."""
    from_record = random.Random(seed).randint(2, 150)
    print(f"from record {from_record}")
    mix = MIX if options is SERIAL else MANY_MIX
    expected = add(endpoint, mix)
    worker = start_worker(
        endpoint.environment,
        script=SCRIPT,
        reg_remote=True,
        broken_log=("handler", "Unheard", from_record),
        **options,
    )
    wait_for_answers(endpoint, worker, expected)
    expected |= add(endpoint, mix)
    assert_told(endpoint, worker, expected)


@pytest.mark.parametrize(
    ("options", "place"),
    [(SERIAL, "handler"), (THREADS, "factory")],
    ids=["serial-handler", "threads-factory"],
)
def test_a_log_that_breaks_while_the_worker_runs_costs_nothing(
    endpoint: Endpoint, start_worker: Workers, options: dict[str, Any], place: str
) -> None:
    """Neither a record that cannot be made nor a handler that raises costs a task."""
    mix = MIX if options is SERIAL else MANY_MIX
    expected = add(endpoint, (("breaks-log", [place, "SystemExit"], 1, COMPLETED),))
    worker = start_worker(endpoint.environment, script=SCRIPT, **options)
    wait_for_answers(endpoint, worker, expected)
    endpoint.plan.script(POLLS, [Fault.THROTTLE])
    expected |= add(endpoint, mix)
    wait_for_answers(endpoint, worker, expected)
    expected |= add(endpoint, mix)
    assert_told(endpoint, worker, expected)


@pytest.mark.parametrize("raises", ["OSError", "SystemExit"])
def test_a_broken_log_on_a_bad_day(endpoint: Endpoint, start_worker: Workers, raises: str) -> None:
    """Each first answer is throttled until a client gives up: the line of its retry raises.

    The answer is sent again all the same, by threads and coroutines alike.
    """
    tasks: Mix = (
        ("work", [], 2, COMPLETED),
        ("brief", [], 2, COMPLETED),
        ("fails", [], 1, FAILED),
    )
    expected = add(endpoint, (("breaks-log", ["handler", raises], 1, COMPLETED),))
    worker = start_worker(endpoint.environment, script=SCRIPT, concurrency=8)
    wait_for_answers(endpoint, worker, expected)
    # A client tries each of these four times before its worker hears of it.
    endpoint.plan.script(ANSWERS, [Fault.THROTTLE] * 4 * 5)
    expected |= add(endpoint, tasks)
    assert_told(endpoint, worker, expected)


@pytest.mark.parametrize(
    ("options", "log"),
    [(SERIAL, "stderr"), (THREADS, "none")],
    ids=["serial-stderr", "threads-none"],
)
def test_an_activity_that_closes_stderr_costs_nothing(
    endpoint: Endpoint, start_worker: Workers, options: dict[str, Any], log: str
) -> None:
    """A log to stderr raises from then on, as Python's last resort does if there is none."""
    expected = add(endpoint, (("closes-stderr", [], 1, COMPLETED),))
    worker = start_worker(endpoint.environment, script=SCRIPT, log=log, **options)
    wait_for_answers(endpoint, worker, expected)
    # The line of the throttled poll is a warning, those of failures are errors.
    endpoint.plan.script(POLLS, [Fault.THROTTLE])
    expected |= add(endpoint, MIX)
    assert_told(endpoint, worker, expected)


def test_nor_does_it_under_the_flowy_command(endpoint: Endpoint, start_worker: Workers) -> None:
    """``flowy worker`` logs to stderr; it serves on, and ends with exit code 0."""
    expected = add(endpoint, (("closes-stderr", [], 1, COMPLETED),))
    worker = start_worker(
        endpoint.environment,
        command=(*FLOWY_WORKER, "tests.faults.rough_activities"),
    )
    wait_for_answers(endpoint, worker, expected)
    expected |= add(endpoint, (("brief", [], 2, COMPLETED), ("suspends", [], 1, None)))
    wait_for_answers(endpoint, worker, expected)
    worker.stop()
    assert worker.wait() == 0
    assert {token for token, answer in expected.items() if answer} == endpoint.record.answers.keys()


@pytest.mark.parametrize("options", [SERIAL, THREADS], ids=["serial", "threads"])
def test_an_error_that_raises_when_it_is_looked_at_fails_its_task(
    endpoint: Endpoint, start_worker: Workers, options: dict[str, Any]
) -> None:
    """Whatever raises when an error is reported: its own task fails, and the worker goes on.

    A CancelTask whose details raise may as well cancel its task without them.
    """
    evil = {
        token: (name, look, raised)
        for name in ("evil", "evil-async")
        for look in LOOKS
        for raised in RAISED
        for token in endpoint.add(look, raised, name=name)
    }
    canceled = {
        token: (name, look, raised)
        for name in ("evil-cancel", "evil-cancel-async")
        for look in ("details", "text")
        for raised in RAISED
        for token in endpoint.add(look, raised, name=name)
    }
    for token in canceled:
        endpoint.request_cancel(token)
    good = endpoint.add(count=4)
    worker = start_worker(endpoint.environment, script=SCRIPT, log="stderr", **options)
    record = endpoint.record
    endpoint.wait_for(
        lambda _: record.answers.keys() >= set(good) or worker.process.poll() is not None
    )
    worker.stop()
    report = worker.report()
    actions = {token: answer.action for token, answer in record.answers.items()}
    assert [how for token, how in evil.items() if actions.get(token) != FAILED] == []
    ways = (FAILED, CANCELED)
    assert [how for token, how in canceled.items() if actions.get(token) not in ways] == []
    assert report == StopReport(
        completed=len(good),
        failed=record.outcomes()[FAILED],
        canceled=record.outcomes()[CANCELED],
    )


@pytest.mark.parametrize("breaks_log", [False, True], ids=["log", "broken-log"])
def test_an_event_loop_that_an_activity_ends_goes_on(
    endpoint: Endpoint, start_worker: Workers, breaks_log: bool
) -> None:
    """``loop.call_soon(sys.exit)`` or ``loop.stop()`` ends no coroutine, not even its own.

    This holds, too, if the log raises when the worker tells of it.
    """
    worker = start_worker(endpoint.environment, script=SCRIPT, concurrency=8)
    record = endpoint.record
    expected: dict[str, str | None] = {}
    if breaks_log:
        expected |= add(endpoint, (("breaks-log", ["handler", "SystemExit"], 1, COMPLETED),))
        wait_for_answers(endpoint, worker, expected)
    beating = endpoint.add(name="beating", count=3)
    endpoint.wait_for(lambda _: record.beats.keys() >= set(beating))
    for how in ("exit", "unheard", "stop"):
        expected |= dict.fromkeys(endpoint.add(how, name="ends-loop"), COMPLETED)
    wait_for_answers(endpoint, worker, expected)
    assert not record.answers.keys() & set(beating)
    for token in beating:
        endpoint.request_cancel(token)
    expected |= dict.fromkeys(beating, CANCELED)
    expected |= dict.fromkeys(endpoint.add(0.0, name="awaiting", count=4), COMPLETED)
    assert_told(endpoint, worker, expected)
