"""The spans of one task: the poll that brought it, its run, and the delivery of its answer.

The poll's span is the parent of the run's, whose span is the parent of the answer's, so a task is
one tree even if each trace id is random. A span is sent when it ends: that of the run ends with the
task, because only then the outcome is known, at the time when the run ended.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode

from ..context import ActivityInfo
from ..invocation import TaskOutcome, details_of, reason_of
from ..observer import TaskEnded
from .attributes import SYSTEM, of_error, of_operation, of_run, of_task
from .trace_ids import in_trace_of

#: The outcomes that are errors of the run: its task is failed, or nobody answers for it.
_ERRORS = frozenset(
    {
        TaskOutcome.FAILED,
        TaskOutcome.FAILED_BY_STOP,
        TaskOutcome.ABANDONED,
        TaskOutcome.UNANSWERED,
    }
)

#: By outcome: the call that SWF accepted, for answers whose calls were made in another thread.
_ANSWERS = {
    TaskOutcome.COMPLETED: "RespondActivityTaskCompleted",
    TaskOutcome.FAILED: "RespondActivityTaskFailed",
    TaskOutcome.FAILED_BY_STOP: "RespondActivityTaskFailed",
    TaskOutcome.CANCELED: "RespondActivityTaskCanceled",
}

#: Nanoseconds in a second: OpenTelemetry's unit of time is the nanosecond since the epoch.
NANO = 10**9


@dataclass(frozen=True)
class AnswerCall:
    """A call by which an answer was tried: its action, its times, and its fault or None."""

    action: str
    began_at: int
    ended_at: int
    fault: str | None


class TaskSpans:
    """The spans of one task; times are in nanoseconds since the epoch.

    Args:
        tracer: makes them.
        info: the task; None for a run outside a worker.
        polled: when its poll began and ended; None to make no span of it.
        started_at: when it started; None for the moment when its span is made.
    """

    def __init__(
        self,
        tracer: trace.Tracer,
        info: ActivityInfo | None,
        polled: tuple[int, int] | None = None,
        started_at: int | None = None,
    ) -> None:
        self._tracer = tracer
        self._info = info
        self.polled = polled
        self.started_at = started_at
        self._attributes = SYSTEM if info is None else of_task(info)
        #: The span of the run; None until it is made.
        self.run: trace.Span | None = None

    def start(self, name: str, parent: Context, links: Sequence[trace.Link] = ()) -> trace.Span:
        """Make the span of the run, and that of the poll.

        Args:
            name: the name of the activity.
            parent: has the span that is the parent of both, if there is one.
            links: the links of the run's span.
        """
        with nullcontext() if self._info is None else in_trace_of(self._info.run_id):
            if self.polled is not None:
                parent = trace.set_span_in_context(self._poll(self.polled, parent), parent)
            self.run = self._tracer.start_span(
                f"process {name}",
                parent,
                SpanKind.CONSUMER,
                {
                    **self._attributes,
                    **of_run(self._info),
                    **of_operation("process", "process"),
                },
                links,
                self.started_at,
            )
        return self.run

    def end(self, event: TaskEnded, calls: Sequence[AnswerCall], *, texts: bool) -> None:
        """End the span of the run, and make that of the answer.

        Args:
            event: how the task ended, just now.
            calls: those by which the answer was tried, as far as they are known.
            texts: whether the exception's message and traceback are written.
        """
        now = time.time_ns()
        ran_until = now - round(event.answer_seconds * NANO)
        run = self.run
        if run is None:  # it failed before its middleware, or its process died
            if self.started_at is None:
                self.started_at = ran_until - round(event.run_seconds * NANO)
            run = self.start(event.info.name, Context())
        run.set_attributes(of_run(event.info))  # `run` may have read the history
        run.set_attribute("flowy.outcome", event.outcome.name.lower())
        finish(run, event.error, ran_until, failed=event.outcome in _ERRORS, texts=texts)
        if calls or event.outcome in _ANSWERS:
            self._answer(run, event.outcome, calls, ran_until, now)

    def _poll(self, polled: tuple[int, int], parent: Context) -> trace.Span:
        assert self._info is not None
        action = "PollForActivityTask"
        attributes = {**self._attributes, **of_operation(action, "receive")}
        name = f"{action} {self._info.task_list}"
        span = self._tracer.start_span(
            name, parent, SpanKind.CLIENT, attributes, start_time=polled[0]
        )
        span.end(polled[1])
        return span

    def _answer(
        self,
        run: trace.Span,
        outcome: TaskOutcome,
        calls: Sequence[AnswerCall],
        began_at: int,
        ended_at: int,
    ) -> None:
        assert self._info is not None
        action = calls[-1].action if calls else _ANSWERS[outcome]
        span = self._tracer.start_span(
            f"{action} {self._info.name}",
            trace.set_span_in_context(run, Context()),
            SpanKind.CLIENT,
            {**self._attributes, **of_operation(action, "settle")},
            start_time=began_at,
        )
        for call in calls:
            if call.fault is not None:
                about = {"messaging.operation.name": call.action, "error.type": call.fault}
                span.add_event("try failed", about, call.ended_at)
        fault = calls[-1].fault if calls else None
        if fault is not None:
            span.set_attribute("error.type", fault)
            span.set_status(StatusCode.ERROR)
        span.end(ended_at)


def finish(
    span: trace.Span,
    error: BaseException | None,
    ended_at: int | None = None,
    *,
    failed: bool,
    texts: bool,
) -> None:
    """End the span of a run.

    Args:
        span: which one.
        error: the exception that failed the run, or None.
        ended_at: when the run ended; None for now.
        failed: whether the run counts as an error.
        texts: whether the exception's message and traceback are written.
    """
    span.set_attributes(of_error(error))
    description = None
    if texts and error is not None and span.is_recording():
        description = reason_of(error)
        about = {
            "exception.type": type(error).__qualname__,
            "exception.message": description,
            "exception.stacktrace": details_of(error),
        }
        span.add_event("exception", about, ended_at)
    if failed:
        span.set_status(Status(StatusCode.ERROR, description))
    span.end(ended_at)
