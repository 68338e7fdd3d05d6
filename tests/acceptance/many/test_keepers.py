"""Two keepers side by side, as processes, and an SWF that goes away and comes back."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

from flowy.local import LocalSWF
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.acceptance.flowy_command import ROOT, Flowy
from tests.overview import overview
from tests.patience import until
from tests.suspended import Desk, is_closed

HEARTBEAT_SECONDS = 600
TURN_SECONDS = 400


def test_two_keepers_outlive_an_swf_that_is_away(tmp_path: Path) -> None:
    """On one store, through a restart of SWF, no heartbeat is missed and all is learned."""
    with LocalSWF(poll_seconds=0, state=tmp_path / "swf.state", page_port=0) as swf:
        desk = Desk(swf.client(), swf.domain)
        store = SQLiteTokenStore(tmp_path / "tokens.db")
        ours = {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
        variables = {**os.environ, **swf.environment, **ours}
        waiting = [
            desk.waiting(f"flow-{n}", heartbeat=HEARTBEAT_SECONDS, closes=None) for n in range(4)
        ]
        for _, task in waiting:
            store.keep(task)
        order = ("tokens", "keep", "--store", "tokens.db", "--domain", desk.domain, "--every", "1")

        def beats() -> None:
            """Turn the clock, by more than half the heartbeat timeout, and wait for all beats."""
            swf.clock.turn(TURN_SECONDS)

            def all_beaten() -> bool:
                running = overview(swf)["running"]
                assert len(running) == len(waiting), running  # none has timed out
                return all(task["beatSeconds"] < TURN_SECONDS for task in running)

            until(all_beaten, "a heartbeat for each task")

        with (
            Flowy(*order, cwd=tmp_path, env=variables) as one,
            Flowy(*order, cwd=tmp_path, env=variables) as two,
        ):
            keepers = (one, two)
            for keeper in keepers:
                keeper.log_line_with("Keeper started")
            beats()
            swf.stop()
            for keeper in keepers:
                keeper.log_line_with("not sent (")
            swf.start()
            for _ in range(3):
                beats()
            for execution, task in waiting:
                assert not is_closed(store, task)
                assert execution.events()[-1] == "ActivityTaskStarted"
                execution.terminate()
            for _, task in waiting:
                until(partial(is_closed, store, task), f"{task} is learned")
            for keeper in keepers:
                keeper.send(signal.SIGTERM)
            ends = [keeper.end() for keeper in keepers]
    logs = "".join(log for _, _, log in ends)
    assert [code for code, _, _ in ends] == [0, 0]
    assert "Traceback" not in logs
    for _, task in waiting:
        assert logs.count(f"Suspended task {task.id}") == 1
