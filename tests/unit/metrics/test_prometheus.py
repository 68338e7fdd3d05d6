"""What is counted and timed for Prometheus, by an observer that is fed with events."""

from __future__ import annotations

import pickle
import re
import sys
import threading
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from flowy import __version__
from flowy.exception import ObserverError
from flowy.invocation import TaskOutcome
from flowy.metrics import prometheus
from flowy.metrics.instruments import INSTRUMENTS
from flowy.metrics.prometheus import PrometheusObserver
from flowy.observer import Observer, PollEnded, ProcessEnded, ProcessStarted, Starting, TaskEnded
from tests.suspended import an_info
from tests.unit.metrics.lives import busy, stop

ALONE = Starting("shop", "orders")


class Case:
    """An observer, and the values in its registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.observer = PrometheusObserver(self.registry)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"flowy_{name}", labels)


@pytest.fixture
def case() -> Case:
    return Case()


def test_a_busy_worker(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counters, histograms and gauges say what happened, and what there is just now."""
    monkeypatch.setattr("time.time", lambda: 1_000.0)
    case.observer.starting(ALONE)
    busy(case.observer)
    expected = {
        ("info", ("version", __version__)): 1,
        ("slots",): 10,
        ("slots_used",): 1,
        ("polls_out",): 1,
        ("polls_total", ("task_list", "orders"), ("result", "task")): 2,
        ("polls_total", ("task_list", "orders"), ("result", "empty")): 1,
        ("polls_total", ("task_list", "orders"), ("result", "lost")): 1,
        ("poll_last_answer_timestamp_seconds",): 1_000,
        ("tasks_running", ("activity", "charge"), ("version", "1")): 0,
        ("tasks_running", ("activity", "ship"), ("version", "2")): 1,
        ("heartbeats_total", ("result", "accepted")): 1,
        ("heartbeats_total", ("result", "failed")): 1,
        ("task_status_total", ("status", "cancel_requested")): 1,
        ("swf_calls_total", ("action", "RespondActivityTaskFailed"), ("fault", "")): 1,
        ("swf_calls_total", ("action", "RecordActivityTaskHeartbeat"), ("fault", "Throttled")): 1,
        ("swf_call_seconds_sum", ("action", "RespondActivityTaskFailed")): 0.25,
        ("tasks_total", ("activity", "charge"), ("version", "1"), ("outcome", "failed")): 1,
        ("task_run_seconds_sum", ("activity", "charge"), ("version", "1")): 20,
        ("task_run_seconds_bucket", ("activity", "charge"), ("version", "1"), ("le", "15.0")): 0,
        ("task_run_seconds_bucket", ("activity", "charge"), ("version", "1"), ("le", "60.0")): 1,
        ("task_answer_seconds_count",): 1,
        ("task_answer_seconds_sum",): 0.3,
    }  # fmt: skip
    assert {key: case.value(key[0], **dict(key[1:])) for key in expected} == expected  # type: ignore[arg-type]


def test_a_worker_that_has_ended(case: Case) -> None:
    """The gauges are 0, the counters stay."""
    busy(case.observer)
    stop(case.observer)
    for name in ("slots", "slots_used", "polls_out"):
        assert case.value(name) == 0
    assert case.value("tasks_running", activity="ship", version="2") == 0
    abandoned = {"activity": "ship", "version": "2", "outcome": "abandoned"}
    assert case.value("tasks_total", **abandoned) == 1


