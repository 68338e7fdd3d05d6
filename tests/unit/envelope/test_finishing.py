"""Whoever ends suspended tasks: what goes to SWF and what the store keeps are encrypted alike."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from cryptography.fernet import Fernet

from flowy import Activity
from flowy.claims import FolderStore
from flowy.cli.command import main
from flowy.codecs.fernet import FernetCodec
from flowy.envelope import Envelope
from flowy.exception import CodecError
from flowy.invocation import TaskOutcome
from flowy.swf.suspended import Keeper
from flowy.swf.suspended.async_scheduler import AsyncScheduler
from flowy.tokens import Finisher, SuspendedTask
from flowy.tokens.sqlite import SQLiteTokenStore
from flowy.transport import read
from tests.suspended import Desk, a_task
from tests.unit.swf.calls import Calls

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

SECRET = "4111-1111-1111-1111"
KEY = Fernet.generate_key().decode()
FERNET = (FernetCodec([KEY]),)


class Ask(Activity):
    """A class with codecs."""

    codecs = FERNET


class AskQuietly(Ask):
    """One that hides its reasons, too."""

    hide_reasons = True


class AskStoring(Activity):
    """One with a store, whose codecs are the worker's."""

    claims: ClassVar[Any] = None


class Ends:
    """Ends tasks of a store, and remembers what SWF was sent."""

    def __init__(self, folder: Path, envelope: Envelope | None = None) -> None:
        self.calls = Calls()
        self._file = folder / "tokens.db"
        self.store = SQLiteTokenStore(self._file)
        self.finisher = Finisher(self.store, AsyncScheduler(self.calls.client(), envelope))
        self._number = 0

    def task(self) -> SuspendedTask:
        """Return a task that waits."""
        self._number += 1
        return self.store.keep(a_task(f"token {self._number}"))

    def kept(self, task: SuspendedTask) -> tuple[TaskOutcome | None, str | None]:
        """Return how the store says that a task ended; nothing in its file is readable."""
        assert SECRET.encode() not in self._file.read_bytes()
        found = self.store.get(task.id)
        assert found is not None
        return found.outcome, found.reason


@pytest.fixture(params=["class", "scheduler"])
def known_by(request: pytest.FixtureRequest) -> str:
    """Whether the class or the scheduler names the codecs."""
    return str(request.param)


def test_cancellation(tmp_path: Path, known_by: str) -> None:
    """Its details are kept encrypted, and whole, however long."""
    by_class = known_by == "class"
    ends = Ends(tmp_path, None if by_class else Envelope(FERNET))
    task, details = ends.task(), f"{SECRET} " * 100
    assert ends.finisher.cancel(task, details, activity=Ask if by_class else None)
    (verb, sent), (outcome, kept) = *ends.calls.made, ends.kept(task)
    assert (verb, read(sent, FERNET)) == ("cancel", details)
    assert (outcome, read(kept, FERNET)) == (TaskOutcome.CANCELED, details)


def test_failure(tmp_path: Path, known_by: str) -> None:
    """A reason that is hidden at SWF is hidden in the store; it is in the details."""
    by_class = known_by == "class"
    ends = Ends(tmp_path, None if by_class else Envelope(FERNET, hide_reasons=True))
    for details, read_ in ((None, f"Reason: {SECRET}"), ("more", f"more\nReason: {SECRET}")):
        task = ends.task()
        assert ends.finisher.fail(task, SECRET, details, activity=AskQuietly if by_class else None)
        verb, reason, sent = ends.calls.made[-1]
        assert (verb, reason) == ("fail", "Reason hidden: no exception.")
        assert read(sent, FERNET) == read_
        assert ends.kept(task) == (TaskOutcome.FAILED, reason)


def test_readable_reason(tmp_path: Path) -> None:
    """What SWF has in clear text, the store has so, too."""
    ends = Ends(tmp_path)
    task = ends.task()
    assert ends.finisher.fail(task, "too dear", SECRET, activity=Ask)
    verb, reason, sent = ends.calls.made[-1]
    assert (verb, reason, read(sent, FERNET)) == ("fail", "too dear", SECRET)
    assert ends.kept(task) == (TaskOutcome.FAILED, "too dear")


def test_result_that_is_encoded(tmp_path: Path, known_by: str) -> None:
    """Such as a note: whoever reads the result would find an envelope in it."""
    by_class = known_by == "class"
    ends = Ends(tmp_path, None if by_class else Envelope(FERNET))
    task, note = ends.task(), json.loads(Envelope(FERNET).sealed_note(json.dumps(SECRET)))
    with pytest.raises(CodecError, match="it is encoded or stored already"):
        ends.finisher.complete(task, note, activity=Ask if by_class else None)
    assert ends.kept(task) == (None, None)
    assert ends.calls.made == []


