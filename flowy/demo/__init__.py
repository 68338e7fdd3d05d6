"""What ``flowy demo`` runs: an activity for each file, and SWF's history of how each ended.

Read it as an example: a worker serves ``activities``, ``workflow`` is a decider, and ``files``
finds the input. This module starts an SWF, a worker and an approver, and shows what happens.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from subprocess import Popen, TimeoutExpired
from typing import Any, TextIO

from ..concurrency.clock import SYSTEM_CLOCK, Clock
from ..concurrency.retry import Deadline
from ..concurrency.stop import StopFlag
from ..local import LocalSWF
from ..swf.boilerplate import start_activity_worker
from ..texts import printable
from .files import Selection, select
from .workflow import DOMAIN, facts, plan_of, play, progress, report

#: The demo gives up if no activity has ended for this long, in seconds: a busy machine is slow.
STUCK_SECONDS = 30.0

#: How long a poll is held (60 s, as at SWF, would delay the end), and a stop may take, in seconds.
POLL_SECONDS, STOP_SECONDS = 1.0, 2.0

_ACTIVITIES = "flowy.demo.activities"
_WORKER = ("flowy", "worker", "--domain", DOMAIN, "--task-list", DOMAIN, "--no-register")


def run_demo(
    folder: Path,
    out: TextIO,
    stop: StopFlag,
    clock: Clock = SYSTEM_CLOCK,
    ready: Callable[[], object] = lambda: None,
) -> tuple[bool, list[dict[str, Any]]]:
    """Start all, call *ready*, describe the files of *folder*, and write to *out* what happens.

    Returns:
        Whether all activities ended as expected, and the facts of each.

    Raises:
        LocalSWFError: the embedded SWF cannot start.
        KeyboardInterrupt: *stop* was raised; everything that was started has ended.
    """
    write = partial(print, file=out, sep="\n", flush=True)
    selection = select(folder, os.fstat(out.fileno()))
    with (
        LocalSWF(domain=DOMAIN, poll_seconds=POLL_SECONDS, page_port=0) as swf,
        tempfile.TemporaryDirectory(prefix="flowy-demo-") as home,
        _process(home, swf, *_WORKER, _ACTIVITIES) as worker,
        _process(home, swf, _ACTIVITIES, DOMAIN, "tokens.db") as approver,
    ):
        # Registered here, so that it does not matter when the worker starts.
        start_activity_worker(DOMAIN, DOMAIN, swf.client(), loop=0, package=_ACTIVITIES)
        ready()
        write(*_introduction(swf, worker.pid, approver.pid, selection), "")
        plan = plan_of(selection, "tokens.db", approver.pid)
        bar, deadline, trouble = "", Deadline(STUCK_SECONDS, clock=clock), list[str]()
        for history in play(swf.client(), plan):
            if stop.is_set():
                write("")  # leave the line of the bar
                raise KeyboardInterrupt
            if (latest := progress(history, plan)) != bar:
                bar, deadline = latest, Deadline(STUCK_SECONDS, clock=clock)
            if out.isatty():
                write(bar, end="\r")  # the next one replaces it
            if trouble := _trouble(worker, approver, deadline):
                break
        lines, right = report(history, plan, trouble)
        log = [] if right else Path(home, "log").read_text(errors="replace").splitlines()[-15:]
        write(bar, "", *lines, *map(printable, log))
        return right, facts(history, plan)


def _introduction(swf: LocalSWF, worker: int, approver: int, selection: Selection) -> list[str]:
    return [
        "Activities through Amazon SWF, on this machine.\n",
        f"  SWF       {swf.endpoint_url}, embedded",
        f"  page      {swf.page_url}, until the demo ends",
        f"  worker    process {worker}",
        f"  approver  process {approver}, completes the activity that suspends",
        *(f"  {line}" for line in selection.summary()),
    ]


@contextmanager
def _process(folder: str, swf: LocalSWF, *command: str) -> Iterator[Popen[bytes]]:
    """Run a Python module in *folder*, with a log there and *swf* alone, until the block ends."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    env |= swf.environment | dict.fromkeys(("NO_PROXY", "no_proxy"), "*")
    env |= dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
    # The process runs in another folder, and must find the modules that this one finds.
    env["PYTHONPATH"] = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
    argv = (sys.executable, "-m", *command)
    with Path(folder, "log").open("ab") as log:
        process = Popen(argv, cwd=folder, env=env, stdout=log, stderr=log)  # noqa: S603 - ours
    try:
        yield process
    finally:
        process.terminate()
        with suppress(TimeoutExpired):
            process.wait(STOP_SECONDS)
        process.kill()  # does nothing if the process has ended
        process.wait()


def _trouble(worker: Popen[bytes], approver: Popen[bytes], deadline: Deadline) -> list[str]:
    """Return what keeps the activities from ending, one sentence each."""
    codes = {"worker": worker.poll(), "approver": approver.poll() or None}  # 0: has approved
    ended = {name: code for name, code in codes.items() if code is not None}
    if deadline.passed and not ended:
        return [f"No activity has ended for {STUCK_SECONDS:.0f} s."]
    return [f"The {name} has ended with exit code {code}." for name, code in ended.items()]
