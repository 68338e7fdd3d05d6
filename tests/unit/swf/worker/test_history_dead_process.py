"""Details of heartbeats outlive a process whose tasks its supervisor fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import pytest

from flowy import activity, reasons
from flowy.codecs import Codec
from flowy.codecs.fernet import FernetCodec
from flowy.exception import SuspendTask
from flowy.local import LocalSWF
from flowy.observer import Observers
from flowy.swf.client import SWFClient
from flowy.swf.history import activity_records
from flowy.swf.worker.dead_tasks import DeadTasks
from flowy.swf.worker.journal import NoJournal
from flowy.swf.worker.messages import Account, OpenTask
from flowy.swf.worker.report import Tally
from flowy.swf.worker.responder import StopPolicy
from flowy.swf.worker.task_run import TaskRun
from flowy.task import Activity
from tests.patience import until
from tests.unit.swf.worker.attempts_case import DECLARED, AttemptsCase, open_case


class Dies(Activity):
    """Its process dies after some heartbeats, unless it knows details of an attempt before."""

    seen: ClassVar[list[Any]] = []

    def run(self) -> None:
        """Beat and die; or keep what is known."""
        if self.attempt == 2:
            self.seen.append((self.attempt, self.previous_details))
            return
        for step in (1, 2, 2):
            self.heartbeat({"violet": step})
        raise SuspendTask  # so that nothing is sent


class Secretly(Dies):
    """Encrypts its details."""

    codecs: ClassVar[Sequence[Codec]] = (FernetCodec([b"0" * 43 + b"="]),)
    hide_reasons = True


class Unasked(Dies):
    """Asks for nothing."""


activity(**DECLARED, history="wanted")(Dies)
activity(**DECLARED, history="needed")(Secretly)
activity(**DECLARED)(Unasked)


class Kept(NoJournal):
    """Keeps the details that a supervisor would have."""

    def __init__(self) -> None:
        self.beats: list[str] = []

    def beaten(self, token: str, details: str) -> None:
        self.beats.append(details)


@pytest.fixture
def case(local_swf: LocalSWF) -> Iterator[AttemptsCase]:
    """An execution on a local SWF of its own."""
    Dies.seen.clear()
    with open_case() as case:
        yield case


def died(case: AttemptsCase, served: type[Activity]) -> list[str]:
    """Run an attempt in a process that dies; return the details that its supervisor had."""
    journal = Kept()
    case.schedule()
    worker, task = case.worker(served, journal=journal), case.take()
    run = TaskRun(worker, task)
    run.run()
    account = Account(open={task.task_token: OpenTask(run.info, 0.0)})
    for details in journal.beats:
        account.hear({"beaten": task.task_token, "details": details})
    client = SWFClient(case.shop.boto3, case.shop.boto3)
    policy = StopPolicy(case.clock.flag)
    dead = DeadTasks(client, policy, Tally(), Observers([]), case.clock)
    dead.answer_for(account, "killed by signal 9 (SIGKILL)", abandoned=False)
    until(lambda: activity_records(case.events)[-1].outcome is not None)
    return journal.beats


@pytest.mark.parametrize("served", [Dies, Secretly])
def test_the_next_attempt_has_them(case: AttemptsCase, served: type[Activity]) -> None:
    """The supervisor writes them into the failure, encrypted if they were sent so."""
    beats = died(case, served)
    assert len(beats) == 2  # the third heartbeat had no news
    (record,) = activity_records(case.events)
    assert record.reason == f"{reasons.WORKER_PROCESS_DIED}killed by signal 9 (SIGKILL)."
    assert record.details == f"Last heartbeat: {beats[-1]}"
    assert ("violet" in str(case.events)) is (served is Dies)
    case.run(served)
    assert Dies.seen == [(2, {"violet": 2})]


def test_an_activity_that_does_not_ask(case: AttemptsCase) -> None:
    """Its heartbeats cost no message; its failure has no details."""
    assert died(case, Unasked) == []
    (record,) = activity_records(case.events)
    assert record.details is None
