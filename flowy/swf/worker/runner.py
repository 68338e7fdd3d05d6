"""Runs the tasks of a worker in the calling thread, in threads, or on the event loop."""

from __future__ import annotations

from collections.abc import Callable

from ...concurrency.event_loop import EventLoop
from ...concurrency.stop import StopLevel
from ...concurrency.threads import Threads, run_logged
from ...exception import ThreadError
from .activity_call import is_async
from .slots import Slots
from .task_run import TaskRun
from .worker_context import WorkerContext

#: How often the calling thread wakes up while it waits, in seconds. A Ctrl-C just before a wait
#: does not interrupt the wait, so it takes effect when the thread wakes up.
LOOK_SECONDS = 1.0


class Runner:
    """Runs the tasks of one worker.

    Args:
        worker: the context that the tasks share.
        slots: the worker's slots.
        concurrency: how many may run at once; 1 runs them in the calling thread.
    """

    def __init__(self, worker: WorkerContext, slots: Slots, concurrency: int) -> None:
        self._worker = worker
        self._slots = slots
        self._concurrency = concurrency
        self._threads = Threads(concurrency, "flowy-activity", worker.clock)
        implementations = worker.activities.values()
        self._has_coroutines = any(map(is_async, implementations))
        # If all activities are coroutines, the tasks need no threads.
        self._needs_threads = concurrency > 1 and not all(map(is_async, implementations))
        #: Where coroutines run; None before ``start``, and without coroutines.
        self.event_loop: EventLoop | None = None
        #: The task run in the calling thread, if any.
        self.here: TaskRun | None = None
        #: Called after each run in the calling thread, because the activity may have changed
        #: handlers: before the answer, whose sending a signal must not end.
        self.put_signals_back: Callable[[], object] = lambda: None

    def start(self) -> None:
        """Start the event loop and a first thread, before the first poll.

        Raises:
            ThreadError: the system cannot start them.
        """
        try:
            if self._has_coroutines:
                self.event_loop = EventLoop(self._concurrency, self._worker.clock)
            if not self.reserve():
                raise RuntimeError("can't start new thread")
            self.release()
        except (RuntimeError, OSError) as error:
            raise ThreadError(
                f"Cannot start the worker: the system has no threads or descriptors ({error}). "
                "Raise its limits, or lower concurrency."
            ) from error

    def close(self) -> None:
        """Let the threads end when their tasks have ended."""
        self._threads.close()
        if self.event_loop is not None:
            self.event_loop.close()

    def reserve(self) -> bool:
        """Reserve a thread for the task that a poll may bring; return False if none is left."""
        return not self._needs_threads or self._threads.reserve()

    def wait_for_thread(self, seconds: float) -> None:
        """Wait until a thread is free, for at most *seconds*."""
        self._threads.wait_for_free(seconds)

    def release(self) -> None:
        """Give a reserved thread back."""
        if self._needs_threads:
            self._threads.release()

    def run(self, run: TaskRun) -> None:
        """Run a task: in the calling thread, or elsewhere if several may run at once.

        Raises:
            KeyboardInterrupt, SystemExit: an activity in the calling thread raised it.
        """
        if self._concurrency > 1:
            self._run_elsewhere(run)
        elif run.is_coroutine:
            self._await_here(run)
        else:
            self._run_here(run)

    def _run_here(self, run: TaskRun) -> None:
        self.here = run
        try:
            # The activity may have closed the descriptors that the signals need: it has run.
            run.run(lambda: run_logged(self.put_signals_back))
        finally:
            self.here = None

    def _await_here(self, run: TaskRun) -> None:
        try:
            self._start_on_loop(run)
            self._worker.interruption.call(lambda: self._wait_for(run))
        except BaseException as error:  # Ctrl-C, or a third signal
            run.failed(error)
            run.interrupt()
            raise

    def _wait_for(self, run: TaskRun) -> None:
        self._slots.wait_while(lambda: run in self._slots.running, look_seconds=LOOK_SECONDS)

    def _run_elsewhere(self, run: TaskRun) -> None:
        if run.is_coroutine:
            self.release()
            self._start_on_loop(run)
        elif self._needs_threads:
            self._threads.submit_reserved(lambda: self._run_in_thread(run))
        else:  # an unknown type, which only gets a refusal
            self._threads.submit(lambda: self._run_in_thread(run))

    def _run_in_thread(self, run: TaskRun) -> None:
        try:
            run.run()
        except KeyboardInterrupt:
            self._worker.policy.flag.raise_to(StopLevel.DRAIN)
        except SystemExit:
            pass  # the task has failed; this thread must not end the process

    def _start_on_loop(self, run: TaskRun) -> None:
        assert self.event_loop is not None
        context = self._worker.context.copy()
        run.cancel = self.event_loop.submit(run.run_async, run.failed, context, run)
        if self._worker.policy.flag.is_set(StopLevel.CANCEL):
            run.interrupt()  # the stop may have looked before run.cancel was set
