"""The scenarios without tasks: what a worker costs until its first poll, and while none comes."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Sequence

from .contest import Contestant, Effort, Running, running
from .entrants import NAIVE, by_botocore, flowy
from .report import Check, Finding
from .stub import Stub


def idle(stub: Stub, effort: Effort) -> Finding:
    """Wait for tasks that do not come: several workers at once, for a minute."""
    ours = flowy("sleep", concurrency=100, pollers=10, name="flowy, 10 polls out")
    theirs = by_botocore(ours)
    rows: list[Sequence[object]] = []
    measured: dict[str, tuple[float, float]] = {}
    for contestant, polls in ((NAIVE, 1), (ours, 10), (theirs, 10)):
        cpu, resident = _idle(stub, contestant, polls, effort)
        measured[contestant.name] = cpu, resident
        rows.append((contestant.name, cpu, resident))
    cpu = measured[ours.name][0] / measured[theirs.name][0]
    more = measured[ours.name][1] - measured[NAIVE.name][1]
    return Finding(
        f"idle, for {effort.idle_seconds:.0f} s",
        ("", "CPU s/minute", "resident MiB"),
        rows,
        [
            Check("CPU per minute / with botocore's HTTP", cpu, "<=", 0.5),
            Check("resident memory above a bare client's", more, "<=", 6, "MiB"),
        ],
        rounds=effort.rounds,
    )


def start(stub: Stub, effort: Effort) -> Finding:
    """Come to the first poll."""
    ours = Contestant("flowy, registering a type", "flowy_worker", ("--register",))
    theirs = by_botocore(ours)
    found: dict[str, list[float]] = {each.name: [] for each in (NAIVE, ours, theirs)}
    for _ in range(effort.rounds):
        for contestant in (NAIVE, ours, theirs):
            stub.ask("restart", latency=0)
            with running(stub, contestant) as run:
                stub.ask("wait_polls", count=1, timeout=30)
                found[contestant.name].append(run.cpu_seconds())
    above = {
        name: statistics.median(
            mine - bare for mine, bare in zip(found[name], found[NAIVE.name], strict=True)
        )
        for name in (ours.name, theirs.name)
    }
    return Finding(
        "start: CPU until the first poll",
        ("", "CPU s", "above the bare script's"),
        [(name, statistics.median(values), above.get(name)) for name, values in found.items()],
        [
            Check(
                "CPU above a bare script's / with botocore's HTTP",
                above[ours.name] / above[theirs.name],
                "<=",
                0.5,
            )
        ],
        rounds=effort.rounds,
    )


def _idle(stub: Stub, contestant: Contestant, polls: int, effort: Effort) -> tuple[float, float]:
    """Return CPU seconds a minute and resident MiB, medians over workers that idle together."""
    stub.ask("restart", latency=0)
    with contextlib.ExitStack() as stack:
        runs: list[Running] = []
        for number in range(1, effort.rounds + 1):
            runs.append(stack.enter_context(running(stub, contestant)))
            stub.ask("wait_polls", count=polls * number, timeout=30)
        before = [run.cpu_seconds() for run in runs]
        # It waits for nothing: how little happens meanwhile is what is measured.
        time.sleep(effort.idle_seconds)
        used = [run.cpu_seconds() - cpu for run, cpu in zip(runs, before, strict=True)]
        resident = [run.resident_mib() for run in runs]
    return statistics.median(used) * 60 / effort.idle_seconds, statistics.median(resident)
