"""Two keepers side by side, as processes, and an SWF that goes away and comes back."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

from flowy.local import LocalSWF
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.acceptance.flowy_command import ROOT, Flowy
from tests.patience import until
from tests.suspended import Desk, is_closed


def test_two_keepers_outlive_an_swf_that_is_away(tmp_path: Path) -> None:
    """Side by side on one store, through a restart of SWF: no heartbeat is missed, all learned."""
    with LocalSWF(poll_seconds=0, state=tmp_path / "swf.state") as swf:
        desk = Desk(swf.client(), swf.domain)
        store = SQLiteTokenStore(tmp_path / "tokens.db")
        ours = {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
        variables = {**os.environ, **swf.environment, **ours}
        waiting = [desk.waiting(f"flow-{n}", heartbeat=600, closes=None) for n in range(4)]
        for _, task in waiting:
            store.keep(task)
        order = ("tokens", "keep", "--store", "tokens.db", "--domain", desk.domain, "--every", "1")

        def beats(when: str, looks: int = 3) -> None:
            """Wait until all were beaten for: until more tasks, one by one, are learned."""
            for number in range(looks):
                execution, task = desk.waiting(f"{when}-{number}")
                store.keep(task)
                execution.terminate()
                until(partial(is_closed, store, task), f"{task} is learned")

        with (
            Flowy(*order, cwd=tmp_path, env=variables) as one,
            Flowy(*order, cwd=tmp_path, env=variables) as two,
        ):
            keepers = (one, two)
            for keeper in keepers:
                keeper.log_line_with("Keeper started")
            beats("before")
            swf.stop()
            for keeper in keepers:
                keeper.log_line_with("not sent (")
            swf.start()
            beats("after", looks=8)  # each takes a second, and some are tried again after 5
            for when in ("later", "much-later"):
                swf.clock.turn(400)  # twice as much is more than the heartbeat timeout
                beats(when)
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
