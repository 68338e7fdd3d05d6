"""The keeper: beats, learns what SWF has closed, answers cancellations, and outlives trouble."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flowy.exception import CredentialsError, OutOfReachError, TokenStoreError
from flowy.local import LocalSWF
from flowy.swf.caretaker import (
    CANCELED_DETAILS,
    HISTORY_RETRY_SECONDS,
    LEASE_SECONDS,
    RETRY_SECONDS,
)
from flowy.swf.keeper import BEATS_AT_ONCE, FAILURES_IN_A_ROW, Keeper
from flowy.tokens import SuspendedTask, TaskState
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.suspended import Desk, a_task

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient


class Clock:
    """The wall clock of the store, ahead of the true one by as much as the test says."""

    ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> SQLiteTokenStore:
    return SQLiteTokenStore(tmp_path / "tokens.db", clock=clock)


@pytest.fixture
def desk(client: SWFClient, domain: str) -> Desk:
    return Desk(client, domain)


@pytest.fixture
def keeper(desk: Desk, store: SQLiteTokenStore) -> Keeper:
    return Keeper(desk.domain, store, desk.client)


class Beats:
    """A client that counts the heartbeats it passes on."""

    def __init__(self, client: SWFClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self.count = 0

    def record_activity_task_heartbeat(self, **parameters: Any) -> Any:
        with self._lock:  # the keeper's beats are out at once
            self.count += 1
        return self._client.record_activity_task_heartbeat(**parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def _fault(code: str, message: str = "") -> Exception:
    """What a client raises for a fault of SWF's."""
    error = Exception("refused")
    error.response = {"Error": {"Code": code, "Message": message}}  # type: ignore[attr-defined]
    return error


def _kept(store: SQLiteTokenStore, task: SuspendedTask) -> SuspendedTask:
    found = store.get(task.id)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("heartbeat", "every", "interval"), [(90, 300, 30), (90, 5, 5), (None, 300, 300)]
)
def test_beats_often_enough(
    desk: Desk,
    store: SQLiteTokenStore,
    clock: Clock,
    heartbeat: int | None,
    every: int,
    interval: int,
) -> None:
    """At once, then at a third of the heartbeat timeout or each *every*, whichever is sooner."""
    beats = Beats(desk.client)
    keeper = Keeper(desk.domain, store, beats, every=every)
    _, task = desk.waiting(heartbeat=heartbeat)
    store.keep(task)
    counts = []
    for seconds in (0.0, interval - 1.0, 1.0, interval - 1.0, 1.0):
        clock.ahead += seconds
        keeper.look()
        counts.append(beats.count)
    assert counts == [1, 1, 2, 2, 3]
    assert _kept(store, task).is_open


def test_a_clock_that_is_set_back_stops_no_beats(
    desk: Desk, store: SQLiteTokenStore, clock: Clock
) -> None:
    """Beats that would be due in an hour, since the clock was set back by one, are made at once."""
    beats = Beats(desk.client)
    keeper = Keeper(desk.domain, store, beats, every=900)
    store.keep(desk.waiting()[1])
    keeper.look()
    clock.ahead -= 3_600
    keeper.look()
    assert beats.count == 2
    keeper.look()
    clock.ahead += 899
    keeper.look()
    assert beats.count == 2
    clock.ahead += 1
    keeper.look()
    assert beats.count == 3


def test_beats_for_its_own_domain_alone(desk: Desk, store: SQLiteTokenStore, clock: Clock) -> None:
    """What belongs to another domain is left to that domain's keeper."""
    beats = Beats(desk.client)
    store.keep(a_task(domain="another"))
    clock.ahead += 1_000
    Keeper(desk.domain, store, beats).look()
    assert beats.count == 0


