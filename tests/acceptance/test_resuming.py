"""The copy of ``examples/resuming``: killed again and again, it copies each file once."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from examples.resuming.copying import CopyFiles
from flowy.invocation import TaskOutcome
from flowy.local import LocalSWF
from flowy.swf.history import activity_records
from flowy.swf.registration import register
from flowy.swf.scanner import declared
from flowy.transport import encode_input
from tests.acceptance.processes import Process, seeing_the_tests
from tests.unit.shop import DOMAIN, Shop, scheduled

#: Serves one task, by a copy that is killed before the file that DIES_AT names.
WORKER = """
import os, signal, sys
from dataclasses import replace

from examples.resuming.copying import CopyFiles
from flowy.swf.client import connect
from flowy.swf.scanner import declared
from flowy.swf.worker import ActivityWorker

class Mortal(CopyFiles):
    def copy(self, file, target):
        if file.name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGKILL)
        super().copy(file, target)

(found,) = declared(CopyFiles)
served = {found.type: replace(found, factory=Mortal)}
ActivityWorker(connect(), "shop", "files", served, loop=1).run()
"""

#: A decision that leaves no timeout in force.
UNLIMITED = dict.fromkeys(
    ("heartbeatTimeout", "scheduleToCloseTimeout", "scheduleToStartTimeout", "startToCloseTimeout"),
    "NONE",
)


@pytest.fixture
def shop(local_swf: LocalSWF) -> Iterator[Shop]:
    """A domain with the copy's type, whose clock stands."""
    with LocalSWF(domain=DOMAIN, poll_seconds=1) as swf:
        swf.clock.hold()
        shop = Shop(swf)
        register(shop.client, DOMAIN, declared(CopyFiles))
        yield shop


def test_killed_and_timed_out_by_each_timeout(
    shop: Shop, swf_environment: dict[str, str], tmp_path: Path
) -> None:
    """Three workers die in the middle, one try finds no worker; the last one copies the rest."""
    source, target = tmp_path / "source", tmp_path / "target"
    for folder in (source, target):
        folder.mkdir()
    for name in "abcdefgh":
        (source / name).write_text(f"file {name}", encoding="utf-8")
    script = tmp_path / "worker.py"
    script.write_text(textwrap.dedent(WORKER), encoding="utf-8")
    environment = seeing_the_tests({**swf_environment, **shop.swf.environment})

    def work(dies_at: str) -> int:
        with Process(str(script), dies_at, environment=environment, folder=tmp_path) as process:
            return process.wait()

    def attempt(timeout: str, dies_at: str | None, *copied: str) -> None:
        in_force: Any = {**UNLIMITED, timeout: "50"}
        shop.decide("order-1", scheduled("1", "copy", input=text, **in_force))
        if dies_at is not None:
            assert work(dies_at) == -9
        assert {each.name for each in target.iterdir() if each.name[0] != "."} == {*copied}
        for each in target.iterdir():  # whoever copies a file again leaves a trace
            each.write_text("copied", encoding="utf-8")
        shop.swf.clock.turn(51)

    text = encode_input((str(source), str(target)), {})
    run_id = shop.start("order-1")
    attempt("heartbeatTimeout", "d", *"abc")
    attempt("scheduleToStartTimeout", None, *"abc")
    attempt("startToCloseTimeout", "f", *"abcde")
    attempt("scheduleToCloseTimeout", "g", *"abcdef")
    shop.decide("order-1", scheduled("1", "copy", input=text, **UNLIMITED))
    assert work("nothing") == 0

    *lost, last = activity_records(
        shop.client.get_workflow_execution_history(DOMAIN, "order-1", run_id)
    )
    assert [each.timeout_type for each in lost] == [
        "HEARTBEAT",
        "SCHEDULE_TO_START",
        "START_TO_CLOSE",
        "SCHEDULE_TO_CLOSE",
    ]
    beats = [each.heartbeat for each in lost]
    assert beats == ['{"last": "c"}', None, '{"last": "e"}', '{"last": "f"}']
    assert (last.outcome, last.result) == (
        TaskOutcome.COMPLETED,
        '{"copied": 2, "attempt": 5}',
    )
    assert {each.name: each.read_text() for each in target.iterdir()} == {
        **dict.fromkeys("abcdef", "copied"),
        "g": "file g",
        "h": "file h",
    }
