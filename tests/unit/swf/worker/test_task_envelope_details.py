"""Details, answers and heartbeats while the key service is away."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from flowy import reasons
from flowy.claims import Store
from flowy.concurrency.stop import StopLevel
from flowy.envelope import Envelope
from flowy.exception import CancelTask, CodecError
from flowy.task import Activity, AsyncActivity
from flowy.transport import read
from tests.patience import PATIENCE_SECONDS, until
from tests.unit.swf.worker.away_codec import (
    AWAY,
    SECRET,
    AsyncEcho,
    AwayCodec,
    Echo,
    Running,
    sealed,
    value_of,
)
from tests.unit.swf.worker.runs import Case

# Details


def test_heartbeat_details(case: Case) -> None:
    """They are encoded once for all heartbeats that repeat them, and cut with room for it."""
    codec = AwayCodec()

    class Beats(Activity):
        def run(self, it: str) -> None:
            for details in (SECRET, SECRET, None, SECRET * 1_000):
                self.heartbeat(details)

    case.task_run(Beats, input=sealed(SECRET), envelope=Envelope((codec,))).run()
    *short, long = case.calls.beats
    assert [read(each, [codec]) for each in short] == [SECRET] * 3
    assert len(set(short)) == 1
    assert long is not None
    assert len(long) <= 2_048
    assert read(long, [codec]).startswith(SECRET * 50)
    assert read(long, [codec]).endswith(" ...")


@pytest.mark.parametrize("trouble", [AWAY, CodecError("KMS does not encrypt.")])
def test_heartbeats_without_their_details(
    case: Case, caplog: pytest.LogCaptureFixture, trouble: Exception
) -> None:
    """A heartbeat does not wait: it goes without what cannot be encoded, for 30 s."""
    codec = AwayCodec()

    class Beats(Activity):
        def run(self, it: str) -> None:
            codec.troubles = [trouble]
            assert self.heartbeat(SECRET)
            assert self.heartbeat(SECRET)
            case.clock.turn(31)
            assert self.heartbeat(SECRET)

    case.task_run(Beats, input=sealed(SECRET), envelope=Envelope((codec,))).run()
    assert case.calls.beats[:2] == [None, None]
    assert read(case.calls.beats[2], [codec]) == SECRET
    (line,) = [each for each in caplog.messages if "without their details" in each]
    assert SECRET not in line


def test_details_of_a_cancellation(case: Case) -> None:
    """They are encrypted; if they cannot be, they are not sent."""
    codec = AwayCodec()

    class Cancels(Activity):
        def run(self, it: str) -> None:
            self.heartbeat()
            codec.troubles = list(troubles)
            raise CancelTask(SECRET)

    case.calls.beat = lambda: True
    for troubles in ([], [CodecError("KMS does not encrypt.")]):
        token = f"token {len(case.calls.made)}"
        case.task_run(Cancels, token=token, input=sealed(SECRET), envelope=Envelope((codec,))).run()
        verb, details = case.calls.made[-1]
        assert verb == "cancel"
        assert details == "" if troubles else read(details, [codec]) == SECRET


def test_failed_by_the_stop(case: Case) -> None:
    """The last heartbeat's details in it are encrypted, or left out if the key service is away."""
    codec = AwayCodec()
    envelope = Envelope((codec,))
    run = case.task_run(Echo, input=sealed(SECRET), envelope=envelope, on_stop="fail")
    run.heartbeats.progress(SECRET)
    run.end_by_stop()
    verb, reason, details = case.answer
    assert (verb, reason.startswith(reasons.WORKER_STOPPED)) == ("fail", True)
    assert read(details, [codec]) == f"Last heartbeat: {SECRET}"


def test_failed_by_the_stop_without_keys(case: Case) -> None:
    """A stop does not wait."""
    envelope = Envelope((AwayCodec(*[AWAY] * 10),))
    run = case.task_run(Echo, input=sealed(SECRET), envelope=envelope, on_stop="fail")
    run.heartbeats.progress(SECRET)
    case.flag.raise_to(StopLevel.CANCEL)
    run.end_by_stop()
    assert case.answer[2] == ""


