"""Heartbeats go on while a jumbo field waits for S3, as they do for a store of claims."""

from __future__ import annotations

import io
import threading
from typing import Any, ClassVar

import pytest

from flowy.concurrency.clock import Clock
from flowy.task import AsyncActivity
from flowy.transport.simpleflow import SimpleflowActivity
from flowy.transport.simpleflow.jumbo import JumboFields
from tests.patience import PATIENCE_SECONDS, until
from tests.unit.swf.worker.runs import Case

TEXT = '{"args": ["violet"], "kwargs": {}}'


class SlowDown(Exception):
    """An error of boto3's, as far as Flowy looks at it."""

    response: ClassVar[Any] = {
        "Error": {"Code": "SlowDown"},
        "ResponseMetadata": {"HTTPStatusCode": 503},
    }


class Away:
    """An S3 client whose service is away."""

    def __init__(self) -> None:
        self.away, self.calls = True, 0

    def get_object(self, **call: Any) -> Any:
        self._called()
        return {"Body": io.BytesIO(TEXT.encode()), "ContentLength": len(TEXT)}

    def put_object(self, **call: Any) -> None:
        self._called()

    def _called(self) -> None:
        self.calls += 1
        if self.away:
            raise SlowDown


class Echo(SimpleflowActivity):
    """Returns its argument, or a long text; its fields wait by the clock of the case."""

    s3: ClassVar[Any]
    clock: ClassVar[Clock]
    times: ClassVar[int] = 1

    @classmethod
    def _jumbo_fields(cls) -> JumboFields:
        return JumboFields("bucket", cls.s3, clock=cls.clock)

    def run(self, it: str) -> str:
        return it * self.times


class Long(Echo):
    times = 10_000


class AsyncEcho(Echo, AsyncActivity):
    """Likewise, as a coroutine."""

    async def run(self, it: str) -> str:  # type: ignore[override]
        return it


@pytest.mark.parametrize("kind", [Echo, Long, AsyncEcho])
def test_heartbeats_go_on(case: Case, kind: type[Echo]) -> None:
    """For an input and for a result, though the activity asks for none."""
    s3 = Away()
    kind.s3, kind.clock = s3, case.clock
    field = f"simpleflow+s3://bucket/key {len(TEXT)}"
    run = case.task_run(kind, input=TEXT if kind is Long else field, heartbeat=60)
    if run.is_coroutine:
        case.begin(run)
    else:
        threading.Thread(target=run.run, daemon=True).start()
    until(lambda: s3.calls > 0)
    for _ in range(3):
        case.beat()
    s3.away = False
    while not case.ended.wait(0.01):
        case.clock.turn(1)
    assert case.ended.wait(PATIENCE_SECONDS)
    verb, text = case.answer
    assert verb == "complete"
    assert text.startswith("simpleflow+s3://bucket/" if kind is Long else '"violet"')
