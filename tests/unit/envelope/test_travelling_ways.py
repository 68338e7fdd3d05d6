"""Values through other ways than a decider's: callers, suspended tasks, and schedulers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flowy import Activity, AsyncActivity, activity, async_scheduler, call_activity
from flowy.claims import FolderStore
from flowy.codecs.fernet import FernetCodec
from flowy.context import current
from flowy.envelope import Envelope
from flowy.exception import ActivityFailedError, CodecError, ScanError
from flowy.swf.worker import WorkerOptions
from flowy.testing import ActivityEnvironment, LocalWorker, Suspended
from flowy.tokens import SuspendedTask
from flowy.tokens.sqlite import SQLiteTokenStore
from flowy.transport import read
from tests.unit.envelope.plain_decider import PlainDecider
from tests.unit.envelope.shop_activities import BOTH, FERNET, KEYS, SECRET, shop

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from flowy.local import LocalSWF


@pytest.fixture
def decider(client: SWFClient, domain: str) -> PlainDecider:
    """The plain decider."""
    return PlainDecider(client, domain)


def test_calls_by_the_class(
    local_swf: LocalSWF, domain: str, client: SWFClient, tmp_path: Path
) -> None:
    """Arguments, result and details of a failure go through the class's codecs and store."""
    store = FolderStore(tmp_path)
    served = shop((FERNET,), store, require_encryption=True)
    make, _typed, _check, count, fail = served
    with LocalWorker(local_swf, domain, served) as worker:
        assert worker.call(count, {"cards": [SECRET] * 3_000}) == 3_000
        assert worker.call(make, kwargs={"size": 2})["$flowy"] == SECRET
        with pytest.raises(ActivityFailedError) as raised:
            call_activity(domain, fail, {"cards": ["x"]}, kwargs={}, layer1=local_swf.client())
        assert SECRET in (raised.value.details or "")
    infos = client.list_closed_workflow_executions(
        domain=domain, startTimeFilter={"oldestDate": "1970-01-01"}
    )["executionInfos"]
    for info in infos:
        history = client.get_workflow_execution_history(domain=domain, execution=info["execution"])
        assert SECRET not in json.dumps(history, default=str)


@pytest.mark.parametrize("way", ["position", "name"])
@pytest.mark.parametrize("stored", [False, True])
def test_calls_by_the_class_with_what_is_encoded(tmp_path: Path, way: str, *, stored: bool) -> None:
    """The activity would get the envelope itself, so the caller learns how to pass the value."""
    store = FolderStore(tmp_path)
    _, _, _, count, _ = shop((FERNET,), store)
    sent = Envelope((), store).sealed('"x"', limit=0) if stored else Envelope(BOTH).sealed('"x"')
    value = json.loads(sent)
    args, kwargs = ([value], {}) if way == "position" else ([], {"cards": value})
    said = "argument 1, which" if way == "position" else "argument cards, which"
    with pytest.raises(CodecError, match=said) as raised:
        call_activity("shop", count, *args, kwargs=kwargs, layer1=object())
    assert "flowy.transport.read, or call without the class" in str(raised.value)


def test_options_of_the_worker(
    local_swf: LocalSWF, domain: str, decider: PlainDecider, tmp_path: Path
) -> None:
    """They hold for classes without their own, by name as well."""

    @activity("own", 1, "list")
    class Own(Activity):
        codecs = (FernetCodec([KEYS[1]]),)

        def run(self) -> str:
            return SECRET

    class Module:
        CODECS = BOTH

    import sys

    sys.modules["envelope_keys"] = Module  # type: ignore[assignment]
    try:
        with LocalWorker(
            local_swf,
            domain,
            [*shop(()), Own],
            codecs=["envelope_keys:CODECS"],
            claims=tmp_path.as_uri(),
            hide_reasons=True,
        ):
            made, own = decider.run("make"), decider.run("own")
            assert decider.run("make", "fail")["reason"] == "Reason hidden: ValueError."
    finally:
        del sys.modules["envelope_keys"]
    assert read(made, BOTH)["cards"] == [SECRET]
    assert read(own, Own.codecs) == SECRET
    with pytest.raises(ScanError, match=r"Cannot serve .*Make at .*Cannot use hide_reasons"):
        LocalWorker(local_swf, domain, shop(()), hide_reasons=True)
    with pytest.raises(ScanError, match="Cannot use require_encryption"):
        WorkerOptions(domain, "list", activities=shop(()), require_encryption=True).load()


def test_suspended_tasks(tmp_path: Path) -> None:
    """The note is kept encrypted, and whoever has the codecs reads it."""
    store = SQLiteTokenStore(tmp_path / "tokens.db")

    class Ask(Activity):
        codecs = BOTH

        def run(self) -> None:
            self.suspend(store, {"card": SECRET})

    class AskAsync(AsyncActivity):
        codecs = BOTH

        async def run(self) -> None:
            await self.suspend(store, {"card": SECRET})

    for number, kind in enumerate((Ask, AskAsync)):
        assert isinstance(ActivityEnvironment(token=f"t{number}").run(kind), Suspended)
    tasks: list[SuspendedTask] = store.pending()
    assert [read(task.note, BOTH) for task in tasks] == [{"card": SECRET}] * 2
    assert SECRET not in f"{tasks}{[task.note for task in tasks]}"
    assert SECRET.encode() not in (tmp_path / "tokens.db").read_bytes()


def test_scheduler_of_suspended_tasks(
    local_swf: LocalSWF, domain: str, client: SWFClient, decider: PlainDecider
) -> None:
    """What ``async_scheduler`` sends is encrypted, by its codecs or those of the class."""
    tokens: list[str] = []

    def suspended(name: str) -> type[Activity]:
        @activity(name, 1, "list", heartbeat=60)
        class Ask(Activity):
            codecs = BOTH

            def run(self) -> None:
                scheduler = async_scheduler(current().domain, local_swf.client(), codecs=BOTH)
                scheduler.heartbeat(self.token, SECRET)
                answers[name](scheduler, self.token)
                self.suspend_now()

            def suspend_now(self) -> None:
                from flowy import SuspendTask

                tokens.append(self.token)
                raise SuspendTask

        return Ask

    answers: dict[str, Callable[[Any, str], Any]] = {
        "complete": lambda scheduler, token: scheduler.complete(token, SECRET),
        "fail": lambda scheduler, token: scheduler.fail(token, "declined", SECRET),
        "class": lambda scheduler, token: async_scheduler(domain, local_swf.client()).complete(
            token, SECRET, activity=kinds[2]
        ),
    }
    kinds = [suspended(name) for name in answers]
    with LocalWorker(local_swf, domain, kinds):
        ended = [decider.run(name) for name in answers]
    assert [read(ended[0], BOTH), read(ended[2], BOTH)] == [SECRET] * 2
    assert (ended[1]["reason"], read(ended[1]["details"], BOTH)) == ("declined", SECRET)
    assert SECRET not in decider.history
    with pytest.raises(ValueError, match="hide_reasons without"):
        async_scheduler(domain, local_swf.client(), hide_reasons=True)