def test_heartbeats(tmp_path: Path) -> None:
    """Their details go through the codecs of the class."""
    calls = Calls()
    assert AsyncScheduler(calls.client()).heartbeat("token", SECRET, activity=Ask)
    (sent,) = calls.beats
    assert read(sent, FERNET) == SECRET


def test_parts_of_the_class_and_of_the_scheduler(tmp_path: Path) -> None:
    """A class that has only a store is encrypted by the scheduler's codecs, as by a worker's."""
    (tmp_path / "claims").mkdir()
    AskStoring.claims = FolderStore(tmp_path / "claims")
    ends = Ends(tmp_path, Envelope(FERNET))
    task, long = ends.task(), SECRET * 3_000
    assert ends.finisher.complete(task, long, activity=AskStoring)
    (verb, sent) = ends.calls.made[-1]
    assert (verb, read(sent, FERNET, AskStoring.claims)) == ("complete", long)
    (file,) = (path for path in (tmp_path / "claims").rglob("*") if path.is_file())
    assert SECRET not in file.read_text()


def test_reasons_that_cannot_be_hidden(tmp_path: Path) -> None:
    """Nothing is sent in clear text that the class wants hidden."""

    class Wrong(Activity):
        hide_reasons = True

    ends = Ends(tmp_path)
    with pytest.raises(ValueError, match="Cannot use hide_reasons without a codec"):
        ends.finisher.fail(ends.task(), SECRET, activity=Wrong)
    assert ends.calls.made == []


def test_keeper_learns_of_encrypted_details(
    client: SWFClient, domain: str, store: SQLiteTokenStore
) -> None:
    """They are kept whole, as SWF has them, because a part could not be decrypted."""
    desk = Desk(client, domain)
    execution, waiting = desk.waiting()
    task = store.keep(waiting)
    execution.request_cancel()
    scheduler = AsyncScheduler(_client(client), Envelope(FERNET))
    assert scheduler.cancel(task.token, SECRET * 20)
    keeper = Keeper(domain, store, client, signals=False)
    keeper.look()
    found = store.get(task.id)
    assert found is not None
    assert (found.outcome, found.learned) == (TaskOutcome.CANCELED, True)
    assert read(found.reason, FERNET) == SECRET * 20


def _client(client: SWFClient) -> Any:
    from flowy.swf.client import connect

    return connect(client)


@pytest.fixture
def store(tmp_path: Path) -> SQLiteTokenStore:
    """An empty store."""
    return SQLiteTokenStore(tmp_path / "tokens.db")


def test_command_line(
    client: SWFClient, domain: str, store: SQLiteTokenStore, tmp_path: Path,
    swf_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """``flowy tokens`` takes the codecs and the store of the activities."""
    import boto3

    (tmp_path / "ask_keys.py").write_text(
        f"from flowy.codecs.fernet import FernetCodec\nCODECS = [FernetCodec([{KEY!r}])]\n"
    )
    (tmp_path / "claims").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    for name, value in swf_environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    desk, file = Desk(client, domain), str(tmp_path / "tokens.db")
    ended = []
    for number, verb in enumerate((
        ("complete", "--result", json.dumps(SECRET), "--claims", (tmp_path / "claims").as_uri()),
        ("fail", "--reason", SECRET, "--hide-reasons"),
        ("fail", "--reason", "no", "--details", SECRET),
    )):  # fmt: skip
        execution, waiting = desk.waiting(f"flow-{number}")
        store.keep(waiting)
        codec = ["--codec", "ask_keys:CODECS", "--store", file]
        assert main(["tokens", verb[0], f"flow-{number}", "1", *verb[1:], *codec]) == 0
        ended.append(execution)
    assert read(ended[0].said("ActivityTaskCompleted")["result"], FERNET) == SECRET
    hidden, shown = (each.said("ActivityTaskFailed") for each in ended[1:])
    assert hidden["reason"] == "Reason hidden: no exception."
    assert read(hidden["details"], FERNET) == f"Reason: {SECRET}"
    assert (shown["reason"], read(shown["details"], FERNET)) == ("no", SECRET)
    assert SECRET.encode() not in (tmp_path / "tokens.db").read_bytes()
    monkeypatch.setattr("sys.stdin", io.StringIO("token"))
    plain = ["tokens", "fail", "-", "--domain", domain, "--reason", "x", "--hide-reasons"]
    assert main(plain) == 2
    assert "Cannot use hide_reasons without a codec" in capsys.readouterr().err