def test_own_call(case: Case) -> None:
    """A class that overrides ``__call__`` and calls the one above travels in the same envelope."""

    class Own(Echo):
        def __call__(self) -> Any:
            return super().__call__()

    case.task_run(Own, input=sealed(SECRET), envelope=Envelope((AwayCodec(AWAY),)))
    running = Running(case, AwayCodec(AWAY), Own)
    running.pass_pauses(1)
    running.end()
    assert value_of(case) == SECRET


def test_own_answers(case: Case) -> None:
    """A class whose ``__call__`` answers by itself sends nothing in clear text either."""

    class Own(Echo):
        def __call__(self) -> Any:
            answers[kind](self._scheduler, self.token)

    answers: dict[str, Callable[[Any, str], Any]] = {
        "complete": lambda scheduler, token: scheduler.complete(token, json.dumps(SECRET)),
        "fail": lambda scheduler, token: scheduler.fail(token, "why", SECRET),
    }
    for kind in answers:
        given: Any = {"token": kind, "envelope": Envelope((AwayCodec(),))}
        case.task_run(Own, input=sealed(SECRET), **given).run()
        assert case.calls.made[-1][0] == kind
        sent = case.calls.made[-1][-1]
        assert SECRET not in sent
        assert read(sent, [AwayCodec()]) == SECRET


def test_store_that_is_away(case: Case) -> None:
    """A store that is away is waited for, too; the key of the value has the task's ids."""
    kept: list[str] = []

    class AwayStore(Store):
        def _put(self, key: str, data: bytes) -> None:
            kept.append(key)
            if len(kept) < 2:
                raise AWAY

        def _get(self, key: str, size_bytes: int) -> bytes:
            raise AssertionError

    class Long(Activity):
        def run(self) -> str:
            return "x" * 40_000

    envelope = Envelope((), AwayStore("test://x"))
    run = case.task_run(Long, envelope=envelope)
    thread = threading.Thread(target=run.run, daemon=True)
    thread.start()
    case.clock.turn_when_awaited(1)
    thread.join(PATIENCE_SECONDS)
    verb, text = case.answer
    assert (verb, json.loads(text)["uri"]) == ("complete", f"test://x/{kept[0]}")
    assert kept[0].startswith(f"v1/domain/{run.info.workflow_id}/{run.info.run_id}/")


# Heartbeats while a result waits


def test_heartbeats_of_a_coroutine_go_on_while_its_result_waits(case: Case) -> None:
    """Those in the background too, if no timeout is declared: its run has ended already."""
    codec = AwayCodec()

    class Ends(AsyncActivity):
        async def run(self, it: str) -> str:
            codec.troubles = [AWAY] * 1_000
            return it

    case.begin(_sealed_run(case, codec, Ends, auto_heartbeat=True, heartbeat=None))
    until(lambda: codec.calls > 1)
    for _ in range(3):
        case.beat()
    codec.troubles.clear()
    case.clock.keep_turning(case.ended.is_set)
    assert value_of(case) == SECRET


def test_heartbeats_of_a_coroutine_end_with_its_answer(case: Case) -> None:
    """Also if the run, or what writes its result, raises."""

    class Raises(AsyncActivity):
        async def run(self, it: str) -> str:
            raise LookupError

    for number, kind in enumerate((AsyncEcho, Raises)):
        token, codec = f"token {number}", AwayCodec()
        case.await_(_sealed_run(case, codec, kind, auto_heartbeat=True, token=token))
    assert all(entry.ended for entry in case.auto_heartbeats._due)


@pytest.mark.parametrize(("silent", "in_seconds"), [(50, 1), (59.5, 0.25)])
def test_first_heartbeat_of_a_wait(case: Case, silent: float, in_seconds: float) -> None:
    """It goes out when it is due, counted from the last accepted one, and not from the wait."""
    codec = AwayCodec()

    class Long(Activity):
        def run(self, it: str) -> str:
            case.clock.turn(silent)  # of the 60 that are declared
            codec.troubles = [AWAY] * 1_000
            return it

    running = Running(case, codec, Long, heartbeat=60)
    until(lambda: codec.calls > 1)
    case.clock.turn_when_awaited(in_seconds)
    case.calls.wait_until(lambda: len(case.calls.beats) == 1)
    codec.troubles.clear()
    running.let_go()
    running.end()
    assert value_of(case) == SECRET


def _sealed_run(case: Case, codec: AwayCodec, kind: type[Activity], **given: Any) -> Any:
    return case.task_run(kind, input=sealed(SECRET), envelope=Envelope((codec,)), **given)
