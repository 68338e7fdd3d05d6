"""Activities that meddle with signals, look at what their children inherit, or leave things behind.

If the worker is wrong, none of them hangs, except for those that are there to hang.
"""

from __future__ import annotations

import asyncio
import atexit
import contextvars
import ctypes
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

from flowy.context import worker_stopping
from flowy.swf.scanner import activity
from flowy.task import Activity
from tests.patience import HANG_SECONDS, until

FORK = multiprocessing.get_context("fork")

# Forking a process that has threads draws this warning since Python 3.12; these activities do so
# all the same, as users' do.
warnings.filterwarnings("ignore", "This process", DeprecationWarning)

#: The signals by which a worker is told to stop.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

#: More than a pthread_mutex_t.
_MUTEX_BYTES = 256


@activity("pid", 1, "tasks")
class Pid(Activity):
    """Returns the process that it ran in."""

    def run(self) -> int:
        return os.getpid()


@activity("noticing", 1, "tasks")
class Noticing(Activity):
    """Waits until the worker was asked to stop, and returns what its heartbeat says then."""

    def run(self) -> bool:
        self.heartbeat("running")
        until(worker_stopping, "a stop")
        return self.heartbeat()


@activity("patient", 1, "tasks")
class Patient(Activity):
    """Waits until it is told to give up."""

    def run(self) -> str:
        until(lambda: not self.heartbeat("running"), "a heartbeat that answers False")
        return "told"


@activity("hanging", 1, "tasks")
class Hanging(Activity):
    """Never gives up."""

    def run(self) -> None:
        self.heartbeat("running")
        time.sleep(HANG_SECONDS)


@activity("breaking the log", 1, "tasks")
class BreakingTheLog(Activity):
    """Leaves a log handler behind that cannot be flushed."""

    def run(self) -> None:
        logging.getLogger("shop").addHandler(_Unflushable())


@activity("deaf", 1, "tasks")
class Deaf(Activity):
    """Hangs in C, where Python runs no signal handler, and beats when it surely does.

    It takes a mutex twice. A thread that waits for the interpreter, which is not taken away for
    long, gets it when this one has gone into C.
    """

    def run(self) -> None:
        mutex = ctypes.create_string_buffer(_MUTEX_BYTES)  # zeros: PTHREAD_MUTEX_INITIALIZER
        ctypes.PyDLL(None).pthread_mutex_lock(mutex)
        leaving = threading.Lock()
        leaving.acquire()
        interval = sys.getswitchinterval()

        def beat() -> None:
            with leaving:
                sys.setswitchinterval(interval)
                self.heartbeat("in C")

        run = contextvars.copy_context().run
        threading.Thread(target=run, args=(beat,), daemon=True).start()
        sys.setswitchinterval(HANG_SECONDS)
        leaving.release()
        ctypes.CDLL(None).pthread_mutex_lock(mutex)


@activity("resetting", 1, "tasks")
class Resetting(Activity):
    """Takes the process's signals, as a library may, and returns the process."""

    def run(self, how: str) -> int:
        if how == "loop":
            asyncio.run(_use_signal_handlers())
        elif how == "no wakeup":
            signal.set_wakeup_fd(-1)
        elif how == "closed wakeup":
            os.close(signal.set_wakeup_fd(-1))
        else:
            handler = {"default": signal.SIG_DFL, "ignored": signal.SIG_IGN}[how]
            for number in STOP_SIGNALS:
                signal.signal(number, handler)
        return os.getpid()


@activity("inheriting", 1, "tasks")
class Inheriting(Activity):
    """Returns which stop signals its children ignore or block, a program and a fork."""

    def run(self) -> dict[str, list[str]]:
        said = subprocess.run(
            ["cat", "/proc/self/status"], check=True, capture_output=True, text=True
        ).stdout
        ours, theirs = FORK.Pipe(duplex=False)
        child = FORK.Process(target=_say_status, args=(theirs,))
        child.start()
        forked = ours.recv()
        child.join()
        return {"program": _ignored_or_blocked(said), "fork": _ignored_or_blocked(forked)}


@activity("leaving", 1, "tasks")
class Leaving(Activity):
    """Leaves something behind that keeps a process from its end."""

    def run(self, what: str) -> None:
        if what == "thread":
            threading.Thread(target=time.sleep, args=(HANG_SECONDS,)).start()
        elif what == "exit hook":
            atexit.register(time.sleep, HANG_SECONDS)
        elif what == "child":
            FORK.Process(target=time.sleep, args=(HANG_SECONDS,)).start()
        else:
            executor = _executor(what)
            executor.submit(time.sleep, HANG_SECONDS)


@activity("leaving tidily", 1, "tasks")
class LeavingTidily(Activity):
    """Leaves idle executors, and a hook that writes a file: Python's own exit ends all of it."""

    def run(self, path: str) -> list[int]:
        atexit.register(Path(path).touch)
        return [_executor(what).submit(os.getpid).result() for what in ("threads", "processes")]


class _Unflushable(logging.NullHandler):
    def flush(self) -> None:
        raise RuntimeError("no space left")


async def _use_signal_handlers() -> None:
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, loop.stop)
    for number in STOP_SIGNALS:
        loop.remove_signal_handler(number)


def _say_status(status: Connection) -> None:
    status.send(Path("/proc/self/status").read_text())


def _ignored_or_blocked(status: str) -> list[str]:
    masks = dict(line.split(":\t") for line in status.splitlines())
    mask = int(masks["SigIgn"], 16) | int(masks["SigBlk"], 16)
    return [number.name for number in STOP_SIGNALS if mask >> (number - 1) & 1]


_executors: list[Executor] = []  # nobody shuts them down


def _executor(what: str) -> Executor:
    _executors.append(
        ThreadPoolExecutor(1) if what == "threads" else ProcessPoolExecutor(1, mp_context=FORK)
    )
    return _executors[-1]
