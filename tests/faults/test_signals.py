"""Signals, and what activities do to them: a stop stays a stop, and a worker that ended is gone."""

from __future__ import annotations

import re
import subprocess
from contextlib import suppress
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGTERM, Signals

import pytest

from flowy import reasons
from flowy.cli import ExitCode
from tests.faults.conftest import pid_of
from tests.faults.endpoint import Endpoint
from tests.faults.ends import has_ended
from tests.faults.plan import ANSWERS, Fault
from tests.faults.sessions import (
    PROCESSES,
    PROCESSES_OF_THREADS,
    SERIAL,
    Mode,
    Session,
)
from tests.patience import HANG_SECONDS

COMMAND = Mode(command=True)
COMMAND_OF_PROCESSES = Mode(command=True, processes=2)

#: How soon after a signal a worker that has nothing to do is gone, whatever was left behind, in
#: seconds: a poll that is held for one, 10 for the end of its processes, the rest for a machine
#: that is busy. What activities leave behind, or hang in, lasts longer.
GONE_SECONDS = HANG_SECONDS - 10.0

#: More tasks than can come after a stop: one for each poll that is out then.
MORE_THAN_POLLS = 5


@pytest.mark.parametrize(
    ("mode", "group"),
    [(SERIAL, False), (COMMAND_OF_PROCESSES, True)],
    ids=str,
)
def test_a_hang_up_is_a_stop(endpoint: Endpoint, mode: Mode, group: bool) -> None:
    """SIGHUP lets what runs finish, as SIGTERM does, though a terminal sends it to all."""
    with Session(endpoint, mode, "signal_activities") as session:
        (token,) = endpoint.add(name="noticing")
        endpoint.wait_for(lambda e: token in e.record.beats)
        session.send(SIGHUP, group=group)
        assert session.result_of(token) is True
        assert session.wait() == 0
        assert session.report() == "1 completed"
        assert not session.left()
        assert "Traceback" not in session.text


def test_a_hang_up_and_a_term_are_two_signals(endpoint: Endpoint) -> None:
    """The second signal ends the grace, whichever it is."""
    with Session(endpoint, SERIAL, "signal_activities") as session:
        (token,) = endpoint.add(name="patient")
        endpoint.wait_for(lambda e: token in e.record.beats)
        session.send(SIGHUP)
        session.send(SIGTERM)
        assert session.result_of(token) == "told"
        assert session.wait() == 0
        assert session.report() == "1 completed"


@pytest.mark.parametrize("mode", [COMMAND, PROCESSES], ids=str)
def test_a_hang_up_that_is_ignored_stays_ignored(endpoint: Endpoint, mode: Mode) -> None:
    """Under ``nohup`` a worker outlives its terminal, and SIGTERM stops it."""
    with Session(endpoint, mode, "signal_activities", nohup=True) as session:
        session.send(SIGHUP, group=True)
        workers = {pid_of(identity) for identity in endpoint.record.identities}
        for _ in range(MORE_THAN_POLLS):
            assert session.run_task("pid") in workers
        assert session.stop() == f"{MORE_THAN_POLLS} completed"


@pytest.mark.parametrize(
    ("mode", "how", "number"),
    [
        (SERIAL, "default", SIGHUP),
        (SERIAL, "ignored", SIGINT),
        (SERIAL, "loop", SIGTERM),
        (SERIAL, "closed wakeup", SIGTERM),
        (COMMAND, "default", SIGTERM),
    ],
    ids=str,
)
def test_an_activity_that_takes_the_signals_takes_no_stop_from_the_next(
    endpoint: Endpoint, mode: Mode, how: str, number: Signals
) -> None:
    """What an activity sets on the main thread lasts as long as its run."""
    with Session(endpoint, mode, "signal_activities") as session:
        assert session.run_task("resetting", how) == session.process.pid
        (token,) = endpoint.add(name="noticing")
        endpoint.wait_for(lambda e: token in e.record.beats)
        session.send(number)
        assert session.result_of(token) is True
        assert session.wait() == 0
        assert session.report() == "2 completed"


