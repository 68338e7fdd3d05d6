"""``python -m benchmarks``: run the scenarios, print tables, and say which targets are reached."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path

from .charts import draw
from .contest import Effort
from .scenarios import SCENARIOS
from .stub import Stub, greatest_rate


def main() -> int:
    """Return 0 when every target is reached, 1 when one is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "scenario", nargs="*", help=f"of {', '.join(SCENARIOS)}; all, where none is named"
    )
    parser.add_argument("--rounds", type=int, help="how often each contestant runs (7)")
    parser.add_argument("--quick", action="store_true", help="3 short rounds: a hint, no figure")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the findings there too")
    parser.add_argument("--charts", type=Path, metavar="FOLDER", help="draw charts there")
    options = parser.parse_args()
    names = options.scenario or list(SCENARIOS)
    if unknown := set(names) - set(SCENARIOS):
        parser.error(f"no such scenario: {', '.join(unknown)}")
    effort = Effort(rounds=3, factor=0.3, idle_seconds=10) if options.quick else Effort()
    if options.rounds:
        effort = Effort(options.rounds, effort.factor, effort.idle_seconds)

    machine = {
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "load": os.getloadavg()[0],
        "boto3": _version("boto3"),
        "simpleflow": _version("simpleflow"),
    }
    print(", ".join(f"{key} {value}" for key, value in machine.items()))
    findings = []
    with Stub() as stub:
        rate = greatest_rate(stub)
        print(f"The stub serves {rate:,.0f} requests/s to a raw socket client.\n")
        for name in names:
            begun, before = time.perf_counter(), os.getloadavg()[0]
            found = SCENARIOS[name](stub, effort)
            found.scenario, found.load = name, (before, os.getloadavg()[0])
            findings.append(found)
            print(found, f"({time.perf_counter() - begun:.0f} s)\n", sep="\n", flush=True)
    if options.json:
        said = {"machine": machine, "stub_requests_per_second": rate}
        said["findings"] = [found.as_dict() for found in findings]
        options.json.write_text(json.dumps(said, indent=2) + "\n")
    if options.charts:
        draw({found.scenario: found.as_dict() for found in findings}, options.charts)
    missed = [check for found in findings for check in found.checks if not check.reached]
    return 1 if missed else 0


def _version(distribution: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    sys.exit(main())