def test_learns_which_timeout_it_was(
    desk: Desk, store: SQLiteTokenStore, keeper: Keeper, clock: Clock
) -> None:
    """A task that SWF has timed out is marked so, with the type of the timeout."""
    execution, task = desk.waiting(closes=1)
    store.keep(task)
    execution.decide()  # there is something to decide once it has timed out
    clock.ahead += 301
    keeper.look()
    kept = _kept(store, task)
    assert (kept.state, kept.reason) == (TaskState.TIMED_OUT, "START_TO_CLOSE")
    assert kept.learned
    assert kept.closed_at is not None


def test_learns_how_it_was_ended_elsewhere(
    desk: Desk, store: SQLiteTokenStore, keeper: Keeper, clock: Clock
) -> None:
    """Completed, failed, or cut off with its workflow: each is read from the history."""
    tasks = []
    for number in range(3):
        execution, task = desk.waiting(f"flow-{number}")
        tasks.append(store.keep(task))
        if number == 0:
            desk.client.respond_activity_task_completed(taskToken=task.token, result="1")
        elif number == 1:
            desk.client.respond_activity_task_failed(taskToken=task.token, reason="too dear")
        else:
            execution.terminate("enough")
    clock.ahead += 301
    keeper.look()
    assert [(each.state, each.reason) for each in (_kept(store, task) for task in tasks)] == [
        (TaskState.COMPLETED, None),
        (TaskState.FAILED, "too dear"),
        (TaskState.WORKFLOW_CLOSED, "the workflow was terminated: enough"),
    ]


def test_answers_a_requested_cancellation(
    desk: Desk, store: SQLiteTokenStore, keeper: Keeper, clock: Clock
) -> None:
    """Where a cancellation was requested the task is answered canceled, and marked so."""
    execution, task = desk.waiting()
    store.keep(task)
    execution.request_cancel()
    clock.ahead += 301
    keeper.look()
    assert execution.said("ActivityTaskCanceled")["details"] == CANCELED_DETAILS
    kept = _kept(store, task)
    assert (kept.state, kept.learned) == (TaskState.CANCELED, False)


def test_only_marks_a_cancellation_where_told_so(
    desk: Desk, store: SQLiteTokenStore, clock: Clock
) -> None:
    """on_cancel="mark" leaves the answer to people: the task waits on, and is beaten for."""
    beats = Beats(desk.client)
    keeper = Keeper(desk.domain, store, beats, on_cancel="mark")
    execution, task = desk.waiting()
    store.keep(task)
    execution.request_cancel()
    for _ in range(2):
        clock.ahead += 301
        keeper.look()
    kept = _kept(store, task)
    assert kept.is_open
    assert kept.cancel_requested
    assert beats.count == 2
    assert "ActivityTaskCanceled" not in execution.events()


@pytest.mark.parametrize(
    ("code", "pause"), [("OperationNotPermittedFault", 5), ("ValidationException", 300)]
)
def test_a_refused_answer_is_given_again(
    desk: Desk,
    store: SQLiteTokenStore,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    code: str,
    pause: int,
) -> None:
    """Where SWF does not take *canceled* the log says just that, and the store that it is due."""

    class Refusing(Beats):
        def respond_activity_task_canceled(self, **_parameters: Any) -> Any:
            raise _fault(code)

    execution, task = desk.waiting()
    store.keep(task)
    execution.request_cancel()
    clock.ahead += 301
    Keeper(desk.domain, store, Refusing(desk.client)).look()
    kept = _kept(store, task)
    assert kept.is_open
    assert kept.cancel_requested
    assert f"answer canceled not taken ({code}). Tried again in {pause} s." in caplog.text
    assert "Heartbeat" not in caplog.text
    clock.ahead += pause
    Keeper(desk.domain, store, desk.client).look()
    assert _kept(store, task).state is TaskState.CANCELED


