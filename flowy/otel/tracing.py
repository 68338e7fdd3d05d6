"""Middleware and observer in one: the spans of a worker.

The middleware makes a run's span current around ``run``, so that all spans below have their place.
What only the worker knows, when a poll began, how a task ended, how its answer was delivered, the
observer is told. The threads of polls, answers and background heartbeats know no activity: calls
that Flowy makes there are kept from other instrumentations.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Awaitable, Callable
from typing import Any

try:
    from opentelemetry import context, trace
except ImportError as error:
    raise ImportError(
        f"Cannot trace: {error}. Install opentelemetry-api, Flowy's extra otel.",
        name="opentelemetry",
    ) from error

from .._version import __version__
from ..context import ActivityInfo
from ..exception import CancelTask, HandOverTask, SuspendTask
from ..middleware import Middleware, Run
from ..observer import (
    CallEnded,
    CallStarted,
    HeartbeatEnded,
    Observer,
    PollEnded,
    PollStarted,
    StatusChanged,
    TaskEnded,
    TaskStarted,
    WorkerStarted,
    WorkerStopped,
)
from ..safe_logging import get_logger
from ..texts import own_failure
from .carriers import Carrier, carrier_of, extracted, links_to
from .open_tasks import OpenTasks, TriedAnswers
from .suppression import Suppression
from .task_spans import TaskSpans, finish

logger = get_logger(__name__)

#: How long the end of a worker waits until the provider has sent its last spans, in seconds.
FLUSH_SECONDS = 3.0

#: What ends a run without being an error.
_STEERS = (SuspendTask, HandOverTask, CancelTask, asyncio.CancelledError)


class Tracing(Middleware, Observer):
    """Makes the spans of a worker; ``TRACING`` is one for the global provider.

    As middleware of a worker, it is also an observer of that worker. As middleware of a class
    alone, it makes only the spans of runs.

    Args:
        tracer_provider: makes the tracer; None for OpenTelemetry's global one, which may be set
            later.
        carrier: a function that returns the headers that came with the task of a run, or None. By
            default, the headers come from ``control``, or from simpleflow's ``meta``.
        parent: whether the span of such headers becomes the parent of the run's span, rather than a
            link. Anyone who can schedule a task then chooses the trace and whether it is sampled.
        polls: whether to make spans for polls that brought a task.
        texts: whether spans have an exception's message and traceback besides its class. These may
            contain secrets.
    """

    def __init__(
        self,
        tracer_provider: trace.TracerProvider | None = None,
        *,
        carrier: Carrier | None = carrier_of,
        parent: bool = False,
        polls: bool = True,
        texts: bool = False,
    ) -> None:
        self._options: dict[str, Any] = {
            "carrier": carrier,
            "parent": parent,
            "polls": polls,
            "texts": texts,
        }
        self._provider = tracer_provider
        self._carrier = carrier
        self._parent = parent
        self._polls = polls
        self._texts = texts
        self._suppression = Suppression()
        self._tasks = OpenTasks()
        self._answers = TriedAnswers()
        self._complained = False

    def __reduce__(self) -> Any:
        """Let another process make a new one."""
        return functools.partial(Tracing, **self._options), (self._provider,)

    # The middleware

    def run(self, run: Run, call_next: Callable[[Run], Any]) -> Any:
        """Run within a span."""
        leave = self._enter(run)
        try:
            value = call_next(run)
        except BaseException as error:
            leave(error)
            raise
        leave(None)
        return value

    async def run_async(self, run: Run, call_next: Callable[[Run], Awaitable[Any]]) -> Any:
        """Run within a span."""
        leave = self._enter(run)
        try:
            value = await call_next(run)
        except BaseException as error:
            leave(error)
            raise
        leave(None)
        return value

    def _enter(self, run: Run) -> Callable[[BaseException | None], None]:
        """Make the span of a run the current one; return a function that ends that."""
        try:
            spans, current = self._started(run)
            mark = context.attach(current)
        except Exception as trouble:
            self._complain(trouble)
            return lambda error: None

        def leave(error: BaseException | None) -> None:
            context.detach(mark)
            if spans is not None:  # no observer ends it
                self._end(spans, None if isinstance(error, _STEERS) else error)

        return leave

    def _started(self, run: Run) -> tuple[TaskSpans | None, context.Context]:
        """Start the span of a run.

        Returns:
            The spans that the middleware must end, if any; and the context with the run's span.
        """
        info, current = run.info, context.get_current()
        told = self._tasks.get(info)
        if told is not None and told.run is not None:  # this is the middleware of the class, too
            return None, current
        spans = told or TaskSpans(self._tracer, info)
        carrier = None if self._carrier is None else self._carrier(run)
        name = type(run.activity).__name__ if info is None else info.name
        if self._parent and carrier:
            current = extracted(carrier, current)
            span = spans.start(name, extracted(carrier, context.Context()))
        else:
            span = spans.start(name, context.Context(), links_to(carrier))
        return None if told else spans, trace.set_span_in_context(span, current)

    def _end(self, spans: TaskSpans, error: BaseException | None) -> None:
        assert spans.run is not None
        try:
            finish(spans.run, error, failed=error is not None, texts=self._texts)
        except Exception as trouble:  # of a span processor, which must not fail the task either
            self._complain(trouble)

    # The observer

    def worker_started(self, event: WorkerStarted) -> None:
        """Warn if no provider is set."""
        provider = self._provider or trace.get_tracer_provider()
        if isinstance(provider, trace.ProxyTracerProvider):
            logger.warning(
                "Nothing is traced, because no TracerProvider is set in this process. Start the "
                "worker by opentelemetry-instrument, or set one in a module that it imports."
            )

    def poll_started(self, event: PollStarted) -> None:
        """Keep other instrumentations from the poll."""
        self._suppression.begin()

    def poll_ended(self, event: PollEnded) -> None:
        """Remember when the poll of a task began and ended."""
        self._suppression.end()
        if self._polls:
            self._tasks.polled(event)

    def call_started(self, event: CallStarted) -> None:
        """Keep other instrumentations from a call, unless an activity makes it."""
        self._suppression.begin()

    def call_ended(self, event: CallEnded) -> None:
        """Remember the calls of an answer."""
        self._suppression.end()
        self._answers.tried(event)

    def task_started(self, event: TaskStarted) -> None:
        """Remember when a task started; its span follows when its arguments are known."""
        self._tasks.started(self._tracer, event.info)

    def heartbeat_ended(self, event: HeartbeatEnded) -> None:
        """Add an event if SWF did not accept a heartbeat."""
        if not event.accepted:
            self._note(event.info, "heartbeat failed", {"error.type": event.fault or "_OTHER"})

    def status_changed(self, event: StatusChanged) -> None:
        """Add an event for what a heartbeat has brought."""
        self._note(event.info, "status changed", {"flowy.status": event.status.name.lower()})

    def task_ended(self, event: TaskEnded) -> None:
        """End the span of the run, and make that of the answer."""
        spans = self._tasks.ended(self._tracer, event.info)
        try:
            spans.end(event, self._answers.taken(event.answer_seconds), texts=self._texts)
        except Exception as trouble:
            self._complain(trouble)

    def worker_stopped(self, event: WorkerStopped) -> None:
        """Let the provider send its last spans, because the process may end now."""
        self._suppression.end_all()
        provider = self._provider or trace.get_tracer_provider()
        flush = getattr(provider, "force_flush", None)
        if flush is not None:  # the SDK's; it may wait for a collector that is away
            thread = threading.Thread(
                target=_flushed, args=(flush,), name="flowy-flush", daemon=True
            )
            thread.start()
            thread.join(FLUSH_SECONDS)

    def _note(self, info: ActivityInfo, name: str, about: dict[str, str]) -> None:
        spans = self._tasks.get(info)
        if spans is not None and spans.run is not None:
            spans.run.add_event(name, about)

    @functools.cached_property
    def _tracer(self) -> trace.Tracer:
        return trace.get_tracer("flowy", __version__, self._provider)

    def _complain(self, trouble: Exception) -> None:
        """Log, once, that a run has no span: that must not fail its task.

        The text of an error of the author's may have a value of the input in it.
        """
        if not self._complained:
            self._complained = True
            logger.error(
                "A run is not traced: tracing %s. Its task goes on; this is logged once.",
                own_failure(trouble),
            )


#: For ``--middleware flowy.otel:TRACING``.
TRACING = Tracing()


def _flushed(flush: Callable[[], object]) -> None:
    """Send the last spans, in a thread of its own."""
    try:
        flush()
    except Exception as trouble:  # of a span processor
        logger.error("The last spans may be lost: sending them %s.", own_failure(trouble))
