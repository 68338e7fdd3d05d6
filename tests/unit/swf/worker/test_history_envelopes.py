"""Previous details in an envelope that the class of the next attempt cannot open, or is none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from cryptography.fernet import Fernet

from flowy import activity
from flowy.claims import FolderStore
from flowy.codecs.fernet import FernetCodec
from flowy.codecs.zlib import ZlibCodec
from flowy.envelope import Envelope
from flowy.invocation import TaskOutcome
from flowy.local import LocalSWF
from flowy.task import Activity
from tests.unit.swf.worker.attempts_case import AttemptsCase, open_case

DECLARED: dict[str, Any] = {
    "name": "charge", "version": 1, "task_list": "work", "heartbeat": 30,
    "schedule_to_close": None, "schedule_to_start": None, "start_to_close": None,
}  # fmt: skip

CODEC = FernetCodec([Fernet.generate_key()])

SEALED = Envelope((CODEC,)).sealed_details('{"last": "violet"}')

CLAIM = json.dumps({"$flowy": "claim/1", "uri": "s3://b/v1/x", "sha256": "0" * 64, "bytes": 1})

#: Texts that a class without codecs cannot read, and what is said of each.
UNREADABLE = pytest.mark.parametrize(
    ("details", "said"),
    [
        (SEALED, f"it was encoded by 'fernet:{CODEC.key_id}'; this activity has no such codec."),
        (CLAIM, "it has a claim, and this activity has no store of claims."),
        ('{"$flowy": "codec/2"}', "an object with the key '$flowy' is none that this Flowy has"),
    ],
    ids=["encrypted", "stored", "newer"],
)


class Plain(Activity):
    """Has neither codecs nor a store."""

    seen: ClassVar[list[Any]] = []

    def run(self) -> None:
        """Keep what is known."""
        known = self.history()
        self.seen.append((self.attempt, self.previous_details, known.previous[0].details))


@activity(**DECLARED, history="needed")
class Needs(Plain):
    """Must not run without the details."""


@activity(**DECLARED, history="wanted")
class Wants(Plain):
    """Runs without them."""


@activity(**DECLARED)
class Asks(Plain):
    """Reads the history as it runs."""


@activity(**DECLARED, history="needed")
class Compresses(Plain):
    """Has a codec that does not encrypt, and a store: its details travel as they are."""

    codecs: ClassVar[Any] = (ZlibCodec(),)
    claims = FolderStore("/nowhere")


@pytest.fixture
def case(local_swf: LocalSWF) -> Iterator[AttemptsCase]:
    """An execution on a local SWF of its own."""
    Plain.seen.clear()
    with open_case() as case:
        yield case


def failed(case: AttemptsCase, details: str) -> None:
    """Let an attempt fail with these details."""
    case.schedule()
    token = case.take().task_token
    case.shop.boto3.respond_activity_task_failed(taskToken=token, reason="why", details=details)


@UNREADABLE
def test_needed_details_that_no_codec_opens(case: AttemptsCase, details: str, said: str) -> None:
    """They are not plain details, so the task fails, and the reason names what is missing."""
    case.lose(details=details)
    run = case.run(Needs)
    assert run.outcome is TaskOutcome.FAILED
    reason = run.responder.reason or ""
    assert reason.startswith(
        f"History unavailable: the details of activity 1 cannot be read: {said}"
    )
    assert Plain.seen == []


@UNREADABLE
@pytest.mark.parametrize("served", [Wants, Asks])
def test_other_details_that_no_codec_opens(
    case: AttemptsCase,
    caplog: pytest.LogCaptureFixture,
    served: type[Activity],
    details: str,
    said: str,
) -> None:
    """They are None, with a warning that names what is missing."""
    case.lose(details=details)
    case.run(served)
    assert Plain.seen == [(2, None, None)]
    warned = "runs without previous details: the details of activity 1 cannot be read: "
    assert warned + said in caplog.text


@pytest.mark.parametrize(
    "details", [SEALED, f"Last heartbeat: {SEALED}"], ids=["activity", "supervisor"]
)
def test_details_of_a_failure_that_no_codec_opens(case: AttemptsCase, details: str) -> None:
    """Older details do not stand in for them; a supervisor writes the second form."""
    case.lose(details='{"last": "older"}')
    failed(case, details)
    assert case.run(Needs).outcome is TaskOutcome.FAILED
    case.run(Wants)
    assert Plain.seen == [(4, None, None)]


@pytest.mark.parametrize("served", [Needs, Compresses])
@pytest.mark.parametrize("own", [{"$flowy": "mine"}, {"$$flowy": 1}, {"at": {"$flowy": "codec/1"}}])
def test_an_object_of_the_author_with_the_key(
    case: AttemptsCase, served: type[Activity], own: Any
) -> None:
    """It was written as it is, so it is read so."""
    case.lose(details=json.dumps(own))
    case.run(served)
    assert Plain.seen == [(2, own, own)]


@pytest.mark.parametrize("served", [Needs, Compresses])
def test_a_traceback_that_quotes_the_key(case: AttemptsCase, served: type[Activity]) -> None:
    """It is not an envelope: what follows it is read."""
    failed(case, 'ValueError: {"$flowy": "codec/1"}\nLast heartbeat: {"last": "violet"}')
    case.run(served)
    assert Plain.seen == [(2, {"last": "violet"}, {"last": "violet"})]
