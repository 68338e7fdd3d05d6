"""``flowy worker --log-format json``: real processes, whose standard error a log store can read."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.acceptance.flows import Ask, Flow
from tests.acceptance.flowy_command import Flowy

#: Configures logging, warns and prints, as modules do; its activities log.
ACTIVITIES = """
    import asyncio, logging, logging.config, sys, threading, warnings
    from flowy import Activity, AsyncActivity, activity

    logging.config.dictConfig({"version": 1})  # disables all loggers that it does not name
    warnings.warn("Old.", DeprecationWarning)
    print("Imported.", file=sys.stderr)
    logger = logging.getLogger("shop")

    @activity("work", 1, "list", heartbeat=60)
    class Work(Activity):
        def run(self):
            for _ in range(5):
                logger.warning("%s", self.info.activity_id)
                self.heartbeat()

    @activity("wait", 1, "list")
    class Wait(AsyncActivity):
        async def run(self):
            for _ in range(5):
                logger.warning("%s", self.info.activity_id)
                await asyncio.sleep(0)

    @activity("fail", 1, "list")
    class Fail(Activity):
        def run(self):
            raise ValueError("SECRET")
"""


def test_every_line_is_json(
    flow: Callable[..., Flow],
    write: Callable[..., Path],
    domain: str,
    swf_environment: dict[str, str],
    tmp_path: Path,
) -> None:
    """From the import to the end; lines within an activity name it, those of Flowy tell it.

    ``test_health.py`` shows it of several processes.
    """
    write("shop.py", ACTIVITIES)
    options = ("--log-format", "json", "--log-starts", "--concurrency", "4", "--pollers", "1")
    env = {**swf_environment, "PYTHONWARNINGS": "always"}
    polls = ("--domain", domain, "--task-list", "list", *options, "shop")
    with Flowy("worker", *polls, cwd=tmp_path, env=env) as worker:
        worker.log_line_with("Worker started as")
        running = flow(*[Ask("work"), Ask("wait")] * 3, Ask("fail"), Ask("fail", "no JSON"))
        running.wait()
        worker.send(signal.SIGTERM)
        code, out, err = worker.end()
    assert (code, out) == (0, "")
    lines: list[dict[str, Any]] = [json.loads(line) for line in [*worker.log, *err.splitlines()]]
    assert all({"time", "level", "logger", "message", "pid"} <= line.keys() for line in lines)
    assert len({line["pid"] for line in lines}) == 1
    own = [line for line in lines if line["logger"] == "shop"]
    assert len(own) == 30
    assert all(line["message"] == line["flowy_activity_id"] for line in own)
    assert {line["flowy_workflow_id"] for line in own} == {running.execution["workflowId"]}
    started = [line for line in lines if line.get("flowy_event") == "task_started"]
    assert sorted(line["flowy_activity_id"] for line in started) == list("01234567")
    ended = {
        line["flowy_activity_id"]: (line["flowy_outcome"], line.get("flowy_fault"))
        for line in lines
        if line.get("flowy_event") == "task_ended"
    }
    assert ended == {
        **dict.fromkeys("012345", ("completed", None)),
        "6": ("failed", "ValueError"),
        "7": ("failed", "Input unreadable"),
    }
    (stop,) = [line for line in lines if line.get("flowy_event") == "stop_requested"]
    assert stop["message"] == (
        "Stopping (SIGTERM): no activity runs, 1 poll is out, up to 60 s. Again: cancel what runs. "
        "A third time: end now."
    )
    assert "SECRET" not in err
