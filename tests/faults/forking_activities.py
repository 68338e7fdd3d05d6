"""Activities that fork: what multiprocessing, executors and ``os.fork`` do in users' activities.

If the worker is wrong, none of them hangs: a child that should be dead ends after
``LINGER_SECONDS``, and the result tells.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
import warnings
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
from typing import Any

from flowy.exception import SuspendTask
from flowy.swf.scanner import activity
from flowy.task import Activity, AsyncActivity
from tests.faults.ends import has_ended

FORK = multiprocessing.get_context("fork")

# Forking a process that has threads draws this warning since Python 3.12; these activities do so
# all the same, as users' do.
warnings.filterwarnings("ignore", "This process", DeprecationWarning)

#: How long a child that nothing ends lives, in seconds.
LINGER_SECONDS = 40.0

#: How many children an activity sends a signal to: as many as there are levels of a stop.
CHILDREN = 3


@activity("pid", 1, "tasks")
class Pid(Activity):
    """Returns the process that it ran in."""

    def run(self) -> int:
        return os.getpid()


@activity("processes", 1, "tasks")
class Processes(Activity):
    """Terminates children that run, and returns their exit codes."""

    def run(self) -> list[int | None]:
        children = [_started_child() for _ in range(CHILDREN)]
        for child in children:
            child.terminate()
        return [_exit_code(child) for child in children]


@activity("processes at once", 1, "tasks")
class ProcessesAtOnce(Activity):
    """Terminates each child as soon as it was forked, and returns the exit codes there were."""

    def run(self) -> list[int | None]:
        codes = set()
        for _ in range(20):
            child = FORK.Process(target=time.sleep, args=(LINGER_SECONDS,))
            child.start()
            child.terminate()
            codes.add(_exit_code(child))
            if codes != {-signal.SIGTERM}:
                break
        return list(codes)


@activity("pool", 1, "tasks")
class Pool(Activity):
    """Leaves a pool whose processes are busy, which terminates them; returns their exit codes."""

    def run(self) -> list[int | None]:
        busy: Any = FORK.SimpleQueue()
        with FORK.Pool(CHILDREN, initializer=_keep, initargs=(busy,)) as pool:
            children = multiprocessing.active_children()
            for _ in range(CHILDREN):
                pool.apply_async(_be_busy)
            for _ in range(CHILDREN):
                busy.get()
        return [_exit_code(child) for child in children]


@activity("executor", 1, "tasks")
class Executor(Activity):
    """Terminates a process of an executor, which then terminates the others."""

    def run(self) -> list[str]:
        with ProcessPoolExecutor(CHILDREN, mp_context=FORK) as executor:
            os.kill(executor.submit(os.getpid).result(), signal.SIGTERM)
            jobs = [executor.submit(time.sleep, LINGER_SECONDS) for _ in range(CHILDREN)]
            return [_end_of(job) for job in jobs]


@activity("subprocesses", 1, "tasks")
class Subprocesses(Activity):
    """Terminates other programs, and returns their exit codes."""

    def run(self) -> list[int]:
        children = [subprocess.Popen(["sleep", str(LINGER_SECONDS)]) for _ in range(CHILDREN)]
        for child in children:
            child.terminate()
        return [child.wait() for child in children]


@activity("falling out", 1, "tasks")
class FallingOut(Activity):
    """Forks a child that leaves ``run`` in one way or another, and waits for its end."""

    def run(self, how: str) -> list[Any]:
        child = os.fork()
        if child == 0:
            return _leave(how)
        return [os.getpid(), _end_of_fork(child)]


@activity("falling out as a coroutine", 1, "tasks")
class FallingOutAsCoroutine(AsyncActivity):
    """Forks on the event loop a child that leaves ``run``, and waits for its end."""

    async def run(self, how: str) -> list[Any]:
        child = os.fork()
        if child == 0:
            return _leave(how)
        return [os.getpid(), await asyncio.to_thread(_end_of_fork, child)]


@activity("falling out of a thread", 1, "tasks")
class FallingOutOfAThread(AsyncActivity):
    """Forks in a thread of ``asyncio.to_thread`` a child that leaves it, and waits for its end."""

    async def run(self, how: str) -> list[Any]:
        child = await asyncio.to_thread(_fork, how)
        return [os.getpid(), await asyncio.to_thread(_end_of_fork, child)]


@activity("falling out and on", 1, "tasks")
class FallingOutAndOn(Activity):
    """Forks a child that leaves ``run``, beats when it has ended, and goes on."""

    def run(self, how: str) -> None:
        child = os.fork()
        if child == 0:
            _leave(how)
            return
        _end_of_fork(child)
        self.heartbeat("the child has ended")
        time.sleep(LINGER_SECONDS)


@activity("heartbeat in child", 1, "tasks")
class HeartbeatInChild(Activity):
    """Lets a forked child beat, and returns what became of that, and of a beat of its own."""

    def run(self) -> list[Any]:
        ours, theirs = FORK.Pipe(duplex=False)
        child = FORK.Process(target=self._beat, args=(theirs,))
        child.start()
        said = ours.recv()
        child.join()
        return [said, self.heartbeat("parent")]

    def _beat(self, said: Connection) -> None:
        try:
            said.send(["heartbeat", repr(self.heartbeat("child"))])
        except Exception as error:
            said.send([type(error).__name__, str(error)])


@activity("family", 1, "tasks")
class Family(Activity):
    """Has children of each kind, and returns how they ended, and what its heartbeat says then."""

    def run(self) -> dict[str, Any]:
        process = _started_child()
        fork = os.fork()
        if fork == 0:
            time.sleep(LINGER_SECONDS)
            os._exit(0)
        program = subprocess.Popen(["sleep", str(LINGER_SECONDS)])
        with ProcessPoolExecutor(1, mp_context=FORK) as executor:
            executor.submit(os.getpid).result()
            job = executor.submit(time.sleep, LINGER_SECONDS)
            self.heartbeat("all run")
            return {
                "Process": _exit_code(process),
                "fork": os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1]),
                "program": program.wait(),
                "executor": _end_of(job),
                "go on": self.heartbeat(json.dumps("all have ended")),
            }


def _started_child() -> multiprocessing.context.ForkProcess:
    """Return a child that runs, and lingers."""
    ours, theirs = FORK.Pipe(duplex=False)
    child = FORK.Process(target=_linger, args=(theirs,))
    child.start()
    ours.recv()
    return child


def _linger(running: Connection) -> None:
    running.send(True)
    time.sleep(LINGER_SECONDS)


def _exit_code(child: Any) -> int | None:
    child.join(LINGER_SECONDS + 1.0)
    code: int | None = child.exitcode
    return code


_busy: Any = None


def _keep(busy: Any) -> None:
    global _busy
    _busy = busy


def _be_busy() -> None:
    _busy.put(True)
    time.sleep(LINGER_SECONDS)


def _end_of(job: Future[None]) -> str:
    try:
        job.result(LINGER_SECONDS + 1.0)
    except BrokenProcessPool:
        return "broken"
    return "went on"


def _fork(how: str) -> int:
    child = os.fork()
    if child == 0:
        _leave(how)
    return child


def _leave(how: str) -> list[Any]:
    """Leave ``run`` in the child of a fork."""
    if how == "raises":
        raise ValueError("in the child")
    if how == "exits":
        sys.exit(3)
    if how == "suspends":
        raise SuspendTask
    return [os.getpid(), "the child"]


def _end_of_fork(child: int) -> str:
    ended = has_ended(child, LINGER_SECONDS)
    if not ended:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "ended" if ended else "lived on"
