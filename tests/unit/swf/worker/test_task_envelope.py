"""A key service that is away is waited for like SWF: heartbeats go on, and a stop ends it."""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from flowy import reasons
from flowy.claims import Store
from flowy.codecs import Codec
from flowy.concurrency.stop import StopLevel
from flowy.envelope import Envelope
from flowy.exception import CancelTask, CodecError, UnavailableError
from flowy.task import Activity, AsyncActivity
from flowy.transport import read
from tests.patience import PATIENCE_SECONDS, until
from tests.unit.swf.calls import unknown
from tests.unit.swf.worker.runs import Case

SECRET = "the secret"
AWAY = UnavailableError("KMS does not answer.", fault="ThrottlingException")


class AwayCodec(Codec):
    """Hides texts a little, and is away as often as the test says.

    Attributes:
        troubles: what the next calls raise.
        calls: how often it was called.
    """

    name = "away"
    encrypts = True

    def __init__(self, *troubles: Exception) -> None:
        self.troubles = list(troubles)
        self.calls = 0
        self.threads: set[int] = set()

    def encode(self, data: bytes) -> bytes:
        return self._hide(data)

    def decode(self, data: bytes, key_id: str | None, max_bytes: int) -> bytes:
        return self._hide(data)

    def _hide(self, data: bytes) -> bytes:
        self.calls += 1
        self.threads.add(threading.get_ident())
        if self.troubles:
            raise self.troubles.pop(0)
        return bytes(each ^ 1 for each in data)


class Echo(Activity):
    """Returns its argument."""

    def run(self, it: str) -> str:
        return it


class AsyncEcho(AsyncActivity):
    """Likewise."""

    async def run(self, it: str) -> str:
        return it


def sealed(text: object) -> str:
    """Return the input with one encoded argument."""
    return f"[[{Envelope((AwayCodec(),)).sealed(json.dumps(text))}], {{}}]"


class Running:
    """A run in a thread of its own, while the test turns the clock."""

    def __init__(
        self, case: Case, codec: AwayCodec, kind: type[Activity] = Echo, **given: Any
    ) -> None:
        self.case, self.codec = case, codec
        given.setdefault("heartbeat", None)
        self.run = case.task_run(kind, input=sealed(SECRET), envelope=Envelope((codec,)), **given)
        self._thread = threading.Thread(target=self.run.run, daemon=True)
        self._thread.start()

    def pass_pauses(self, *calls: int) -> None:
        """Let each pause pass that follows the call of the codec with such a number."""
        for number in calls:
            until(functools.partial(self._has_called, number))
            self.case.clock.turn_when_awaited(20)

    def _has_called(self, number: int) -> bool:
        return self.codec.calls == number

    def let_go(self) -> None:
        """Let all further pauses pass."""
        self.case.clock.keep_turning(lambda: not self._thread.is_alive())

    def end(self) -> None:
        """Wait for its end."""
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()
        assert self.case.ended.is_set()


def value_of(case: Case) -> Any:
    """Return the value of the only answer."""
    verb, text = case.answer
    assert verb == "complete"
    return read(text, [AwayCodec()])


def test_input_waits(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    """Until the key service answers; each try is a line with the fault."""
    codec = AwayCodec(AWAY, AWAY, AWAY)
    running = Running(case, codec)
    running.pass_pauses(1, 2, 3)
    running.end()
    assert (value_of(case), codec.calls) == (SECRET, 5)
    lines = [record for record in caplog.records if record.__dict__["flowy_event"] == "value_waits"]
    assert [record.__dict__["flowy_fault"] for record in lines] == ["ThrottlingException"] * 3
    assert SECRET not in caplog.text


def test_result_waits(case: Case) -> None:
    """The run is not repeated for it."""
    runs = []

    class Once(Activity):
        def run(self, it: str) -> str:
            runs.append(it)
            codec.troubles = [AWAY, AWAY]
            return it

    codec = AwayCodec()
    running = Running(case, codec, Once)
    running.pass_pauses(2, 3)
    running.end()
    assert (value_of(case), runs) == (SECRET, [SECRET])


def test_heartbeats_go_on(case: Case) -> None:
    """Every third of the declared timeout, though the activity asks for none."""
    codec = AwayCodec(*[AWAY] * 1_000)
    running = Running(case, codec, heartbeat=60)
    for _ in range(3):
        until(lambda: codec.calls > 0)
        case.beat()
    codec.troubles.clear()
    running.let_go()
    running.end()
    assert value_of(case) == SECRET


def test_task_that_was_closed(case: Case) -> None:
    """Nothing is answered, and nothing runs."""

    def closed() -> bool:
        raise unknown()

    case.calls.beat = closed
    running = Running(case, AwayCodec(*[AWAY] * 1_000), heartbeat=60)
    until(lambda: running.codec.calls > 0)
    case.beat()
    running.let_go()
    running.end()
    assert case.settled == ["CLOSED"]


def test_cancellation(case: Case) -> None:
    """A task whose input still waits is canceled; a result is waited for all the same."""
    case.calls.beat = lambda: True
    running = Running(case, AwayCodec(*[AWAY] * 1_000), heartbeat=60)
    until(lambda: running.codec.calls > 0)
    case.beat()
    running.let_go()
    running.end()
    assert case.answer == ("cancel", "")


def test_end_of_the_grace(case: Case) -> None:
    """The stop ends the waiting, by its policy."""
    running = Running(case, AwayCodec(*[AWAY] * 1_000))
    case.clock.turn_when_awaited(1)
    case.flag.raise_to(StopLevel.CANCEL)
    running.end()
    assert case.settled == ["ABANDONED"]


@pytest.mark.parametrize("of", ["input", "result"])
def test_out_of_patience(case: Case, of: str) -> None:
    """As long as an answer is tried; then the task fails, and says why."""

    class Once(Activity):
        def run(self, it: str) -> str:
            codec.troubles = [AWAY] * 1_000
            return it

    codec = AwayCodec(*[AWAY] * (1_000 if of == "input" else 0))
    running = Running(case, codec, Once, heartbeat=None)
    running.pass_pauses(1 if of == "input" else 2)
    case.clock.turn(300)
    running.let_go()
    running.end()
    verb, reason, *details = case.answer
    start = reasons.INPUT_UNREADABLE if of == "input" else reasons.RESULT_NOT_SERIALIZABLE
    assert (verb, reason, details) == ("fail", f"{start}KMS does not answer.", [""])


def test_coroutine(case: Case) -> None:
    """It waits on the event loop, which goes on; codecs and stores never run there."""
    codec = AwayCodec(AWAY)
    given: Any = {"input": sealed(SECRET), "envelope": Envelope((codec,))}
    case.await_(case.task_run(AsyncEcho, **given))
    assert value_of(case) == SECRET
    assert codec.threads
    assert case.loop.thread_id not in codec.threads


def test_coroutine_that_is_canceled_while_it_waits(case: Case) -> None:
    """It is canceled like any other coroutine."""
    codec = AwayCodec(*[AWAY] * 1_000)
    run = case.task_run(AsyncEcho, input=sealed(SECRET), envelope=Envelope((codec,)))
    case.begin(run)
    case.flag.raise_to(StopLevel.CANCEL)
    run.interrupt()
    case.wait()
    assert case.settled == ["ABANDONED"]


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
