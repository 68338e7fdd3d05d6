"""The scenarios, each with its targets: ratios within one run, to what else stands there."""

from __future__ import annotations

import importlib.util
import statistics
from collections.abc import Callable, Sequence

from .at_rest import idle, start
from .contest import Contestant, Effort, Result, contest, running
from .entrants import (
    FLOWY,
    NAIVE,
    PROMETHEUS,
    SIMPLEFLOW,
    TRACING,
    by_botocore,
    flowy,
    threads,
)
from .report import RESULT_COLUMNS, Check, Finding, middle, ratio, result_row
from .stub import Stub

#: The way to SWF and back, in seconds, if a scenario has one.
LATENCY = 0.02


#: A contestant with its warm-up and counted tasks.
Entry = tuple[Contestant, int, int]


def interleaved(
    stub: Stub, entries: Sequence[Entry], effort: Effort, *, latency: float = 0.0
) -> dict[str, list[Result]]:
    """Let every contestant run once a round; return the results by name."""
    results: dict[str, list[Result]] = {contestant.name: [] for contestant, _, _ in entries}
    for turn in range(effort.rounds):
        # Whoever goes first finds the machine as the last round left it: take turns.
        for number in range(len(entries)):
            contestant, skip, count = entries[(turn + number) % len(entries)]
            results[contestant.name].append(
                contest(stub, contestant, skip=skip, count=effort.tasks(count), latency=latency)
            )
    return results


def finding(
    title: str, results: dict[str, list[Result]], checks: list[Check], rounds: int
) -> Finding:
    """Return a finding with a row for each contestant."""
    rows = [result_row(name, found) for name, found in results.items()]
    return Finding(title, RESULT_COLUMNS, rows, checks, rounds=rounds)


def serial(stub: Stub, effort: Effort) -> Finding:
    """Run trivial tasks one after the other."""
    entries: list[Entry] = [(NAIVE, 100, 500), (FLOWY, 100, 500), (by_botocore(FLOWY), 100, 500)]
    with_simpleflow = importlib.util.find_spec("simpleflow") is not None
    if with_simpleflow:
        entries.append((SIMPLEFLOW, 10, 50))
    results = interleaved(stub, entries, effort)
    checks = [_check("CPU per task / naive loop", results, FLOWY, NAIVE, _cpu, "<=", 0.4)]
    if with_simpleflow:
        checks.append(
            _check("CPU per task / simpleflow", results, FLOWY, SIMPLEFLOW, _cpu, "<=", 1 / 25)
        )
    found = finding("serial: trivial tasks, no latency", results, checks, effort.rounds)
    if not with_simpleflow:
        found.notes.append("simpleflow is not installed: pip install simpleflow")
    return found


def tls(stub: Stub, effort: Effort) -> Finding:
    """Run trivial tasks one after the other, over TLS, with a stub of its own."""
    entries: list[Entry] = [(NAIVE, 100, 500), (FLOWY, 100, 500), (by_botocore(FLOWY), 100, 500)]
    with Stub(tls=True) as secured:
        results = interleaved(secured, entries, effort)
    return finding(
        "tls: trivial tasks over TLS, no latency",
        results,
        [_check("CPU per task / naive loop", results, FLOWY, NAIVE, _cpu, "<=", 0.45)],
        effort.rounds,
    )


def metrics(stub: Stub, effort: Effort) -> Finding:
    """Run trivial tasks one after the other, with and without what counts or traces."""
    entries: list[Entry] = [(FLOWY, 100, 500), (PROMETHEUS, 100, 500), (TRACING, 100, 500)]
    results = interleaved(stub, entries, effort)
    return finding(
        "metrics: trivial tasks, no latency",
        results,
        [
            _check(
                "CPU per task with metrics / without", results, PROMETHEUS, FLOWY, _cpu, "<=", 1.1
            ),
            _check("CPU per task with traces / without", results, TRACING, FLOWY, _cpu, "<=", 1.5),
        ],
        effort.rounds,
    )


def slots50(stub: Stub, effort: Effort) -> Finding:
    """Run 50 activities of 100 ms at once."""
    ours, naive = flowy("sleep", concurrency=50), threads(50)
    entries: list[Entry] = [(each, 100, 1_500) for each in (naive, ours, by_botocore(ours))]
    results = interleaved(stub, entries, effort, latency=LATENCY)
    ideal = 50 / (0.1 + 2 * LATENCY)
    if (middle(results[naive.name], _rate) or 0.0) < 0.8 * ideal:
        check = _check("rate / a thread per slot", results, ours, naive, _rate, ">=", 1.3)
    else:
        reached = (middle(results[ours.name], _rate) or 0.0) / ideal
        check = Check("rate / ideal rate", reached, ">=", 0.95)
    title = f"50 slots, 100 ms activities, 20 ms latency (ideal {ideal:.0f} tasks/s)"
    return finding(title, results, [check], effort.rounds)


