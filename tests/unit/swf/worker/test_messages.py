"""What a worker process tells its supervisor, and what the supervisor makes of it."""

from __future__ import annotations

import dataclasses
import json

from flowy.concurrency.children import Link, Message
from flowy.concurrency.stop import StopLevel
from flowy.exception import CredentialsError, RefusedError
from flowy.invocation import TaskOutcome
from flowy.swf.worker import LostPoll, StopReport, messages
from flowy.swf.worker.messages import Account, SupervisedJournal
from tests.suspended import an_info

#: A task as its worker knows it.
TASK = an_info(heartbeat=60)


class Pipe:
    """A child's end of a pipe to nobody: it keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send_bytes(self, text: bytes) -> None:
        self.sent.append(text)


class Told:
    """A child's journal, and what its supervisor knows by it."""

    def __init__(self) -> None:
        self._pipe = Pipe()
        self.journal = SupervisedJournal(Link(self._pipe, None))

    @property
    def account(self) -> Account:
        account = Account()
        for text in self._pipe.sent:
            account.hear(json.loads(text))
        return account


def over_the_pipe(message: Message) -> Message:
    told: Message = json.loads(json.dumps(message))
    return told


def test_the_newest_details_of_open_tasks() -> None:
    """The supervisor passes them on; a heartbeat may come as late as after the outcome."""
    told = Told()
    for token in ("a", "b"):
        told.journal.opened(token, TASK)
        for step in ("1", "2"):
            told.journal.beaten(token, step)
    told.journal.settled("a", TaskOutcome.COMPLETED)
    told.journal.beaten("a", "3")
    assert told.account.beats == {"b": "2"}
    assert '"2"' not in repr(told.account)


def test_a_task_is_open_until_it_is_settled() -> None:
    """The supervisor answers for those that are open when the child dies."""
    told = Told()
    told.journal.opened("a", TASK)
    told.journal.opened("b", TASK)
    told.journal.settled("a", TaskOutcome.COMPLETED)
    ((token, task),) = told.account.open.items()
    assert (token, task.info) == ("b", TASK)
    assert told.account.tally.report() == StopReport(completed=1)


def test_a_task_that_is_being_suspended_may_be_in_a_store() -> None:
    """It stays so until it is settled, or runs on because it is not kept after all."""
    told = Told()
    told.journal.opened("a", TASK)
    told.journal.suspending("a")
    assert told.account.suspending == {"a"}
    told.journal.opened("a", TASK)
    assert told.account.suspending == set()
    told.journal.suspending("a")
    told.journal.settled("a", TaskOutcome.SUSPENDED)
    assert (told.account.open, told.account.suspending) == ({}, set())


def test_each_outcome_of_a_child_is_counted_as_its_own() -> None:
    """A task that was left is named by the subject with which it was opened."""
    told = Told()
    told.journal.opened("a", TASK)
    told.journal.settled("a", TaskOutcome.ABANDONED)
    told.journal.settled("b", TaskOutcome.FAILED)  # of which nothing was told before
    assert told.account.tally.report() == StopReport(failed=1, abandoned=(str(TASK),))


def test_lost_polls_are_told_at_once() -> None:
    """A child that dies makes no report."""
    told = Told()
    told.journal.poll_lost("host:7", "ReadTimeoutError")
    (lost,) = told.account.tally.report().polls_lost
    assert (lost.identity, lost.fault) == ("host:7", "ReadTimeoutError")


def test_a_report_arrives_as_it_was() -> None:
    """Whatever is in it: JSON has no tuples."""
    report = StopReport(
        1, 2, 3, 4, 5, 6, ("a",), ("b",), ("c", "d"), (LostPoll("now", "me", "fault"),), 7, 8
    )
    assert None not in dataclasses.astuple(report)
    account = Account()
    account.hear(over_the_pipe(messages.reported(report)))
    assert account.report == report


def test_a_refusal_arrives_with_its_fault() -> None:
    """The supervisor raises it in the child's place."""
    account = Account()
    error = CredentialsError("Cannot poll: expired.", fault="ExpiredTokenException")
    account.hear(over_the_pipe(messages.refused(error)))
    assert isinstance(account.refusal, RefusedError)
    assert str(account.refusal) == "Cannot poll: expired."
    assert account.refusal.fault == "ExpiredTokenException"


def test_what_a_child_says_besides_changes_nothing() -> None:
    """That it is ready says nothing of its tasks."""
    account = Account()
    account.hear(over_the_pipe(messages.ready()))
    assert account == Account(tally=account.tally)


def test_a_stop_arrives_with_its_level() -> None:
    """From the supervisor to its children."""
    for level in StopLevel:
        assert messages.stop_level(over_the_pipe(messages.stop(level))) is level