def test_two_keepers_share_the_beats(desk: Desk, store: SQLiteTokenStore, clock: Clock) -> None:
    """Side by side each beat is sent by one of them."""
    beats = Beats(desk.client)
    for number in range(6):
        store.keep(desk.waiting(f"flow-{number}")[1])
    clock.ahead += 301
    threads = [threading.Thread(target=Keeper(desk.domain, store, beats).look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert beats.count == 6


def test_a_killed_keepers_claim_ends(desk: Desk, store: SQLiteTokenStore, clock: Clock) -> None:
    """What a keeper had claimed when it was killed is beaten for by the next a minute later."""
    beats = Beats(desk.client)
    store.keep(desk.waiting()[1])
    clock.ahead += 301
    assert store.claim_due(desk.domain, 60) is not None  # and here it is killed
    Keeper(desk.domain, store, beats).look()
    assert beats.count == 0
    clock.ahead += 60
    Keeper(desk.domain, store, beats).look()
    assert beats.count == 1


def test_a_token_of_elsewhere_stays_until_its_deadline(
    keeper: Keeper,
    store: SQLiteTokenStore,
    clock: Clock,
    desk: Desk,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A token that this SWF cannot read is an ERROR, but no reason to forget it before its time."""
    now = time.time()
    wrong = store.keep(a_task("secret-wrong", domain=desk.domain, deadline=now + 1_000))
    late = store.keep(a_task("secret-late", domain=desk.domain, deadline=now - 1))
    clock.ahead += 301
    keeper.look()
    assert _kept(store, wrong).is_open
    assert _kept(store, late).state is TaskState.CLOSED
    assert _kept(store, late).reason == "SWF refuses its token: ValidationException"
    assert "is this the right region?" in caplog.text
    assert "secret" not in caplog.text


def test_a_history_that_is_gone_says_so(desk: Desk, store: SQLiteTokenStore, clock: Clock) -> None:
    """Closed, and how cannot be read: closed all the same, with why that is."""

    class Without(Beats):
        fault = ""

        def get_workflow_execution_history(self, **_parameters: Any) -> Any:
            raise _fault(self.fault)

    client = Without(desk.client)
    keeper = Keeper(desk.domain, store, client)
    for number, fault, reason in (
        (1, "UnknownResourceFault", "its history is gone"),
        (2, "OperationNotPermittedFault", "its history cannot be read: OperationNotPermittedFault"),
    ):
        execution, task = desk.waiting(f"flow-{number}")
        store.keep(task)
        execution.terminate()
        clock.ahead += 301
        client.fault = fault
        keeper.look()
        assert (_kept(store, task).state, _kept(store, task).reason) == (TaskState.CLOSED, reason)


def test_a_history_out_of_reach_is_read_later(
    desk: Desk, store: SQLiteTokenStore, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A history that cannot be read now keeps no other task from its beat, and is read soon."""

    class Throttled(Beats):
        def get_workflow_execution_history(self, **_parameters: Any) -> Any:
            raise _fault("ThrottlingException")

    execution, closed = desk.waiting("closed")
    store.keep(closed)
    execution.terminate()
    others = 2 * FAILURES_IN_A_ROW
    for number in range(others):
        store.keep(desk.waiting(f"flow-{number}")[1])
    clock.ahead += 301
    beats = Throttled(desk.client)
    Keeper(desk.domain, store, beats).look()
    assert beats.count == 1 + others
    assert _kept(store, closed).is_open
    assert "its history cannot be read now (ThrottlingException)" in caplog.text
    clock.ahead += HISTORY_RETRY_SECONDS
    later = Beats(desk.client)
    Keeper(desk.domain, store, later).look()
    assert _kept(store, closed).state is TaskState.WORKFLOW_CLOSED
    assert later.count == 1


def test_an_unknown_domain_closes_nothing(
    desk: Desk, store: SQLiteTokenStore, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """An SWF that knows no such domain is the wrong one: the task stays open, with an ERROR."""

    class Elsewhere(Beats):
        def record_activity_task_heartbeat(self, **_parameters: Any) -> Any:
            raise _fault("UnknownResourceFault", "Unknown activity, scheduledEventId = 5")

        def get_workflow_execution_history(self, **_parameters: Any) -> Any:
            raise _fault("UnknownResourceFault", f"Unknown domain: {desk.domain}")

    _, task = desk.waiting()
    store.keep(task)
    clock.ahead += 301
    Keeper(desk.domain, store, Elsewhere(desk.client)).look()
    assert _kept(store, task).is_open
    (said,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert f"SWF knows no domain {desk.domain}" in said.getMessage()
    clock.ahead += 299
    assert store.claim_due(desk.domain, 60) is None
    clock.ahead += 2
    assert store.claim_due(desk.domain, 60) is not None


def test_one_bad_task_keeps_no_other_from_its_beat(
    desk: Desk, store: SQLiteTokenStore, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A beat that never gets through is tried again soon; all others are made in the same look."""
    bad = store.keep(desk.waiting("bad")[1])

    class OneBad(Beats):
        def record_activity_task_heartbeat(self, **parameters: Any) -> Any:
            answer = super().record_activity_task_heartbeat(**parameters)
            if parameters["taskToken"] == bad.token:
                raise ConnectionResetError
            return answer

    others = 2 * FAILURES_IN_A_ROW
    for number in range(others):
        store.keep(desk.waiting(f"flow-{number}")[1])
    clock.ahead += 301
    beats = OneBad(desk.client)
    keeper = Keeper(desk.domain, store, beats)
    keeper.look()
    assert beats.count == 1 + others
    assert f"task {bad.id}, not sent (ConnectionResetError). Tried again in 5 s." in caplog.text
    clock.ahead += RETRY_SECONDS
    keeper.look()
    assert beats.count == 2 + others
    assert bad.token not in caplog.text


def test_a_call_that_hangs_holds_up_nobody_else(
    desk: Desk, store: SQLiteTokenStore, clock: Clock
) -> None:
    """While one call is out, and comes to no end, the others are beaten for, again and again."""
    stuck = store.keep(desk.waiting("stuck")[1])
    for number in range(3):
        store.keep(desk.waiting(f"flow-{number}")[1])
    go_on, hangs, twice = threading.Event(), threading.Event(), threading.Event()

    class Hanging(Beats):
        def record_activity_task_heartbeat(self, **parameters: Any) -> Any:
            if parameters["taskToken"] == stuck.token:
                hangs.set()
                assert go_on.wait(20)
            answer = super().record_activity_task_heartbeat(**parameters)
            if self.count >= 6:
                twice.set()
            return answer

    clock.ahead += 301
    keeper = Keeper(desk.domain, store, Hanging(desk.client), every=0.01)
    running = threading.Thread(target=keeper.run)
    running.start()
    try:
        assert hangs.wait(20)
        assert twice.wait(20)
    finally:
        go_on.set()
        keeper.stop()
        running.join(20)
    assert not running.is_alive()


def test_a_history_that_does_not_say_how(desk: Desk, store: SQLiteTokenStore, clock: Clock) -> None:
    """A history without any ending of the task closes it with just that."""

    class Silent(Beats):
        def get_workflow_execution_history(self, **_parameters: Any) -> Any:
            return {"events": []}

    execution, task = desk.waiting()
    store.keep(task)
    execution.terminate()
    clock.ahead += 301
    Keeper(desk.domain, store, Silent(desk.client)).look()
    assert _kept(store, task).reason == "its history does not say how"


def test_swf_away_delays_and_loses_nothing(tmp_path: Path, clock: Clock) -> None:
    """While SWF is away one beat is tried now and then; when it is back all are made."""
    store = SQLiteTokenStore(tmp_path / "tokens.db", clock=clock)
    with LocalSWF(poll_seconds=0) as swf:
        desk = Desk(swf.client(), swf.domain)
        beats = Beats(swf.client())
        keeper = Keeper(swf.domain, store, beats)
        tasks = 2 * FAILURES_IN_A_ROW + BEATS_AT_ONCE
        for number in range(tasks):
            store.keep(desk.waiting(f"flow-{number}")[1])
        swf.stop()
        clock.ahead += 301
        with pytest.raises(OutOfReachError):
            keeper.look()
        assert beats.count < tasks, "it gives up for the moment"
        with pytest.raises(OutOfReachError):
            keeper.look()
        swf.start()
        beats.count = 0
        clock.ahead += RETRY_SECONDS
        keeper.look()
        assert beats.count == tasks
        assert len(store.pending()) == tasks


def test_runs_until_it_is_stopped(
    desk: Desk, store: SQLiteTokenStore, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """run() looks again and again, through an SWF and a store out of reach, until stop()."""
    caplog.set_level(logging.INFO)
    beaten = threading.Event()

    class Trouble(Beats):
        def record_activity_task_heartbeat(self, **parameters: Any) -> Any:
            if self.count == 0:
                self.count += 1
                raise ConnectionResetError
            super().record_activity_task_heartbeat(**parameters)
            beaten.set()
            return {"cancelRequested": False}

    class Locked(SQLiteTokenStore):
        tries = 0

        def pending(self, domain: str | None = None) -> list[SuspendedTask]:
            raise TokenStoreError("Cannot use the token store: it is busy.")

        def claim_due(
            self, domain: str, lease_seconds: float, **more: float
        ) -> SuspendedTask | None:
            self.tries += 1
            if self.tries == 1:
                raise TokenStoreError("Cannot use the token store: it is locked.")
            return super().claim_due(domain, lease_seconds, **more)

    for number in range(2):
        store.keep(desk.waiting(f"flow-{number}")[1])
    clock.ahead += 301
    locked = Locked(store._file.path, clock=clock)
    keeper = Keeper(desk.domain, locked, Trouble(desk.client))
    running = threading.Thread(target=keeper.run)
    running.start()
    assert beaten.wait(20)
    keeper.stop()
    running.join(10)
    assert not running.is_alive()
    assert f"Keeper started for domain {desk.domain}. Cannot use" in caplog.text
    assert "it is locked. Keeping on in" in caplog.text
    assert "not sent (ConnectionResetError). Tried again in" in caplog.text
    assert caplog.messages[-1] == "Keeper stopped."


def _start_and_stop(keeper: Keeper) -> None:
    keeper.stop()
    keeper.run()


def test_says_how_many_wait(
    desk: Desk, store: SQLiteTokenStore, caplog: pytest.LogCaptureFixture
) -> None:
    """The first line says how many tasks wait; none, but those of another domain, is a WARNING."""
    caplog.set_level(logging.INFO)
    keeper = Keeper("shpo", store, desk.client)
    _start_and_stop(keeper)
    assert f"started for domain shpo; tasks that wait in {store}: 0." in caplog.text
    store.keep(a_task("1", domain="shop"))
    store.keep(a_task("2", domain="bank"))
    assert not [each for each in caplog.records if each.levelno > logging.INFO]
    _start_and_stop(Keeper("shpo", store, desk.client))
    (said,) = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert "No task of domain shpo waits, but 1 of bank, 1 of shop" in said.getMessage()
    caplog.clear()
    _start_and_stop(Keeper("shop", store, desk.client))
    assert [each.levelno for each in caplog.records] == [logging.INFO, logging.INFO]
    assert caplog.messages[0].endswith(": 1.")


def test_drops_what_is_old(desk: Desk, store: SQLiteTokenStore, clock: Clock) -> None:
    """What was closed longer ago than drop_after is forgotten."""
    old = store.keep(a_task())
    store.close(old.id, TaskState.COMPLETED)
    clock.ahead += 100
    Keeper(desk.domain, store, desk.client, drop_after=200).look()
    assert store.get(old.id) is not None
    Keeper(desk.domain, store, desk.client, drop_after=50).look()
    assert store.get(old.id) is None


def test_credentials_that_expire_are_waited_for(
    desk: Desk, store: SQLiteTokenStore, clock: Clock
) -> None:
    """A refusal of the caller closes nothing: the tasks stay due."""

    class Expired(Beats):
        def record_activity_task_heartbeat(self, **_parameters: Any) -> Any:
            raise _fault("ExpiredTokenException")

    for number in range(FAILURES_IN_A_ROW):
        store.keep(desk.waiting(f"flow-{number}")[1])
    clock.ahead += 301
    with pytest.raises(CredentialsError):
        Keeper(desk.domain, store, Expired(desk.client)).look()
    assert len(store.pending()) == FAILURES_IN_A_ROW
    clock.ahead += RETRY_SECONDS
    assert store.claim_due(desk.domain, 60) is not None


def test_says_when_swf_is_back(
    desk: Desk, store: SQLiteTokenStore, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A long outage is a few lines at its start, and one at its end."""
    caplog.set_level(logging.INFO)

    class Away(Beats):
        away = True

        def record_activity_task_heartbeat(self, **parameters: Any) -> Any:
            if self.away:
                raise ConnectionRefusedError
            return super().record_activity_task_heartbeat(**parameters)

    task = store.keep(desk.waiting()[1])
    caplog.clear()
    client = Away(desk.client)
    keeper = Keeper(desk.domain, store, client)
    for look in range(3 * FAILURES_IN_A_ROW):
        if look < FAILURES_IN_A_ROW - 1:
            keeper.look()
        else:
            with pytest.raises(OutOfReachError):
                keeper.look()
        clock.ahead += RETRY_SECONDS
    assert len(caplog.records) == FAILURES_IN_A_ROW + 1
    client.away = False
    keeper.look()
    assert caplog.messages[-1] == "SWF takes heartbeats again."
    assert task.token not in caplog.text


def test_a_store_that_cannot_be_written_stops_no_beat(
    desk: Desk, store: SQLiteTokenStore, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the store is full the beats go out all the same, and the claims' ends bring more."""

    class Full(SQLiteTokenStore):
        def beat_in(self, *_: object, **__: object) -> None:
            raise TokenStoreError("Cannot use the token store: the disk is full.")

    task = store.keep(desk.waiting(heartbeat=90)[1])
    beats = Beats(desk.client)
    keeper = Keeper(desk.domain, Full(store._file.path, clock=clock), beats)
    keeper.look()
    assert beats.count == 1
    assert f"the disk is full. What the beat of task {task.id} said is not marked" in caplog.text
    clock.ahead += LEASE_SECONDS
    keeper.look()
    assert beats.count == 2


def test_a_dead_keepers_claim_is_short_where_the_heartbeat_is(
    desk: Desk, store: SQLiteTokenStore, clock: Clock
) -> None:
    """A keeper that dies in a call leaves time for the next one's beat."""
    store.keep(desk.waiting(heartbeat=240)[1])

    class Deadly(Beats):
        def record_activity_task_heartbeat(self, **_parameters: Any) -> Any:
            raise SystemExit  # and nothing is put into the store any more

    Keeper(desk.domain, store, Deadly(desk.client)).look()
    beats = Beats(desk.client)
    clock.ahead += 79
    Keeper(desk.domain, store, beats).look()
    assert beats.count == 0
    clock.ahead += 2
    Keeper(desk.domain, store, beats).look()
    assert beats.count == 1


def test_says_what_cannot_be_used(desk: Desk, store: SQLiteTokenStore) -> None:
    """Arguments are checked at once."""
    with pytest.raises(ValueError, match="on_cancel='ignore': give 'answer' or 'mark'"):
        Keeper(desk.domain, store, desk.client, on_cancel="ignore")
    with pytest.raises(ValueError, match="every=0"):
        Keeper(desk.domain, store, desk.client, every=0)
    with pytest.raises(ValueError, match="drop_after=-1"):
        Keeper(desk.domain, store, desk.client, drop_after=-1)
    with pytest.raises(ValueError, match="domain"):
        Keeper("", store, desk.client)
