"""Activities that damage what a worker stands on: its log, its event loop, its store of tasks."""

from __future__ import annotations

import asyncio
import builtins
import os
import signal
import sys
import time
from typing import Any, NoReturn

from flowy import Activity, AsyncActivity, CancelTask, SuspendTask, activity
from flowy.tokens import SuspendedTask
from flowy.tokens.sqlite import SQLiteTokenStore

from .broken_log import break_log
from .evil_errors import Unheard, chain, circle, evil_cancel, raise_evil
from .thread_limit import limit_threads

#: How long a coroutine waits for its event loop, in seconds: what it has scheduled before runs
#: meanwhile.
BRIEF_SECONDS = 0.01

#: How often a coroutine beats, in seconds: nothing wakes it when it is to give up.
BEAT_SECONDS = 0.1

# How a run may end


@activity("fails", 1, "tasks", schedule_to_close=600, start_to_close=600)
class Fails(Activity):
    """Fails as activities do."""

    def run(self) -> None:
        raise LookupError("not found")


@activity("fails-async", 1, "tasks", schedule_to_close=600, start_to_close=600)
class FailsAsync(AsyncActivity):
    """Fails as coroutines do."""

    async def run(self) -> None:
        raise LookupError("not found")


@activity("exits", 1, "tasks", schedule_to_close=600, start_to_close=600)
class Exits(Activity):
    """Ends in SystemExit, as a library that gives up might."""

    def run(self) -> None:
        sys.exit(3)


@activity("suspends", 1, "tasks", schedule_to_close=600, start_to_close=600)
class Suspends(Activity):
    """Sends no answer."""

    def run(self) -> None:
        raise SuspendTask


@activity("evil", 1, "tasks", schedule_to_close=600, start_to_close=600)
class Evil(Activity):
    """Fails with an error that raises when it is looked at."""

    def run(self, look: str, raised: str) -> None:
        raise_evil(look, raised)


@activity("evil-async", 1, "tasks", schedule_to_close=600, start_to_close=600)
class EvilAsync(AsyncActivity):
    """As a coroutine."""

    async def run(self, look: str, raised: str) -> None:
        raise_evil(look, raised)


@activity("evil-cancel", 1, "tasks", schedule_to_close=600, start_to_close=600)
class EvilCancel(Activity):
    """Obeys a request to cancel with details that raise when they are looked at."""

    def run(self, look: str, raised: str) -> None:
        assert not self.heartbeat()
        raise evil_cancel(look, raised)


@activity("evil-cancel-async", 1, "tasks", schedule_to_close=600, start_to_close=600)
class EvilCancelAsync(AsyncActivity):
    """As a coroutine."""

    async def run(self, look: str, raised: str) -> None:
        assert not await self.heartbeat()
        raise evil_cancel(look, raised)


@activity("chained", 1, "tasks", schedule_to_close=600, start_to_close=600)
class Chained(Activity):
    """Fails with the newest of very many errors, or with one of a circle (no *links*)."""

    def run(self, links: int, by: str) -> None:
        raise chain(links, by) if links else circle(by)


def grouped(content: Any) -> BaseException:
    """Return the error of this name; of a list, a group of all in it (Python 3.11)."""
    if isinstance(content, list):
        group: Any = vars(builtins)["BaseExceptionGroup"]
        error = group("several at once", [grouped(each) for each in content])
        assert isinstance(error, BaseException)
        return error
    return {
        "suspend": SuspendTask(),
        "cancel": CancelTask("because"),
        "error": LookupError("not found"),
        "unheard": Unheard("not heard of"),
    }[content]


@activity("grouped", 1, "tasks", schedule_to_close=600, start_to_close=600)
class Grouped(Activity):
    """Raises a group, after a heartbeat."""

    def run(self, content: Any) -> None:
        self.heartbeat()
        raise grouped(content)


@activity("grouped-async", 1, "tasks", schedule_to_close=600, start_to_close=600)
class GroupedAsync(AsyncActivity):
    """Has a TaskGroup raise what each of its tasks raised, after a heartbeat."""

    async def run(self, content: Any) -> None:
        await self.heartbeat()
        async with asyncio.TaskGroup() as group:
            for each in content:
                group.create_task(self.fail(each))

    async def fail(self, content: Any) -> NoReturn:
        await asyncio.sleep(0)  # so that all of them have begun
        raise grouped(content)


# What an activity may do to its process


