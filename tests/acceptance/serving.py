"""A worker on a thread of the test's process, for what ``flowy.testing.LocalWorker`` does not do.

It may serve a list that is not its activities' default, and its stop waits for what runs.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flowy.swf.client import connect
from flowy.swf.registration import register
from flowy.swf.values import ActivityDefaults, ActivityImplementation, ActivityType
from flowy.swf.worker import ActivityWorker
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from flowy.task import Activity


@contextmanager
def serving(
    client: SWFClient,
    domain: str,
    activities: Mapping[str, type[Activity]],
    *,
    task_list: str = "list",
    default_list: str = "list",
) -> Iterator[ActivityWorker]:
    """Register and serve these activities, version 1 each, while the block runs."""
    defaults = ActivityDefaults(
        task_list=default_list,
        heartbeat=None,
        schedule_to_close=420,
        schedule_to_start=120,
        start_to_close=300,
    )
    found = {
        ActivityType(name, "1"): ActivityImplementation(
            ActivityType(name, "1"), defaults, activity, __file__, 1
        )
        for name, activity in activities.items()
    }
    swf = connect(client)
    register(swf, domain, found.values())
    worker = ActivityWorker(swf, domain, task_list, found)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()
