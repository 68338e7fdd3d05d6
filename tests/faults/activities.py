"""What the workers of these tests serve: one that works, and those that ruin their process."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import time
from pathlib import Path

from flowy.context import worker_stopping
from flowy.swf.scanner import activity
from flowy.task import Activity, AsyncActivity
from tests.gates import wait_in

#: A stack overflows in C when this many nested groups are compiled: glibc's regcomp calls itself
#: for each. Python's own functions would not do, because each Python guards others of them.
_NESTED_GROUPS = 1_000_000
_REGEX_BYTES = 1_024  # more than a regex_t

#: How often an activity looks whether it is to end, in seconds: nothing wakes it for that.
LOOK_SECONDS = 0.02

_MEBIBYTE = 2**20
#: What an activity may take beyond what its process has when it starts.
_ROOM_BYTES = 100 * _MEBIBYTE


@activity("work", 1, "tasks", heartbeat=300, schedule_to_close=600, start_to_close=600)
class Work(Activity):
    """Beats *beats* times in *seconds*, and returns the process that it ran in."""

    def run(self, seconds: float = 0.0, beats: int = 0) -> int:
        for _ in range(beats):
            time.sleep(seconds / beats)
            self.heartbeat("at it")
        if not beats:
            time.sleep(seconds)
        return os.getpid()


@activity("patient", 1, "tasks", heartbeat=300, schedule_to_close=600, start_to_close=600)
class Patient(Activity):
    """Beats until it is told to give up, for *seconds* at most, and returns None."""

    def run(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.heartbeat():
            time.sleep(LOOK_SECONDS)


@activity("background", 1, "tasks", schedule_to_close=600, start_to_close=600, auto_heartbeat=0.1)
class Background(Activity):
    """Works for *seconds* while the worker beats for it, or until its cancellation is requested."""

    def run(self, seconds: float = 3_600.0) -> int:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.cancel_requested:
            time.sleep(LOOK_SECONDS)
        return os.getpid()


@activity("awaiting", 1, "tasks", schedule_to_close=600, start_to_close=600)
class Awaiting(AsyncActivity):
    """Sleeps as a coroutine."""

    async def run(self, seconds: float) -> int:
        import asyncio

        await self.heartbeat()
        await asyncio.sleep(seconds)
        return os.getpid()


@activity("beats-once", 1, "tasks", heartbeat=300, schedule_to_close=600, start_to_close=600)
class BeatsOnce(Activity):
    """Beats once, and returns how many seconds that took and what it was told."""

    def run(self) -> tuple[float, bool]:
        began = time.monotonic()
        told = self.heartbeat()
        return time.monotonic() - began, told


@activity("watched", 1, "tasks", heartbeat=1, schedule_to_close=600, start_to_close=600)
class Watched(Activity):
    """Beats until it is told to give up, and returns None; its heartbeat timeout is short."""

    def run(self) -> None:
        while self.heartbeat():
            time.sleep(LOOK_SECONDS)


@activity("lingering", 1, "tasks", heartbeat=300, schedule_to_close=600, start_to_close=600)
class Lingering(Activity):
    """Ends *seconds* after the worker was asked to stop."""

    def run(self, seconds: float) -> int:
        self.heartbeat()
        while not worker_stopping():
            time.sleep(LOOK_SECONDS)
        time.sleep(seconds)
        return os.getpid()


@activity("released", 1, "tasks", heartbeat=300, schedule_to_close=600, start_to_close=600)
class Released(Activity):
    """Ends when it may leave the gate *path*, whatever it is told meanwhile."""

    def run(self, path: str) -> int:
        self.heartbeat()
        wait_in(path)
        return os.getpid()


@activity(
    "released-coroutine", 1, "tasks", heartbeat=300, schedule_to_close=600, start_to_close=600
)
class ReleasedCoroutine(AsyncActivity):
    """The same as a coroutine, which does not let a cancellation end it."""

    async def run(self, path: str) -> int:
        import asyncio

        await self.heartbeat()
        reading = asyncio.ensure_future(asyncio.to_thread(wait_in, path))
        while not reading.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.shield(reading)
        return os.getpid()


@activity("exit", 1, "tasks")
class Exit(Activity):
    """Ends its process without a word."""

    def run(self, code: int) -> None:
        os._exit(code)


@activity("killed", 1, "tasks")
class Killed(Activity):
    """Dies as by the kernel's OOM killer."""

    def run(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


@activity("overflow", 1, "tasks")
class Overflow(Activity):
    """Overflows the stack in C."""

    def run(self) -> None:
        pattern = b"(" * _NESTED_GROUPS
        ctypes.CDLL(None).regcomp(ctypes.create_string_buffer(_REGEX_BYTES), pattern, 1)


@activity("hoard", 1, "tasks")
class Hoard(Activity):
    """Takes memory, in pieces of *piece_bytes*, until its process may have no more."""

    def run(self, piece_bytes: int) -> None:
        has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        unlimited = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (has + _ROOM_BYTES, unlimited[1]))
        hoard = []
        while True:
            hoard.append(bytearray(piece_bytes))
