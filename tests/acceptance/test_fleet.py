"""Several workers, an SWF that goes away and comes back: no task is lost."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from flowy import call_activity
from flowy.local import LocalSWF
from tests.acceptance.flows import Ask, Flow
from tests.acceptance.processes import POLLING, Process
from tests.environments import clean_environment

SCRIPT = """
import os
from flowy import Activity, activity, start_activity_worker

@activity('square', 1, 'list')
class Square(Activity):
    def run(self, value):
        self.heartbeat()
        return value * value

@activity('gated', 1, 'list')
class Gated(Activity):
    def run(self):
        print('running', flush=True)
        with open(os.environ['GATE']) as gate:
            return gate.read()

start_activity_worker(os.environ['DOMAIN'], 'list')
"""


def test_a_hundred_tasks_through_two_processes(
    process: Callable[..., Process], write: Callable[..., Path], flow: Callable[..., Flow]
) -> None:
    """Each task is completed once, with its own result, though one worker stops on the way."""
    script = write("worker.py", SCRIPT, log=True)
    workers = [process(script) for _ in range(2)]
    for worker in workers:
        worker.wait_for(POLLING)
    running = flow(*(Ask("square", f"[[{number}], {{}}]") for number in range(100)))
    workers[0].wait_for("completed after")
    workers[0].signal(signal.SIGTERM)
    assert workers[0].wait() == 0, workers[0].output
    closings = running.wait()
    assert [closing.kind for closing in closings] == ["Completed"] * 100
    assert [closing.result for closing in closings] == [str(n * n) for n in range(100)]
    workers[1].signal(signal.SIGTERM)
    assert workers[1].wait() == 0, workers[1].output
    shares = Counter(closing.identity for closing in closings)
    assert sorted(shares.values()) == sorted(w.count("completed after") for w in workers)
    assert len(shares) == 2
    for worker in workers:
        assert not [line for line in worker.lines if line.startswith(("WARNING", "ERROR"))]


def test_an_swf_that_restarts(tmp_path: Path, write: Callable[..., Path]) -> None:
    """The worker backs off, goes on when SWF is back, and delivers what it had to answer."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    script = write("worker.py", SCRIPT, log=True)
    with LocalSWF(poll_seconds=1) as swf:
        client = swf.client()
        client.register_workflow_type(domain="local", name="flow", version="1")
        environment = {
            **clean_environment(),
            **swf.environment,
            "DOMAIN": "local",
            "GATE": str(gate),
        }
        with Process(str(script), environment=environment, folder=tmp_path) as worker:
            worker.wait_for(POLLING)
            running = Flow(client, "local", [Ask("gated")])
            worker.wait_for("running")
            swf.stop()  # under a running activity
            gate.write_text("survived")
            worker.wait_for("not delivered")
            swf.start()
            (closing,) = running.wait()
            assert (closing.kind, closing.result) == ("Completed", '"survived"')
            worker.wait_for(POLLING, count=2)
            swf.stop()  # under a poll
            worker.wait_for("Poll failed (")
            swf.start()
            assert call_activity("local", "square", 1, 7, layer1=client) == 49
            assert worker.count("works again") == 1
            worker.signal(signal.SIGTERM)
            assert worker.wait() == 0, worker.output
