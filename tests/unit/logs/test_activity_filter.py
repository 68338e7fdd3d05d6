"""The filter that lets each record name the activity that runs."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import logging.handlers
import queue
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from flowy.concurrency.retry import Deadline
from flowy.context import ActivityInfo, RunningActivity, entered
from flowy.logs import ACTIVITY_KEYS, OWN_KEYS, ActivityFilter, log_keys
from tests.suspended import an_info

ORDER_7, ORDER_8 = an_info(workflow_id="order-7"), an_info(workflow_id="order-8")


def running(info: ActivityInfo) -> RunningActivity:
    return RunningActivity(info, Deadline(None), lambda: False)


class Kept(logging.Handler):
    """Keeps the records that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[Any] = []
        self.addFilter(ActivityFilter())

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def kept() -> Iterator[Kept]:
    """What a handler of the root logger gets, from any logger."""
    handler = Kept()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


LOGGER = logging.getLogger("shop.orders")


def test_within_an_activity(kept: Kept) -> None:
    """Each record has all ids of the task, as they are; also those of other libraries."""
    with entered(running(ORDER_7)):
        LOGGER.warning("Charged.")
        logging.getLogger("urllib3").warning("Retrying.")
    for record in kept.records:
        for key, name in ACTIVITY_KEYS.items():
            assert getattr(record, key) == getattr(ORDER_7, name)
        assert [getattr(record, key) for key in OWN_KEYS] == [""] * len(OWN_KEYS)
    assert kept.records[0].flowy_started_event_id == 6


def test_outside(kept: Kept) -> None:
    """All keys are there and empty, so that a format may use them."""
    LOGGER.warning("Started.")
    (record,) = kept.records
    assert {getattr(record, key) for key in (*ACTIVITY_KEYS, *OWN_KEYS)} == {""}
    shape = "%(flowy_workflow_id)s/%(flowy_activity_id)s/%(flowy_event)s"
    assert logging.Formatter(shape).format(record) == "//"


def test_the_callers_own_key_wins(kept: Kept) -> None:
    """A record that names a task itself keeps what it has; what it lacks is added."""
    with entered(running(ORDER_7)):
        LOGGER.warning("Charged.", extra={"flowy_workflow_id": "mine", "flowy_domain": ""})
    (record,) = kept.records
    assert (record.flowy_workflow_id, record.flowy_domain) == ("mine", "")
    assert record.flowy_activity == "approve"


def test_flowys_own_record_of_another_task(kept: Kept) -> None:
    """An activity that finishes a suspended task: the line names that task."""
    with entered(running(ORDER_7)):
        LOGGER.warning("Ended.", extra=log_keys("task_ended", ORDER_8, outcome="completed"))
    (record,) = kept.records
    assert (record.flowy_workflow_id, record.flowy_outcome) == ("order-8", "completed")
    assert (record.flowy_event, record.flowy_seconds) == ("task_ended", "")


def test_threads_do_not_swap_ids(kept: Kept) -> None:
    """Each thread's records name its own activity, however the threads take turns."""
    turns = threading.Barrier(2, timeout=10)

    def run(info: ActivityInfo) -> None:
        with entered(running(info)):
            for _ in range(20):
                turns.wait()
                LOGGER.warning("%s", info.workflow_id)

    threads = [threading.Thread(target=run, args=(info,)) for info in (ORDER_7, ORDER_8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept.records) == 40
    assert all(record.getMessage() == record.flowy_workflow_id for record in kept.records)


def test_coroutines_do_not_swap_ids(kept: Kept) -> None:
    """The same holds for coroutines that take turns on one event loop."""

    async def run(info: ActivityInfo) -> None:
        with entered(running(info)):
            for _ in range(20):
                await asyncio.sleep(0)
                LOGGER.warning("%s", info.workflow_id)

    async def both() -> None:
        await asyncio.gather(run(ORDER_7), run(ORDER_8))

    asyncio.run(both())
    assert len(kept.records) == 40
    assert all(record.getMessage() == record.flowy_workflow_id for record in kept.records)


def test_a_thread_of_the_authors_own(kept: Kept) -> None:
    """It names the activity if it is started with a copy of the context."""
    with entered(running(ORDER_7)):
        for run in (LOGGER.warning, contextvars.copy_context().run):
            arguments = ("Sent.",) if run == LOGGER.warning else (LOGGER.warning, "Sent.")
            thread = threading.Thread(target=run, args=arguments)
            thread.start()
            thread.join()
    assert [record.flowy_workflow_id for record in kept.records] == ["", "order-7"]


def test_behind_a_queue() -> None:
    """The filter belongs to the handler that puts records on the queue."""
    records: queue.Queue[Any] = queue.Queue()
    handler = logging.handlers.QueueHandler(records)
    handler.addFilter(ActivityFilter())
    LOGGER.addHandler(handler)
    try:
        with entered(running(ORDER_7)):
            LOGGER.warning("Charged.")
    finally:
        LOGGER.removeHandler(handler)
    kept = Kept()
    kept.handle(records.get(timeout=10))
    assert kept.records[0].flowy_workflow_id == "order-7"