def slots100(stub: Stub, effort: Effort) -> Finding:
    """Run 100 activities of 100 ms at once: the most that one process yields."""
    return _slots(stub, effort, 100, 200, rate=2.0, p99=0.3)


def slots400(stub: Stub, effort: Effort) -> Finding:
    """Run 400 activities of 100 ms at once, beside a thread for each slot."""
    return _slots(stub, effort, 400, 400, rate=2.1, p99=0.15)


def processes(stub: Stub, effort: Effort) -> Finding:
    """Compute for 5 ms a task, in one process and in two."""
    one = flowy("spin", 0.005, concurrency=10, name="flowy, one process")
    two = flowy("spin", 0.005, concurrency=10, processes=2, name="flowy, two processes")
    results = interleaved(stub, [(one, 50, 800), (two, 50, 800)], effort, latency=LATENCY)
    return finding(
        "processes: 5 ms of CPU a task, 10 slots a process, 20 ms latency",
        results,
        [_check("rate of two processes / of one", results, two, one, _rate, ">=", 1.9)],
        effort.rounds,
    )


def coroutines(stub: Stub, effort: Effort) -> Finding:
    """Keep 1,000 coroutine activities in flight, beside as many threads."""
    others = flowy("sleep", 2.0, concurrency=1_000, name="flowy, threads")
    ours = Contestant(
        "flowy, coroutines",
        "flowy_coroutines",
        ("--concurrency", "1000"),
        "sleep",
        "[[2.0], {}]",
    )
    results = interleaved(
        stub, [(others, 1_000, 2_000), (ours, 1_000, 2_000)], effort, latency=LATENCY
    )
    resident = statistics.median(
        _resident_in_flight(stub, ours, in_flight=1_000) for _ in range(effort.rounds)
    )
    return finding(
        "coroutines: 1,000 slots, activities that wait for 2 s, 20 ms latency",
        results,
        [
            _check("rate / as many threads", results, ours, others, _rate, ">=", 1.0),
            Check("resident memory, 1,000 in flight", resident, "<=", 60, "MiB"),
        ],
        effort.rounds,
    )


SCENARIOS: dict[str, Callable[[Stub, Effort], Finding]] = {
    scenario.__name__: scenario
    for scenario in (
        serial,
        tls,
        metrics,
        slots50,
        slots100,
        slots400,
        processes,
        coroutines,
        idle,
        start,
    )
}


def _slots(
    stub: Stub, effort: Effort, slots: int, skip: int, *, rate: float, p99: float
) -> Finding:
    ours, naive = flowy("sleep", concurrency=slots), threads(slots)
    entries: list[Entry] = [(each, skip, 2_000) for each in (naive, ours, by_botocore(ours))]
    results = interleaved(stub, entries, effort, latency=LATENCY)
    return finding(
        f"{slots} slots, 100 ms activities, 20 ms latency "
        f"(ideal {slots / (0.1 + 2 * LATENCY):,.0f} tasks/s)",
        results,
        [
            _check("rate / a thread per slot", results, ours, naive, _rate, ">=", rate),
            _check("p99 / a thread per slot", results, ours, naive, _p99, "<=", p99),
        ],
        effort.rounds,
    )


def _check(
    what: str,
    results: dict[str, list[Result]],
    ours: Contestant,
    theirs: Contestant,
    of: Callable[[Result], float | None],
    relation: str,
    target: float,
) -> Check:
    return Check(what, ratio(results[ours.name], results[theirs.name], of), relation, target)


def _resident_in_flight(stub: Stub, contestant: Contestant, *, in_flight: int) -> float:
    stub.ask("restart", latency=0)
    # Long enough that none has ended when the last one has begun.
    stub.ask("supply", count=in_flight, name="sleep", version="1", input="[[60.0], {}]")
    with running(stub, contestant) as run:
        stub.ask("wait_handed", count=in_flight, timeout=60)
        return run.resident_mib()


def _cpu(result: Result) -> float | None:
    return result.cpu_per_task


def _rate(result: Result) -> float:
    return result.rate


def _p99(result: Result) -> float:
    return result.p99
