"""Every code block of the seed's page runs as printed, in a worker process.

``seed.rst`` is a copy of the page. Its blocks are cut out and run as they stand; what they leave
out is put around them: the import of ``Activity``, a decorator where there is none, the method
``persist_in_3rd_party_system``, and a clock whose sleeps are short.
"""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowy import async_scheduler
from tests.acceptance.flows import Ask, Closing, Flow
from tests.acceptance.processes import POLLING, Process

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

PAGE = (Path(__file__).parent / "seed.rst").read_text(encoding="utf-8")

#: The literal blocks of the page, in order, without their indentation.
BLOCKS = [
    "\n".join(line[4:] for line in block.splitlines())
    for block in re.findall(r"^[A-Za-z].*::\n\n((?:    .*\n|\n)+)", PAGE, flags=re.MULTILINE)
]
ECHO, VARIABLE, RAISING, BEATING, DECORATED, SUSPENDING = BLOCKS

IMPORT = "from flowy.task import Activity\n"

DECORATE = """
from flowy.swf.scanner import activity
activity(name='{name}', version=1, task_list='my_tasklist', heartbeat={heartbeat})(Echo)
"""

#: Put after a block: replaces its ``time`` by one whose sleeps last this number of seconds.
CLOCK = """
import types
time = types.SimpleNamespace(sleep=lambda _, really=time.sleep: really({seconds}))
"""

#: Put before the block that keeps its token.
THIRD_PARTY = """
import json, os, pathlib
import flowy.task

class Activity(flowy.task.Activity):
    def persist_in_3rd_party_system(self, value, token):
        pathlib.Path(os.environ['THIRD_PARTY'], f'{value}.json').write_text(json.dumps(token))

"""


def decorated(name: str, heartbeat: int | None = None) -> str:
    return DECORATE.format(name=name, heartbeat=heartbeat)


#: The modules of the package that the worker scans.
MODULES = {
    "__init__": "",
    "echo": IMPORT + ECHO + decorated("simple"),
    "variable": IMPORT + VARIABLE + decorated("variable"),
    "raising": IMPORT + RAISING + decorated("raising"),
    "beating": IMPORT + BEATING + CLOCK.format(seconds=0) + decorated("beating", 60),
    "late": IMPORT + BEATING + CLOCK.format(seconds=1.2) + decorated("late", 1),
    "decorated": IMPORT + DECORATED,
    "suspending": THIRD_PARTY + SUSPENDING + decorated("suspending"),
}

SCRIPT = """
import os
from flowy.swf.boilerplate import start_activity_worker
start_activity_worker(os.environ['DOMAIN'], 'my_tasklist', package='seed')
"""


@pytest.fixture
def worker(
    write: Callable[..., Path], process: Callable[..., Process], tmp_path: Path
) -> Iterator[Process]:
    """A worker process that serves all blocks; stopped by SIGTERM, it ends well."""
    for name, text in MODULES.items():
        write(f"seed/{name}.py", text)
    worker = process(write("worker.py", SCRIPT, log=True), THIRD_PARTY=str(tmp_path))
    worker.wait_for(POLLING)
    yield worker
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0, worker.output


def test_the_page_is_the_seeds() -> None:
    """The copy has the seed's six blocks, and the spelling that they need."""
    assert len(BLOCKS) == 6
    assert "self.hearbeat()" in BEATING
    assert "(value,) + tuple(args) + tuple(kwargs.values())" in VARIABLE


def test_blocks_run_as_printed(worker: Process, flow: Callable[..., Flow]) -> None:
    """SWF's history shows what the page says of each block."""
    asks = {
        Ask("simple", '[["hello"], {}]'): '"hello"',
        Ask("simple", '[[], {"value": {"a": [1]}}]'): '{"a": [1]}',
        Ask("variable"): "[null]",
        Ask("variable", "[[1], {}]"): "[1]",
        Ask("variable", '[[1, 2, 3], {"key": 4, "other": 5}]'): "[1, 2, 3, 4, 5]",
        Ask("variable", '[[], {"value": 1, "key": 2}]'): "[1, 2]",
        Ask("raising", "[[2], {}]"): "2",
        Ask("raising", "[[1], {}]"): ValueError,
        Ask("beating", '[["alive"], {}]'): '"alive"',
        Ask("late", '[["late"], {}]'): TimeoutError,
        Ask("echo", '[["decorated"], {}]'): '"decorated"',
    }
    closings = dict(zip(asks, flow(*asks).wait(), strict=True))
    for ask, expected in asks.items():
        closing = closings[ask]
        if expected is ValueError:
            assert (closing.kind, closing.reason) == ("Failed", "Can't echo 1.")
            assert closing.details is not None
            assert closing.details.startswith("Traceback (most recent call last):")
            assert 'raise ValueError("Can\'t echo 1.")' in closing.details
            assert closing.details.endswith("ValueError: Can't echo 1.\n")
        elif expected is TimeoutError:
            assert (closing.kind, closing.timeout) == ("TimedOut", "HEARTBEAT")
        else:
            assert (closing.kind, closing.result) == ("Completed", expected)
    worker.wait_for("closed already after")  # ``late`` gave up: its beat said False
    assert worker.count("Calling record_activity_task_heartbeat.") == 10 + 1


def test_suspended_tasks_are_ended_from_elsewhere(
    worker: Process,
    flow: Callable[..., Flow],
    client: SWFClient,
    domain: str,
    tmp_path: Path,
) -> None:
    """By its token a suspended task is completed, failed, or kept alive, from another process."""
    names = ["done", "failed", "beaten", "open"]
    running = flow(*(Ask("suspending", json.dumps([[name], {}])) for name in names))
    worker.wait_for("suspended after", count=len(names))
    token = {name: json.loads((tmp_path / f"{name}.json").read_text()) for name in names}
    scheduler = async_scheduler(domain, client)
    assert scheduler.complete(token["done"], {"approved": True}) is True
    assert scheduler.fail(token["failed"], "rejected") is True
    assert scheduler.heartbeat(token["beaten"]) is True
    assert scheduler.complete(token["beaten"], None) is True
    closings = running.closings()
    identity = closings[0][0].identity
    assert closings == {
        0: [Closing("Completed", '{"approved": true}', identity=identity)],
        1: [Closing("Failed", reason="rejected", identity=identity)],
        2: [Closing("Completed", "null", identity=identity)],
        3: [],
    }
    # What is closed stays closed, whoever asks and however.
    assert scheduler.complete(token["done"], 1) is False
    assert scheduler.fail(token["failed"], "again") is False
    assert scheduler.heartbeat(token["beaten"]) is False
    running.terminate()
    assert scheduler.complete(token["open"], 1) is False
    assert scheduler.heartbeat(token["open"]) is False
    assert running.closings() == closings
