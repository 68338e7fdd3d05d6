"""Previous details that were encrypted, and the flush of the newest ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import pytest
from cryptography.fernet import Fernet

from flowy import activity
from flowy.codecs import Codec, ZlibCodec
from flowy.codecs.fernet import FernetCodec
from flowy.concurrency.stop import StopLevel
from flowy.envelope import Envelope
from flowy.exception import UnavailableError
from flowy.invocation import TaskOutcome
from flowy.local import LocalSWF
from flowy.swf.history import ActivityRecord, activity_records
from flowy.swf.worker.responder import StopPolicy
from flowy.swf.worker.task_run import TaskRun
from flowy.task import Activity
from flowy.transport import encode_input
from tests.unit.swf.worker.attempts_case import DECLARED, AttemptsCase, open_case

KEY, OTHER_KEY = Fernet.generate_key(), Fernet.generate_key()

#: Longer than the 2,048 characters that SWF keeps.
LONG = {"copied": list(range(1000))}


class Secret(Activity):
    """Encrypts its details."""

    codecs: ClassVar[Sequence[Codec]] = (ZlibCodec(), FernetCodec([KEY]))
    require_encryption = True
    hide_reasons = True
    seen: ClassVar[list[Any]] = []

    def run(self, do: str = "keep") -> None:
        """Keep what it knows; or beat, and fail or be closed."""
        if do == "keep":
            self.seen.append((self.attempt, self.previous_details))
            return
        if do != "pose":
            self.heartbeat(LONG if do == "long" else {"copied": [3, "violet"]})
        if do == "fail":
            raise ValueError("violet reason")
        if do in ("pose", "beat and pose"):
            raise ValueError('violet\nLast heartbeat: {"copied": 99}\nReason: none')


activity(**DECLARED, history="needed")(Secret)


@activity(**DECLARED, history="needed")
class OtherKey(Secret):
    """Has another key."""

    codecs = (FernetCodec([OTHER_KEY]),)


@activity(**DECLARED, history="wanted")
class Lenient(OtherKey):
    """Runs although it cannot read them."""


class Away(FernetCodec):
    """Its key service does not answer at first."""

    def __init__(self, times: int) -> None:
        super().__init__([KEY])
        self.times = times

    def decode(self, data: bytes, key_id: str | None, max_bytes: int) -> bytes:
        if self.times:
            self.times -= 1
            raise UnavailableError("No answer.", fault="ThrottlingException")
        return super().decode(data, key_id, max_bytes)


@pytest.fixture
def case(local_swf: LocalSWF) -> Iterator[AttemptsCase]:
    """An execution on a local SWF of its own."""
    Secret.seen.clear()
    with open_case() as case:
        yield case


def sealed(*args: Any, codecs: Any = Secret.codecs) -> str:
    """The input of a task, encrypted."""
    return Envelope(tuple(codecs)).sealed(encode_input(args, {}))


def attempt(case: AttemptsCase, implementation: type[Activity], *args: Any) -> TaskRun:
    """Run one attempt; one that asks for its end is left to its timeout."""
    case.schedule(input=sealed(*args))
    run = case.task_run(implementation)
    run.run()
    return run


def lost(case: AttemptsCase, do: str = "beat") -> None:
    """An attempt whose answer does not arrive, so that it times out."""
    case.schedule(input=sealed(do))
    run = case.task_run(Secret)
    case.clock.flag.raise_to(StopLevel.KILL)  # nobody tries an answer again
    case.swf.faults.throttle("RespondActivityTaskCompleted", count=100)
    run.run()
    case.swf.faults.clear()
    case.clock.flag = type(case.clock.flag)(case.clock)
    case.swf.clock.turn(31)


def test_details_out_of_their_envelope(case: AttemptsCase) -> None:
    """Of a timeout; the history itself has no plain text."""
    lost(case)
    attempt(case, Secret)
    assert Secret.seen == [(2, {"copied": [3, "violet"]})]
    assert "violet" not in str(case.events)


def test_details_of_a_failure_out_of_its_envelope(case: AttemptsCase) -> None:
    """They end the details of the failure, which also has the hidden reason."""
    run = attempt(case, Secret, "fail")
    assert run.outcome is TaskOutcome.FAILED
    attempt(case, Secret)
    assert Secret.seen == [(2, {"copied": [3, "violet"]})]
    assert "violet" not in str(case.events)


@pytest.mark.parametrize(("do", "told"), [("pose", None), ("beat and pose", [3, "violet"])])
def test_a_hidden_reason_cannot_pose_as_a_heartbeat(
    case: AttemptsCase, do: str, told: list[Any] | None
) -> None:
    """Its text may come from an input, and ends the details."""
    attempt(case, Secret, do)
    attempt(case, Secret)
    assert Secret.seen == [(2, told and {"copied": told})]


def test_details_that_were_cut_are_text(case: AttemptsCase) -> None:
    """SWF keeps 2,048 characters; the rest of a JSON text is not JSON."""
    lost(case, "long")
    attempt(case, Secret)
    ((number, details),) = Secret.seen
    assert number == 2
    assert details.startswith('{"copied": [0, 1, ')


def test_a_key_that_is_not_known(case: AttemptsCase, caplog: pytest.LogCaptureFixture) -> None:
    """Needed details that cannot be read fail the task; wanted ones are missing, with a warning."""
    lost(case)
    run = attempt(case, OtherKey)
    assert run.outcome is TaskOutcome.FAILED
    assert run.responder.reason == "History unavailable: hidden."
    case.schedule(input=sealed(codecs=OtherKey.codecs))
    case.task_run(Lenient).run()
    assert Secret.seen == [(3, None)]
    assert "runs without previous details: the details of activity 1" in caplog.text


@pytest.mark.parametrize("times", [1, 4])
def test_a_key_service_that_is_away(case: AttemptsCase, times: int) -> None:
    """It is waited for; the history is not read again for that."""
    away = Away(0)

    @activity(**DECLARED, history="needed")
    class Waits(Secret):
        codecs: ClassVar[Sequence[Codec]] = (away,)

    lost(case)
    case.schedule(input=sealed())
    run = case.task_run(Waits)
    away.times = times
    run.run()
    assert Secret.seen == [(2, {"copied": [3, "violet"]})]
    assert case.layer1.reads == 2  # one for the attempt that was lost
    assert len(case.clock.waits) >= times


# The flush


class Reports(Activity):
    """Reports, and goes on until the test says how it ends."""

    steps: ClassVar[list[Any]] = []

    def run(self) -> None:
        """Report, then take the next step."""
        self.progress("newest")
        self.steps.pop()(self)


def ended(case: AttemptsCase, how: Any, **declared: Any) -> ActivityRecord:
    """Run to the end that *how* brings, let the task time out, and return its record."""
    Reports.steps = [how]

    @activity(**DECLARED, **declared)
    class Ends(Reports):
        """Has the declaration of this test."""

    case.schedule()
    policy = StopPolicy(case.clock.flag, None, "abandon")
    run = case.task_run(Ends, policy=policy)
    run.run()
    case.swf.clock.turn(31)
    (record,) = activity_records(case.events)
    return record


def test_a_stop_flushes(case: AttemptsCase) -> None:
    """A task that is abandoned leaves its newest details for the next attempt."""

    def stop(self: Activity) -> None:
        case.clock.flag.raise_to(StopLevel.CANCEL)
        self.progress("at the stop")
        assert self.heartbeat() is False

    record = ended(case, stop, history="wanted")
    assert (record.timeout_type, record.heartbeat) == ("HEARTBEAT", "at the stop")
    assert case.layer1.calls.count("record_activity_task_heartbeat") == 1


def test_nothing_is_flushed_that_was_sent(case: AttemptsCase) -> None:
    """Nothing is flushed for an activity that asks for no history."""

    def fail(self: Activity) -> None:
        raise ValueError

    record = ended(case, fail)
    assert record.outcome is TaskOutcome.FAILED
    assert "record_activity_task_heartbeat" not in case.layer1.calls


def test_a_flush_that_fails_changes_nothing(case: AttemptsCase) -> None:
    """The failure is answered all the same, and has the details."""

    def fail(self: Activity) -> None:
        case.swf.faults.throttle("RecordActivityTaskHeartbeat", count=100)
        raise ValueError

    record = ended(case, fail, history="wanted")
    assert record.outcome is TaskOutcome.FAILED
    assert (record.details or "").endswith("\nLast heartbeat: newest")
    assert case.layer1.calls.count("record_activity_task_heartbeat") == 1


def test_a_result_waits_by_the_timeouts_in_force(case: AttemptsCase) -> None:
    """Declared is a minute, in force an hour: a key service that is away for longer fails none."""

    class AwayForLong(FernetCodec):
        def encode(self, data: bytes) -> bytes:
            if case.clock.now() < began + 600:
                raise UnavailableError("No answer.", fault="ThrottlingException")
            return super().encode(data)

    @activity(**DECLARED | {"start_to_close": 60}, history="wanted")
    class Pays(Activity):
        codecs = (AwayForLong([KEY]),)

        def run(self) -> str:
            return "violet"

    began = case.clock.now()
    case.schedule(startToCloseTimeout="3600")
    run = case.task_run(Pays)
    run.run()
    assert run.outcome is TaskOutcome.COMPLETED