def test_worker_processes_too_keep_their_signals(endpoint: Endpoint) -> None:
    """SIGTERM to the group kills no process whose signals an activity took."""
    with Session(endpoint, PROCESSES, "signal_activities") as session:
        workers = {pid_of(identity) for identity in endpoint.record.identities}
        reset: list[int] = []
        while set(reset) != workers and len(reset) < 20:
            reset.append(session.run_task("resetting", "default"))
        assert set(reset) == workers
        (token,) = endpoint.add(name="noticing")
        endpoint.wait_for(lambda e: token in e.record.beats)
        session.send(SIGTERM, group=True)
        assert session.result_of(token) is True
        assert session.wait() == 0
        assert session.report() == f"{len(reset) + 1} completed"


@pytest.mark.parametrize("mode", [SERIAL, PROCESSES], ids=str)
def test_a_stop_waits_for_the_answer_of_an_activity_that_took_the_signals(
    endpoint: Endpoint, mode: Mode
) -> None:
    """The worker's handlers are back before the answer is sent, which may take long."""
    with Session(endpoint, mode, "signal_activities") as session:
        throttled = {ANSWERS: [Fault.THROTTLE] * 2}
        (token,) = endpoint.add("default", name="resetting", meets=throttled)
        struck = (ANSWERS[0], Fault.THROTTLE)
        endpoint.wait_for(lambda e: e.plan.struck[struck])
        session.send(SIGTERM, group=True)
        assert session.result_of(token) in {pid_of(each) for each in endpoint.record.identities}
        assert session.wait() == 0
        assert session.report() == "1 completed"


@pytest.mark.parametrize("how", ["no wakeup", "loop"])
def test_a_stop_is_heard_during_a_call_of_c_after_an_activity_took_the_signals(
    endpoint: Endpoint, how: str
) -> None:
    """Python runs no handler then: the file descriptor that hears of signals is put back, too."""
    with Session(endpoint, COMMAND, "signal_activities", grace=0, on_stop="fail") as session:
        assert session.run_task("resetting", how) == session.process.pid
        (token,) = endpoint.add(name="deaf")
        endpoint.wait_for(lambda e: token in e.record.beats)
        session.send(SIGTERM)
        assert session.result_of(token).startswith(reasons.WORKER_STOPPED)
        assert session.wait(GONE_SECONDS) == ExitCode.LEFT_OVER


@pytest.mark.parametrize(
    ("mode", "group", "busy"),
    [
        (COMMAND, False, False),
        (COMMAND, True, True),
        (COMMAND_OF_PROCESSES, False, True),
    ],
    ids=str,
)
def test_sigterm_until_it_is_gone_ends_with_a_code_of_the_table(
    endpoint: Endpoint, mode: Mode, group: bool, busy: bool
) -> None:
    """However many signals come, and however late, it ends as after one or three of them.

    The report is there, it fits the exit code, and no process died of a signal.
    """
    with Session(endpoint, mode, "signal_activities") as session:
        if busy:
            tokens = endpoint.add(name="hanging", count=mode.processes)
            endpoint.wait_for(lambda e: e.record.beats.keys() == set(tokens))
        code = None
        while code is None:
            session.send(SIGTERM, group=group)
            with suppress(subprocess.TimeoutExpired):
                code = session.process.wait(0.001)
        assert session.wait() == code
        clean = ";" not in session.report()
        if mode.processes == 1 and code == ExitCode.INTERRUPTED:
            pass  # the third signal ended the poll, or the activity, as the documentation says
        else:
            assert code == (ExitCode.FINE if clean else ExitCode.LEFT_OVER)
        assert not session.left()
        assert " died (" not in session.text
        # Python drops an interrupt that comes in a destructor, and says so; the next one counts.
        assert "Traceback" not in re.sub(r"Exception ignored in: .*\nTraceback", "", session.text)


