"""The names, labels and buckets of the metrics for Prometheus.

``docs/indepth/metrics.rst`` has the same table; a test compares them. The values of every
label are bounded: ids of tasks are not labels, because Prometheus stores a series for each value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Upper bounds of the buckets for runs of activities, in seconds: 10 ms to 4 hours.
RUN_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400)

#: Those for answers. If SWF is out of reach, an answer is retried for an hour.
ANSWER_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 60, 300, 3_600)

#: Those for single calls, which are cut off after 30 s.
CALL_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


@dataclass(frozen=True)
class Instrument:
    """One metric.

    Attributes:
        name: the full name, with its prefix, and with its unit or ``_total`` at the end.
        kind: its kind in Prometheus.
        help: its meaning.
        labels: the names of its labels.
        buckets: the upper bounds of a histogram's buckets, in seconds.
        processes: how to combine the values of several processes: ``livesum`` adds up those of live
            processes, ``livemax`` takes their largest, ``max`` the largest of all. Counters and
            histograms are always added up.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    processes: Literal["livesum", "livemax", "max", ""] = ""


INSTRUMENTS = (
    Instrument(
        "flowy_tasks_total",
        "counter",
        "Tasks that have ended, by outcome.",
        ("activity", "version", "outcome"),
    ),
    Instrument(
        "flowy_task_run_seconds",
        "histogram",
        "Time from the poll that brought a task to the end of its run.",
        ("activity", "version"),
        RUN_BUCKETS,
    ),
    Instrument(
        "flowy_task_answer_seconds",
        "histogram",
        "Time from the end of a run until SWF accepted the answer, or the worker gave up.",
        buckets=ANSWER_BUCKETS,
    ),
    Instrument(
        "flowy_task_queue_seconds",
        "histogram",
        "Time from the scheduling of a task to its start, if its history is read.",
        ("activity", "version"),
        RUN_BUCKETS,
    ),
    Instrument(
        "flowy_tasks_running",
        "gauge",
        "Activities that run or send their answer.",
        ("activity", "version"),
        processes="livesum",
    ),
    Instrument("flowy_slots", "gauge", "Activities that can run at once.", processes="livesum"),
    Instrument(
        "flowy_slots_used",
        "gauge",
        "Slots in use, from the poll that brought a task until the task is settled.",
        processes="livesum",
    ),
    Instrument("flowy_polls_out", "gauge", "Open polls.", processes="livesum"),
    Instrument(
        "flowy_polls_total",
        "counter",
        "Polls that have ended: with a task, empty, with an error, or perhaps with a lost task.",
        ("task_list", "result"),
    ),
    Instrument(
        "flowy_poll_last_answer_timestamp_seconds",
        "gauge",
        "Time of SWF's last answer to a poll, or of the worker's start, since the epoch.",
        processes="max",
    ),
    Instrument(
        "flowy_swf_calls_total",
        "counter",
        "Tries of calls other than polls; the fault is empty if SWF accepted the call.",
        ("action", "fault"),
    ),
    Instrument(
        "flowy_swf_call_seconds",
        "histogram",
        "Duration of calls to SWF other than polls.",
        ("action",),
        CALL_BUCKETS,
    ),
    Instrument(
        "flowy_heartbeats_total",
        "counter",
        "Tries of heartbeats, accepted or failed.",
        ("result",),
    ),
    Instrument(
        "flowy_task_status_total",
        "counter",
        "News from heartbeats about running tasks.",
        ("status",),
    ),
    Instrument(
        "flowy_worker_restarts_total",
        "counter",
        "Replaced worker processes, by how they had ended.",
        ("reason",),
    ),
    Instrument(
        "flowy_info", "gauge", "Always 1, with Flowy's version.", ("version",), processes="livemax"
    ),
)
