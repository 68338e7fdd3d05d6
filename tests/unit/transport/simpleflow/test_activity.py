"""SimpleflowActivity: one run, as a decider of simpleflow sees it."""

from __future__ import annotations

import contextlib
import json
import threading
from typing import Any

import pytest

from flowy import activity, reasons
from flowy.exception import ActivityFailedError
from flowy.task import Activity, AsyncActivity
from flowy.testing import ActivityEnvironment, Answer
from flowy.transport.simpleflow import SimpleflowActivity, encode_input
from tests.unit.swf.replay.recorded import one, run
from tests.unit.transport.simpleflow.object_store import ObjectStore

LONG = "x" * 40_000


class Echo(SimpleflowActivity):
    def run(self, value: Any) -> Any:
        return value


class Fail(SimpleflowActivity):
    def run(self, message: str) -> None:
        raise RuntimeError(message)


def storing(kind: type[Activity], store: ObjectStore) -> type[Activity]:
    """Return the class with jumbo fields in this store."""
    return type(
        kind.__name__, (kind,), {"jumbo_bucket": "bucket/dir", "jumbo_client": store.client}
    )


def answered(kind: type[Activity], input: str) -> Answer:
    """Run a class on this input, and return what SWF gets."""
    env = ActivityEnvironment(serialize_arguments=lambda *_: input, deserialize_result=str)
    with contextlib.suppress(ActivityFailedError, RuntimeError):
        env.run(kind)
    assert env.answer is not None
    return env.answer


def details_of(answer: Answer) -> dict[str, Any]:
    """Return the members of a failure's details."""
    members: dict[str, Any] = json.loads(answer.details or "")
    assert list(members) == ["error", "error_type", "message", "traceback"]
    return members


@pytest.fixture(autouse=True)
def _no_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIMPLEFLOW_JUMBO_FIELDS_BUCKET", raising=False)


def test_arguments_and_result() -> None:
    """Input and result are simpleflow's."""
    assert answered(Echo, encode_input(({"b": 1, "a": 2},), {})).result == '{"a":2,"b":1}'
    assert answered(Echo, encode_input((), {"value": None})).result == "null"


def test_a_failure() -> None:
    """The reason has the class, the details are an object whose traceback has author's frames."""
    answer = answered(Fail, encode_input(("why",), {}))
    assert (answer.kind, answer.reason) == ("failed", "RuntimeError: why")
    members = details_of(answer)
    assert members["error"] == members["error_type"] == "RuntimeError"
    assert members["traceback"][-1] == "RuntimeError: why\n"
    assert "flowy/invocation" not in "".join(members["traceback"])


@pytest.mark.parametrize("input", ["", "{", "[[], {}]", '{"args":[],"meta":{"binaries":{"a":1}}}'])
def test_an_input_that_cannot_be_read(input: str) -> None:
    """The fixed reason stays, in front."""
    answer = answered(Echo, input)
    assert (answer.reason or "").startswith(reasons.INPUT_UNREADABLE)
    assert details_of(answer)["error"] == "InputError"


def test_an_input_that_does_not_fit() -> None:
    """So does this one."""
    answer = answered(Echo, encode_input((), {}))
    assert (answer.reason or "").startswith(reasons.INPUT_MISFIT)
    assert details_of(answer)["error"] == "TypeError"


@pytest.mark.parametrize("asynchronous", [False, True])
def test_jumbo_fields_both_ways(store: ObjectStore, asynchronous: bool) -> None:
    """Input and result, in a thread; a coroutine's loop is not held up."""
    threads = []

    class Reads(SimpleflowActivity):
        @classmethod
        def _deserialize_arguments(cls, input: str | None) -> tuple[Any, Any]:
            threads.append(threading.current_thread())
            return super()._deserialize_arguments(input)

    class EchoLater(Reads, AsyncActivity):
        async def run(self, value: Any) -> Any:
            threads.append(threading.current_thread())
            return value

    class EchoNow(Reads, Echo):
        pass

    text = encode_input((LONG,), {})
    store.put("bucket/dir/in", text.encode())
    kind = storing(EchoLater if asynchronous else EchoNow, store)
    answer = answered(kind, f"simpleflow+s3://bucket/dir/in {len(text)}")
    assert store.text(answer.result or "") == f'"{LONG}"'
    assert len(set(threads)) == 1 + asynchronous


