"""Child processes: start them, read their messages, replace those that die.

A process that has threads, such as one with a boto3 client, must not be forked: a lock that another
thread has acquired stays locked in the child forever. So children are spawned: each is a new
interpreter that imports what it needs, the main module included. That is why a script must guard
its call with ``if __name__ == "__main__":``.
"""

from __future__ import annotations

import json
import multiprocessing
import multiprocessing.connection
import multiprocessing.process
import os
import pickle
from collections.abc import Callable
from typing import Any

from ..exception import ProcessError
from ..safe_logging import get_logger
from .children import Child, Link, Message, Target
from .clock import SYSTEM_CLOCK, Clock
from .main_module import check_main_module
from .retry import Backoff

logger = get_logger(__name__)

#: The exit code of a child whose main module starts processes while it is imported.
UNGUARDED_EXIT_CODE = 78

#: Pauses before a child that died is replaced, in seconds.
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0

#: How often to look for dead children whose pipes are still open, in seconds: a process that a
#: child has forked keeps them open.
LOOK_SECONDS = 0.5

#: A child that lives longer than this, in seconds, has started well.
SETTLED_SECONDS = 60.0


class Processes:
    """Keeps *count* children running *target* until they are told to stop.

    Args:
        target: an importable function; a child calls it with its ``Link`` and *arguments*.
        arguments: must be picklable.
        count: how many.
        started: called with each child that was started.
        heard: called with each message of a child; the first is ``{"ready": true}``.
        died: called with a child that has ended, after its last message; returns whether to replace
            it.

    Raises:
        ProcessError: *arguments* cannot be pickled, or refer to a main module that no child can
            import.
    """

    def __init__(
        self,
        target: Target,
        arguments: tuple[Any, ...],
        count: int,
        *,
        started: Callable[[Child], None] = lambda child: None,
        heard: Callable[[Child, Message], None],
        died: Callable[[Child], bool],
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        try:
            handed = pickle.dumps((target, arguments))
        except Exception as error:
            raise ProcessError(
                f"Cannot hand the worker's parameters to another process ({error}). Give modules "
                "by name, functions and classes that can be imported, and middleware and observers "
                "as 'module.name:OBJECT'."
            ) from error
        check_main_module(handed)
        self._context = multiprocessing.get_context("spawn")
        self._target = target
        self._arguments = arguments
        #: How many there should be.
        self.count = count
        self._started = started
        self._heard = heard
        self._died = died
        self._clock = clock
        self._children: list[Child] = []
        self._starts_at: dict[int, float] = {}  # by slot: when to replace the child that was there
        self._starting = True
        self._backoff = Backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)

    @property
    def children(self) -> list[Child]:
        """The children that run now."""
        return list(self._children)

    def run(self) -> None:
        """Start the children and look after them until none is left.

        The others start when the first has said that it is ready, because whatever keeps one from
        starting keeps all of them.

        Raises:
            ProcessError: the system cannot start the first child; or it ended before it was ready,
                and *died* wants it replaced.
        """
        try:
            first = self._start(0)
        except (OSError, MemoryError) as error:
            raise ProcessError(
                f"Cannot start worker processes: the system starts none ({error}). Raise its "
                "limits on processes, open files and memory."
            ) from error
        while not first.ready and first in self._children:
            self._look()
        if not first.ready:
            if first.wanted:
                raise ProcessError(_why_not_started(first))
            return
        for slot in range(1, self.count):
            self._start_or_retry(slot)
        self.attend()

    def attend(self) -> None:
        """Look after the children until none is left, also after an interrupted ``run()``."""
        while self._children or (self._starts_at and self._starting):
            self._look()

    def start_no_more(self) -> None:
        """Start no further process; any thread may call this."""
        self._starting = False

    def _start_or_retry(self, slot: int) -> None:
        """Start a child unless no more are wanted; try again later if the system cannot."""
        if not self._starting:
            return
        try:
            self._start(slot)
        except (OSError, MemoryError) as error:  # such as the lack of memory that killed a child
            pause = self._backoff.next_seconds()
            self._starts_at[slot] = self._clock.now() + pause
            logger.error(
                "Cannot start a worker process (%s); trying again in %.1f s.", error, pause
            )

    def _start(self, slot: int) -> Child:
        ours, theirs = self._context.Pipe()
        try:
            number = self._context.RawValue("i", 0)
            process = self._context.Process(
                target=_child, args=(self._target, theirs, number, slot, self._arguments)
            )
            process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()  # the child has its own end; this one would keep the pipe open
        child = Child(process, ours, number, slot, self._clock.now())
        self._children.append(child)
        self._started(child)
        return child

    def _look(self) -> None:
        """Wait for messages, deaths, or the time to start a replacement, and deal with them."""
        due_in = [at - self._clock.now() for at in self._starts_at.values()]
        wait = max(0.0, min([LOOK_SECONDS, *due_in]))
        by_source: dict[Any, Child] = {}
        for child in self._children:
            by_source[child.connection] = child
            by_source[child.process.sentinel] = child
        ready = multiprocessing.connection.wait(list(by_source), wait)
        heard = {by_source[source] for source in ready}
        for child in list(self._children):
            if child in heard:
                self._hear(child)
            if not child.process.is_alive():
                self._hear(child)  # its messages from before its death
                self._bury(child)
        for slot in [slot for slot, at in self._starts_at.items() if at <= self._clock.now()]:
            del self._starts_at[slot]
            self._start_or_retry(slot)

    def _hear(self, child: Child) -> None:
        try:
            while child.connection.poll():
                message: Message = json.loads(child.connection.recv_bytes())
                child.ready = child.ready or "ready" in message
                self._heard(child, message)
        except (EOFError, OSError):
            child.process.join(1.0)  # the pipe ends a moment before the process does

    def _bury(self, child: Child) -> None:
        child.process.join()
        self._children.remove(child)
        child.connection.close()
        child.wanted = self._died(child)
        if self._clock.now() - child.started_at > SETTLED_SECONDS:
            self._backoff.reset()
        if child.wanted and self._children_wanted(child):
            self._starts_at[child.slot] = self._clock.now() + self._backoff.next_seconds()

    def _children_wanted(self, child: Child) -> bool:
        # A first child that was never ready is not replaced: its successor would die of the same
        # cause.
        return child.ready or (self.count > 1 and bool(self._children or self._starts_at))


def is_imported_by_child() -> bool:
    """Return whether this process is a spawned child that is importing its main module."""
    return bool(getattr(multiprocessing.process.current_process(), "_inheriting", False))


def leave_unguarded() -> None:
    """End this child at once, with the exit code that tells the parent why."""
    os._exit(UNGUARDED_EXIT_CODE)


def _child(
    target: Target, connection: Any, number: Any, slot: int, arguments: tuple[Any, ...]
) -> None:
    target(Link(connection, number, slot), *arguments)


def _why_not_started(child: Child) -> str:
    if child.process.exitcode == UNGUARDED_EXIT_CODE:
        return (
            "Cannot start worker processes from a main module without a guard: each imports it, "
            "and would start more. Put the call under `if __name__ == '__main__':`."
        )
    return (
        f"Cannot start worker processes: the first ended before it was ready ({child.end}). Its "
        "output says why."
    )
