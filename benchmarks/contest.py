"""One contestant's run: started, fed, measured, ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .stub import ROOT, Stub

#: Longer than any run should take, in seconds.
_LONGEST_RUN_SECONDS = 120.0


@dataclass(frozen=True)
class Effort:
    """How much is done: rounds, and a factor on the tasks of each."""

    rounds: int = 7
    factor: float = 1.0
    idle_seconds: float = 60.0

    def tasks(self, count: int) -> int:
        """Return *count*, or fewer in a short run."""
        return max(20, int(count * self.factor))


@dataclass(frozen=True)
class Contestant:
    """Who runs: a module of ``contestants/``, its options, its tasks, and its environment."""

    name: str
    script: str
    options: tuple[str, ...] = ()
    type_name: str = "trivial"
    input: str = "[[1], {}]"
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Result:
    """What a run cost and yielded. Times are seconds, sizes MiB."""

    cpu_per_task: float | None
    rate: float
    p50: float
    p99: float
    stub_share: float  #: Of one core, by the stub.
    answered: int


class Running:
    """A contestant's process."""

    def __init__(self, process: subprocess.Popen[bytes], out: IO[bytes], errors: IO[bytes]) -> None:
        self.pid = process.pid
        self._process = process
        self._out = out
        self._errors = errors

    def said(self) -> dict[str, float]:
        """Return the line that its meter printed; ``{}`` if it printed none."""
        self._out.seek(0)
        line = self._out.readline()
        said: dict[str, float] = json.loads(line) if line else {}
        return said

    def complaint(self) -> str:
        """Return the end of what it wrote to stderr, and its exit code if it has ended."""
        self._errors.seek(0)
        text = self._errors.read()[-2_000:].decode("utf-8", "replace")
        return f"exit code {self._process.poll()}\n{text}"

    def cpu_seconds(self) -> float:
        """Return the CPU time that the process has used so far."""
        # The clock id of another process's CPU time, as clock_getcpuclockid(3) makes it on Linux.
        return time.clock_gettime((~self.pid << 3) | 2)

    def resident_mib(self) -> float:
        """Return the resident memory of the process and of its children."""
        return sum(_resident_mib(pid) for pid in (self.pid, *_children(self.pid)))


@contextlib.contextmanager
def running(
    stub: Stub, contestant: Contestant, *, skip: int = 0, count: int = 0
) -> Iterator[Running]:
    """Run *contestant* in a session of its own while the block runs, then kill it."""
    environment = {
        **os.environ,
        **stub.environment,
        "BENCH_SKIP": str(skip),
        "BENCH_COUNT": str(count),
        "LOG_LEVEL": "ERROR",  # simpleflow logs each step otherwise, which costs it time
        **dict(contestant.environment),
    }
    module = f"{__package__}.contestants.{contestant.script}"
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *contestant.options],
            cwd=ROOT,
            env=environment,
            stdout=out,
            stderr=errors,
            start_new_session=True,
        )
        run = Running(process, out, errors)
        try:
            yield run
        except TimeoutError as error:
            raise TimeoutError(f"{contestant.name}: {error} {run.complaint()}") from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def contest(
    stub: Stub, contestant: Contestant, *, skip: int, count: int, latency: float = 0.0
) -> Result:
    """Let *contestant* do ``skip + count`` tasks and return what the last *count* of them cost."""
    stub.ask("restart", latency=latency)
    total = skip + count
    stub.ask("supply", count=total, name=contestant.type_name, version="1", input=contestant.input)
    with running(stub, contestant, skip=skip, count=count) as run:
        stub.ask("wait_answers", count=max(1, skip), timeout=_LONGEST_RUN_SECONDS)
        cpu_before, begun = stub.ask("figures")["cpu"], time.perf_counter()
        stub.ask("wait_answers", count=total, timeout=_LONGEST_RUN_SECONDS)
        seconds = time.perf_counter() - begun
        figures = stub.ask("figures", skip=skip)
        said = run.said()
    completed = figures["outcomes"].get("RespondActivityTaskCompleted", 0)
    if completed != total:
        raise RuntimeError(f"{contestant.name} completed {completed} of {total} tasks.")
    return Result(
        cpu_per_task=said.get("cpu_per_task"),
        rate=figures["rate"],
        p50=figures["p50"],
        p99=figures["p99"],
        stub_share=(figures["cpu"] - cpu_before) / seconds,
        answered=figures["answered"],
    )


def _resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *_children(int(child))]
    return found
