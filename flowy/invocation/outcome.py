"""How a task can end, as far as Flowy can know.

A worker learns only whether SWF accepted its answer. Everybody else reads the history, whose events
have other names. The worker's report, the store of suspended tasks and ``call_activity`` all use
these members.
"""

from __future__ import annotations

import enum


class TaskOutcome(enum.Enum):
    """How a task ended, as text for people; an open task has no outcome."""

    #: Answered *completed*.
    COMPLETED = "completed"
    #: Answered *failed*.
    FAILED = "failed"
    #: Answered *canceled*, or canceled before it was scheduled.
    CANCELED = "canceled"
    #: One of its four timeouts fired.
    TIMED_OUT = "timed out"
    #: Its run ended without an answer; somebody who has the token ends the task later.
    SUSPENDED = "suspended"
    #: Its run ended without an answer, because other code answers, or has answered already.
    HANDED_OVER = "handed over"
    #: Its workflow execution closed while the task was open, which closes the task.
    EXECUTION_CLOSED = "its workflow execution closed"
    #: SWF had closed it already, and the worker does not know how it ended.
    CLOSED = "closed already"
    #: SWF did not schedule it: an unknown activity type, for example.
    NOT_SCHEDULED = "could not be scheduled"
    #: Its worker does not serve its activity type and sent no answer.
    LEFT_UNKNOWN = "left to its timeout: unknown type"
    #: The answer did not reach SWF before the worker gave up.
    UNANSWERED = "not answered"
    #: The stop of its worker failed it.
    FAILED_BY_STOP = "failed by the stop"
    #: Its worker stopped without an answer: SWF times it out.
    ABANDONED = "abandoned by the stop"
