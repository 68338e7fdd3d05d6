"""An hour's timeout fires when the test turns the clock, not before; after it time runs on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from flowy import call_activity
from flowy.exception import ActivityTimedOutError
from tests.patience import until


def test_held(flowy_clock: Any, flowy_domain: str, flowy_client: Any) -> None:
    flowy_client.register_activity_type(
        domain=flowy_domain,
        name="nobody",
        version="1",
        defaultTaskList={"name": "nobody"},
        defaultTaskHeartbeatTimeout="NONE",
        defaultTaskScheduleToCloseTimeout="NONE",
        defaultTaskStartToCloseTimeout="NONE",
        defaultTaskScheduleToStartTimeout="3600",
    )

    def waiting() -> int:
        counted = flowy_client.count_pending_activity_tasks(
            domain=flowy_domain, taskList={"name": "nobody"}
        )
        return int(counted["count"])

    before = flowy_clock.now()
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(
            call_activity, flowy_domain, "nobody", 1, layer1=flowy_client, timeout=9999
        )
        until(waiting)
        assert flowy_clock.now() == before
        flowy_clock.turn(3599)
        assert waiting() == 1
        flowy_clock.turn(1)
        with pytest.raises(ActivityTimedOutError, match="SCHEDULE_TO_START"):
            call.result()
    assert flowy_clock.now() == before + 3600


def test_runs_again(flowy_local_swf: Any) -> None:
    clock = flowy_local_swf.clock
    before = clock.now()
    until(lambda: clock.now() > before)