def test_the_metrics_are_those_of_the_table(case: Case) -> None:
    """Names, kinds, texts and labels."""
    busy(case.observer)
    case.observer.process_ended(ProcessEnded(1, 0, "exit code 1", expected=False))
    case.observer.process_started(ProcessStarted(2, 0))
    families = {family.name: family for family in case.registry.collect()}
    assert len(families) == len(INSTRUMENTS)
    for each in INSTRUMENTS:
        family = families[each.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (each.kind, each.help)
        labels = {name for sample in family.samples for name in sample.labels} - {"le"}
        assert labels == set(each.labels)
        if each.kind == "histogram":
            metric = case.registry._names_to_collectors[each.name]
            assert isinstance(metric, Histogram)
            assert metric._upper_bounds == [*each.buckets, float("inf")]


def test_a_scrape_has_the_names_of_the_table(case: Case) -> None:
    """And those that Prometheus makes of them."""
    busy(case.observer)
    made = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
    known = {f"{each.name}{suffix}" for each in INSTRUMENTS for suffix in made[each.kind]}
    known |= {f"{each.name.removesuffix('_total')}_created" for each in INSTRUMENTS}
    text = generate_latest(case.registry).decode()
    names = set(re.findall(r"^([a-z_]+)", text, re.MULTILINE))
    assert names <= known


def test_no_label_names_a_task(case: Case) -> None:
    """Each label has few values: nothing of a task but its type is in any."""
    busy(case.observer)
    stop(case.observer)
    text = generate_latest(case.registry).decode()
    for part in ("order-7", "run-1", "SECRET", "secret-token", "here"):
        assert part not in text
    assert not {name for each in INSTRUMENTS for name in each.labels if name.endswith("id")}


def test_types_that_the_worker_does_not_serve(case: Case) -> None:
    """Deciders may name any number of them: they count as one."""
    busy(case.observer)
    for number in range(3):
        info = an_info(name=f"unknown-{number}", started_event_id=100 + number)
        case.observer.task_ended(TaskEnded(info, TaskOutcome.FAILED, 0.0, 0.1))
    assert case.value("tasks_total", activity="other", version="", outcome="failed") == 3


def test_a_task_that_never_started(case: Case) -> None:
    """It has a slot until it ends, and does not count as running."""
    case.observer.poll_ended(PollEnded("orders", "task", 1.0))
    assert case.value("slots_used") == 1
    case.observer.task_ended(TaskEnded(an_info(), TaskOutcome.FAILED, 0.0, 0.1))
    assert case.value("slots_used") == 0
    assert case.value("tasks_running", activity="approve", version="1") is None


def test_processes_that_replace_others(case: Case) -> None:
    """Only a replacement is a restart; its reason is how the one before had ended."""
    for slot in (0, 1):
        case.observer.process_started(ProcessStarted(slot, slot))
    for end, expected in (("killed by signal 9 (SIGKILL)", False), ("exit code 0", True)):
        case.observer.process_ended(ProcessEnded(1, 1, end, expected))
        case.observer.process_started(ProcessStarted(3, 1))
    case.observer.process_ended(ProcessEnded(0, 0, "exit code 0", expected=True))
    assert case.value("worker_restarts_total", reason="killed by signal 9 (SIGKILL)") == 1
    assert case.value("worker_restarts_total", reason="recycled") == 1


def test_several_workers_of_one_process(case: Case) -> None:
    """They count together, one after the other and at once."""
    busy(case.observer)
    other = PrometheusObserver(case.registry)
    busy(other)
    assert case.value("slots") == 20
    stop(other)
    assert case.value("slots") == 10
    assert case.value("polls_total", task_list="orders", result="task") == 4


def test_threads(case: Case) -> None:
    """Nothing is lost when several count at once."""
    threads = [threading.Thread(target=busy, args=(case.observer,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert case.value("polls_total", task_list="orders", result="task") == 16
    assert case.value("task_answer_seconds_count") == 8


def test_a_process_is_handed_a_new_one() -> None:
    """An observer that has counted can be handed over; one with a registry cannot."""
    observer = PrometheusObserver()
    busy(observer)
    copy = pickle.loads(pickle.dumps(observer))
    assert isinstance(copy, PrometheusObserver)
    assert copy._metrics is None
    with pytest.raises(TypeError):
        pickle.dumps(PrometheusObserver(CollectorRegistry()))


def test_a_scrape() -> None:
    """It has the default registry, the author's own metrics included."""
    busy(prometheus.OBSERVER)
    text, kind = prometheus.render()
    assert kind.startswith("text/plain; version=")
    assert b'\nflowy_polls_total{result="task",task_list="orders"} ' in text
    assert b"python_info{" in text


@pytest.mark.parametrize("use", [lambda: PrometheusObserver().starting(ALONE), prometheus.render])
def test_the_library_is_missing(use: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ObserverError, match="Install prometheus-client, Flowy's extra prometheus"):
        use()


def test_every_event_counts() -> None:
    """All but the levels of a stop, of which the process manager knows, and starts of calls."""
    events = {name for name in vars(Observer) if not name.startswith("_")}
    assert events - vars(PrometheusObserver).keys() == {"call_started", "stop_requested"}
