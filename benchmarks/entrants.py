"""Who takes part: a hand-written loop, Flowy with its options, and simpleflow."""

from __future__ import annotations

from dataclasses import replace

from .contest import Contestant

NAIVE = Contestant("naive boto3 loop", "naive")
FLOWY = Contestant("flowy", "flowy_worker")
PROMETHEUS = Contestant(
    "flowy, counting for Prometheus",
    "flowy_worker",
    ("--observer", "flowy.metrics.prometheus:OBSERVER"),
)
TRACING = Contestant(
    "flowy, tracing",
    "flowy_worker",
    ("--middleware", "benchmarks.contestants.tracing:TRACING"),
)
SIMPLEFLOW = Contestant(
    "simpleflow",
    "simpleflow_worker",
    (),
    "benchmarks.contestants.simpleflow_worker.trivial",
    '{"args": [1]}',
)


def by_botocore(contestant: Contestant) -> Contestant:
    """Return the same contestant, whose calls go botocore's own HTTP way."""
    return replace(
        contestant,
        name=f"{contestant.name} by botocore's HTTP",
        environment=(("FLOWY_HTTP", "botocore"),),
    )


def flowy(type_name: str, value: float = 0.1, *, name: str = "flowy", **options: int) -> Contestant:
    """Return Flowy's worker with these options, for an activity that takes a value."""
    words = [word for key, number in options.items() for word in (f"--{key}", str(number))]
    return Contestant(name, "flowy_worker", tuple(words), type_name, f"[[{value}], {{}}]")


def threads(slots: int) -> Contestant:
    """Return the hand-written loop in a thread for each slot."""
    options = ("--slots", str(slots))
    return Contestant("a thread per slot", "naive_threads", options, "sleep", "[[0.1], {}]")
