"""Scrapes of a worker whose calls fail in every way: each is right, the last one complete."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from flowy.exception import HealthError
from flowy.health.client import asked
from tests.faults.chances import A_TENTH_OF_EACH, IN_THE_DARK
from tests.faults.conftest import Workers
from tests.faults.endpoint import Endpoint
from tests.faults.plan import ANSWERS, HEARTBEATS, POLLS
from tests.patience import until

pytestmark = pytest.mark.usefixtures("patient_probes")

TASKS = 40
SLOTS = 10
PROCESSES = 2

#: The value of each series, by its name and its labels.
Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(url: str) -> Series:
    """Return what a scrape gets, checked as far as each one is alike."""
    code, text = asked(url, "/metrics")
    assert code == 200, text
    assert text.endswith("\n")
    series: Series = {}
    for family in text_string_to_metric_families(text):
        for name, labels, value, *_ in family.samples:
            key = name, frozenset(labels.items())
            assert key not in series, f"{key} is there twice"
            assert value >= 0, key
            series[key] = value
    return series


def total(series: Series, name: str, **labels: str) -> float:
    """Return the sum of all series of this name that have these labels."""
    return sum(
        value for (own, has), value in series.items() if own == name and labels.items() <= has
    )


def test_scrapes_during_a_storm_of_faults(
    endpoint: Endpoint, start_worker: Workers, tmp_path: Path
) -> None:
    """No counter ever falls, no gauge leaves its range, and at the end all has been counted."""
    endpoint.plan.rates((*POLLS, *HEARTBEATS, *ANSWERS), A_TENTH_OF_EACH)
    endpoint.add(0.05, 1, count=TASKS)
    url = f"unix:{tmp_path}/socket"
    worker = start_worker(
        endpoint.environment,
        command=(
            *("flowy", "worker", "--domain", "domain", "--task-list", "tasks", "--no-register"),
            *("--processes", str(PROCESSES), "--concurrency", str(SLOTS)),
            *("--observer", "flowy.metrics.prometheus:OBSERVER", "--http", url),
            "tests.faults.activities",
        ),
    )
    record, struck = endpoint.record, endpoint.plan.struck
    last: Series = {}
    scrapes = 0

    def all_done() -> bool:
        nonlocal last, scrapes
        try:
            now = scrape(url)
        except HealthError:
            assert not scrapes, "the server does not answer any more"
            return False  # it has not started
        scrapes += 1
        for key, value in last.items():
            if key[0].endswith(("_total", "_count", "_bucket", "_sum")):
                assert now.get(key, 0.0) >= value, key
        for gauge in ("flowy_slots_used", "flowy_polls_out", "flowy_tasks_running"):
            assert total(now, gauge) <= PROCESSES * SLOTS, gauge
        last = now
        settled = total(now, "flowy_tasks_total")
        arrived = len(record.handed) - len(record.lost)
        all_serve = total(now, "flowy_slots") == PROCESSES * SLOTS  # the tasks may need only one
        return all_serve and len(record.handed) == TASKS and not record.open and settled == arrived

    until(all_done, "the end of all tasks")
    last = scrape(url)  # a process may have counted while the one before read its metrics
    print(f"{scrapes} scrapes; {endpoint.told()}; struck {dict(struck)}")
    assert scrapes > 10
    assert total(last, "flowy_tasks_total", activity="work") == total(last, "flowy_tasks_total")
    assert total(last, "flowy_task_run_seconds_count") == total(last, "flowy_tasks_total")
    for gauge in ("flowy_slots_used", "flowy_tasks_running"):
        assert total(last, gauge) == 0
    (poll,) = POLLS
    lost = sum(struck[poll, fault] for fault in IN_THE_DARK)
    assert lost - PROCESSES * SLOTS <= total(last, "flowy_polls_total", result="lost") <= lost
    calls = total(last, "flowy_swf_calls_total", fault="ThrottlingException")
    assert calls > 0
    endpoint.plan.rates(ANSWERS, {})  # an answer whose fate is not known may still be tried
    worker.stop()
    worker.wait()
    assert "Traceback" not in worker.text
