"""Whoever has neither codecs nor a store has none of their modules, and pays nothing."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from types import FrameType
from typing import Any

from flowy import Activity
from flowy.codecs import ZlibCodec
from flowy.swf.worker import WorkerOptions
from flowy.testing import ActivityEnvironment

#: Scans, serves, calls and suspends, and says what was imported for it.
_PROGRAM = """
import sys
from flowy import Activity, AsyncActivity, activity, async_scheduler, call_activity
from flowy.swf.scanner import declared_by
from flowy.swf.worker import ActivityWorker, WorkerOptions
from flowy.swf.client import SWFClient
from flowy.testing import ActivityEnvironment
import flowy.transport

@activity("echo", 1, "list", heartbeat=60)
class Echo(Activity):
    def run(self, value):
        self.heartbeat(value)
        return value

@activity("async", 1, "list")
class Async(AsyncActivity):
    async def run(self, value):
        return value

found = declared_by([Echo, Async])
ActivityWorker(SWFClient(None, None), "domain", "list", found)
WorkerOptions("domain", "list", activities=[Echo])
assert ActivityEnvironment().run(Echo, 7) == 7
assert ActivityEnvironment().run(Async, {"$flowy": 7}) == {"$flowy": 7}
ours = ("flowy.codecs", "flowy.claims", "flowy.envelope", "flowy.aws")
theirs = ("cryptography", "aws_encryption_sdk", "boto3", "zlib_")
loaded = {name for name in sys.modules if name.startswith((*ours, *theirs))}
loaded |= {name for name in sys.modules if name == "flowy.swf.worker.task_envelope"}
assert loaded <= {"flowy.aws"}, loaded
"""


def test_nothing_is_imported() -> None:
    """Neither the packages nor the libraries behind them."""
    ran = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_nothing_runs() -> None:
    """No function of codecs, stores and converters is called for a task that has none of them."""

    class Echo(Activity):
        def run(self, value: Any) -> Any:
            return value

    called: set[str] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            called.add(frame.f_code.co_filename)

    env = ActivityEnvironment(serialize_arguments=lambda *_: "[[7], {}]")
    env.run(Echo, 0)
    sys.setprofile(note)
    try:
        env.run(Echo, 7)
    finally:
        sys.setprofile(None)
    files = {name.partition("/flowy/")[2] for name in called}
    assert "invocation/wire.py" in files
    of_values = ("envelope/", "codecs/", "claims/", "convert/", "invocation/sealing.py")
    assert not {name for name in files if name.startswith(of_values)}


def test_nothing_is_changed() -> None:
    """Without them, texts pass as they are: envelopes and dollars as well."""
    seen: list[str | None] = []

    class Takes(Activity):
        @staticmethod
        def _deserialize_arguments(input: str | None) -> tuple[Any, Any]:
            seen.append(input)
            return (), {}

        @staticmethod
        def _serialize_result(result: Any) -> str:
            return '{"$flowy": 1}'

        def run(self) -> None:
            """Do nothing."""

    given = '[[{"$flowy": "codec/1"}, {"$$flowy": 1}], {}]'
    env = ActivityEnvironment(
        serialize_arguments=lambda args, kwargs: given, deserialize_result=lambda text: text
    )
    assert env.run(Takes) == '{"$flowy": 1}'
    assert seen == [given]


def test_options_can_be_sent_to_a_process() -> None:
    """Names of codecs stay names: a codec may hold locks and keys."""
    options = WorkerOptions(
        "domain", "list", codecs=["tests.unit.envelope.test_not_imported:LOCKED"], processes=2
    )
    assert options.envelope is not None
    assert pickle.loads(pickle.dumps(options.by_name())).codecs == options.codecs


class _Locked(ZlibCodec):
    name = "locked"

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


LOCKED = [_Locked()]