@activity("closes-stderr", 1, "tasks", schedule_to_close=600, start_to_close=600)
class ClosesStderr(Activity):
    """Closes what logs commonly go to."""

    def run(self) -> None:
        sys.stderr.close()


@activity("breaks-log", 1, "tasks", schedule_to_close=600, start_to_close=600)
class BreaksLog(Activity):
    """Lets each log record of its process raise from here on."""

    def run(self, place: str, raises: str) -> None:
        break_log(place, raises)


@activity("ends-loop", 1, "tasks", schedule_to_close=600, start_to_close=600)
class EndsLoop(AsyncActivity):
    """Tries to end the event loop of all coroutines."""

    async def run(self, how: str) -> str:
        loop = asyncio.get_running_loop()
        if how == "exit":
            loop.call_soon(sys.exit, 3)
        elif how == "unheard":
            loop.call_soon(_raise_unheard)
        else:
            loop.stop()
        await asyncio.sleep(BRIEF_SECONDS)  # goes on only if the loop does
        return how


def _raise_unheard() -> None:
    raise Unheard("of a callback")


#: The worker's event loop, for the activity that repairs it.
_loops: list[asyncio.AbstractEventLoop] = []


@activity("breaks-factory", 1, "tasks", schedule_to_close=600, start_to_close=600)
class BreaksFactory(AsyncActivity):
    """Sets a task factory that raises."""

    async def run(self, raised: str) -> None:
        kinds = {"RuntimeError": RuntimeError, "MemoryError": MemoryError, "SystemExit": SystemExit}

        def factory(*_: object, **__: object) -> NoReturn:
            raise kinds[raised]("no task today")

        loop = asyncio.get_running_loop()
        _loops[:] = [loop]
        loop.set_task_factory(factory)


@activity("repairs-factory", 1, "tasks", schedule_to_close=600, start_to_close=600)
class RepairsFactory(Activity):
    """Takes it away again, from a thread."""

    def run(self) -> None:
        (loop,) = _loops
        loop.call_soon_threadsafe(loop.set_task_factory, None)


@activity("lifts-limit", 1, "tasks", schedule_to_close=600, start_to_close=600)
class LiftsLimit(Activity):
    """Lets its process have as many threads as it likes."""

    def run(self) -> None:
        limit_threads(None)


# Beating


@activity("prompt", 1, "tasks", heartbeat=300, schedule_to_close=600, start_to_close=600)
class Prompt(Activity):
    """Beats as soon as it runs, and then works for *seconds*."""

    def run(self, seconds: float) -> None:
        self.heartbeat()
        time.sleep(seconds)


@activity("prompt-async", 1, "tasks", heartbeat=300, schedule_to_close=600, start_to_close=600)
class PromptAsync(AsyncActivity):
    """As a coroutine."""

    async def run(self, seconds: float) -> None:
        await self.heartbeat()
        await asyncio.sleep(seconds)


@activity("brief", 1, "tasks", schedule_to_close=600, start_to_close=600)
class Brief(AsyncActivity):
    """A coroutine that ends soon and never beats."""

    async def run(self) -> None:
        await asyncio.sleep(BRIEF_SECONDS)


@activity("beating", 1, "tasks", heartbeat=300, schedule_to_close=600, start_to_close=600)
class Beating(AsyncActivity):
    """A coroutine that beats until it is told to give up."""

    async def run(self) -> None:
        while await self.heartbeat():
            await asyncio.sleep(BEAT_SECONDS)


# Suspending


class DeadlyStore(SQLiteTokenStore):
    """Kills its process when it is to keep a task: ``before`` it commits, or ``after``."""

    moment = "after"

    def keep(self, task: SuspendedTask) -> SuspendedTask:
        if self.moment == "after":
            super().keep(task)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


@activity("suspends-deadly", 1, "tasks", schedule_to_close=600, start_to_close=600)
class SuspendsDeadly(Activity):
    """Suspends itself into such a store."""

    def run(self, path: str, moment: str) -> None:
        store = DeadlyStore(path)
        store.moment = moment
        self.suspend(store)


@activity("suspends-deadly-async", 1, "tasks", schedule_to_close=600, start_to_close=600)
class SuspendsDeadlyAsync(AsyncActivity):
    """As a coroutine."""

    async def run(self, path: str, moment: str) -> None:
        store = DeadlyStore(path)
        store.moment = moment
        await self.suspend(store)