def test_the_bucket_of_the_environment(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """simpleflow's own variable, unless the class has a bucket."""
    kind = type("Echo", (Echo,), {"jumbo_client": store.client})
    monkeypatch.setenv("SIMPLEFLOW_JUMBO_FIELDS_BUCKET", "theirs/")
    answer = answered(kind, encode_input((LONG,), {}))
    assert (answer.result or "").startswith("simpleflow+s3://theirs/")


def test_without_a_bucket() -> None:
    """A jumbo field is refused, a long result fails; both say what to set."""
    answer = answered(Echo, "simpleflow+s3://bucket/key 7")
    assert (answer.reason or "").startswith(reasons.INPUT_UNREADABLE + "it is a jumbo field, and")
    answer = answered(Echo, encode_input((LONG,), {}))
    assert (answer.reason or "").startswith(reasons.RESULT_TOO_LONG + "40,002 characters, SWF")
    assert "SIMPLEFLOW_JUMBO_FIELDS_BUCKET" in details_of(answer)["message"]
    assert LONG not in (answer.details or "")


def test_a_result_that_s3_does_not_take(store: ObjectStore) -> None:
    """It fails as too long, and says why."""
    store.errors = [(403, "AccessDenied")] * 9
    answer = answered(storing(Echo, store), encode_input((LONG,), {}))
    assert (answer.reason or "").startswith(reasons.RESULT_TOO_LONG)
    assert "AccessDenied" in details_of(answer)["message"]


def test_a_long_failure(store: ObjectStore) -> None:
    """Reason and details travel in jumbo fields; without a bucket both are cut, and read."""
    long = encode_input(("y" * 30_000 + "é" * 10_000,), {})
    answer = answered(storing(Fail, store), long)
    assert store.text(answer.reason or "").startswith("RuntimeError: yyy")
    assert len(json.loads(store.text(answer.details or ""))["message"]) == 40_000
    answer = answered(Fail, long)
    assert len(answer.reason or "") == 256
    assert details_of(answer)["message"].startswith("yyy")
    assert len(answer.details or "") <= 32_768


def test_a_failure_that_s3_does_not_take(
    store: ObjectStore, caplog: pytest.LogCaptureFixture
) -> None:
    """The failure is not lost: it is cut, and the log says so."""
    store.errors = [(503, "SlowDown")] * 2
    answer = answered(storing(Fail, store), encode_input(("y" * 40_000,), {}))
    assert (answer.reason or "").startswith("RuntimeError: yyy")
    details_of(answer)
    assert len(store.requests) == 2
    lines = [each.getMessage() for each in caplog.records if "jumbo" in each.getMessage()]
    assert len(lines) == 2


def test_the_last_heartbeat_does_not_break_the_details() -> None:
    """A decider reads the details as JSON."""

    class Beats(SimpleflowActivity):
        def run(self) -> None:
            self.heartbeat("half way")
            raise RuntimeError("why")

    details_of(answered(Beats, encode_input((), {})))


def test_replay(store: ObjectStore) -> None:
    """A long result is compared with the one that is stored, and S3 gets nothing."""
    store.put("bucket/dir/key", json.dumps(LONG).encode())
    kind = activity("echo", 1, "work")(storing(Echo, store))
    result = f"simpleflow+s3://bucket/dir/key {len(json.dumps(LONG))}"
    task = one("echo", input=encode_input([LONG], {}), result=result)
    replay = run(task, kind)
    assert (replay.equal, replay.now.value) == (True, LONG)
    other = run(task, kind, input=encode_input(["y" * 40_000], {}))
    assert (other.equal, other.now.value) == (False, "y" * 40_000)
    assert {request.partition(" ")[0] for request in store.requests} == {"GET"}