def test_more_signals_break_off_neither_the_answer_nor_the_report(endpoint: Endpoint) -> None:
    """The third signal interrupts the activity; its failure is told, whatever comes then."""
    endpoint.plan.script(ANSWERS, [Fault.DELAY])
    with Session(endpoint, COMMAND, "signal_activities") as session:
        (token,) = endpoint.add(name="hanging")
        endpoint.wait_for(lambda e: token in e.record.beats)
        while not endpoint.plan.struck:  # Python drops an interrupt that comes in a destructor
            for number in (SIGTERM, SIGHUP, SIGINT):  # equal ones that come at once are one
                session.send(number)
            with suppress(AssertionError):
                endpoint.wait_for(lambda e: e.plan.struck, 0.1)
        for _ in range(5):
            session.send(SIGTERM)
        assert session.result_of(token) == "KeyboardInterrupt"
        assert session.wait() == ExitCode.INTERRUPTED
        assert session.report() == "0 completed, 1 failed"


@pytest.mark.parametrize("mode", [SERIAL, PROCESSES_OF_THREADS], ids=str)
def test_children_of_activities_inherit_no_ignored_signal(endpoint: Endpoint, mode: Mode) -> None:
    """A program that an activity starts, or a fork, can be stopped like any other."""
    with Session(endpoint, mode, "signal_activities") as session:
        assert session.run_task("inheriting") == {"program": [], "fork": []}
        assert session.stop() == "1 completed"


#: What an activity may leave behind that Python waits for at its exit.
LEFT = ("thread", "threads", "processes", "exit hook", "child")


@pytest.mark.parametrize("mode", [COMMAND, COMMAND_OF_PROCESSES], ids=str)
def test_what_activities_left_behind_keeps_no_worker(endpoint: Endpoint, mode: Mode) -> None:
    """After its report it ends, with the report's exit code, and so do its processes."""
    with Session(endpoint, mode, "signal_activities") as session:
        for what in LEFT:
            assert session.run_task("leaving", what) is None
        session.send(SIGTERM)
        assert session.wait(GONE_SECONDS) == 0
        assert session.report() == f"{len(LEFT)} completed"
        workers = [pid_of(identity) for identity in endpoint.record.identities]
        assert all(has_ended(pid, 1.0) for pid in workers)
        assert " died (" not in session.text


@pytest.mark.parametrize("mode", [COMMAND, COMMAND_OF_PROCESSES], ids=str)
def test_a_log_that_cannot_be_flushed_keeps_no_worker(endpoint: Endpoint, mode: Mode) -> None:
    """It ends although an activity hangs, with the exit code of its report."""
    with Session(endpoint, mode, "signal_activities", grace=0.1) as session:
        tokens = endpoint.add(name="breaking the log", count=1)
        tokens += endpoint.add(name="hanging", count=mode.processes)
        endpoint.wait_for(lambda e: e.record.handed.keys() == set(tokens))
        endpoint.wait_for(lambda e: len(e.record.beats) == mode.processes)
        session.send(SIGTERM)
        assert session.wait(GONE_SECONDS) == ExitCode.LEFT_OVER
        assert f"{mode.processes} abandoned" in session.report()
        assert " died (" not in session.text


@pytest.mark.parametrize("mode", [COMMAND, COMMAND_OF_PROCESSES], ids=str)
def test_what_ends_by_itself_is_given_the_time(
    endpoint: Endpoint, mode: Mode, tmp_path: Path
) -> None:
    """Exit hooks run, and the processes of idle executors end with the worker's."""
    hooked = tmp_path / "hooked"
    with Session(endpoint, mode, "signal_activities") as session:
        assert len(session.run_task("leaving tidily", str(hooked))) == 2
        assert session.stop() == "1 completed"
        assert hooked.exists()
        assert not session.left()
