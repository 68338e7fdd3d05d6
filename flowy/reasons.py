"""The constants with which Flowy's own reasons begin.

The reason of a failed task is usually the text of the author's exception. A reason that the worker
itself writes begins with one of these constants, so that a decider can tell the two apart with
``reason.startswith(...)``.
"""

from __future__ import annotations

#: The input is missing, is not JSON, is not ``[args, kwargs]``, or is nested too deep; or an
#: encoded or stored part of it cannot be read.
INPUT_UNREADABLE = "Input unreadable: "

#: The arguments do not fit the signature of ``run``.
INPUT_MISFIT = "Input does not fit: "

#: An argument does not fit the type with which ``run`` is annotated; only with a converter.
INPUT_INVALID = "Input invalid: "

#: The value that ``run`` returned is not JSON-serializable, or does not fit the type of the result.
RESULT_NOT_SERIALIZABLE = "Result not serializable: "

#: The activity needs SWF's history of its task, and the history was not available.
HISTORY_UNAVAILABLE = "History unavailable: "

#: The result is longer than SWF allows, and cannot be stored elsewhere.
RESULT_TOO_LONG = "Result too long: "

#: SWF refused the result, and would refuse it again.
RESULT_REFUSED = "Result refused: "

#: This worker has no implementation of the task's type.
UNKNOWN_ACTIVITY_TYPE = "Unknown activity type: "

#: The activity raised ``CancelTask``, but had not learned of a cancellation request.
CANCEL_NOT_REQUESTED = "Cancellation not requested: "

#: The activity gave up after SWF had accepted no heartbeat for too long.
HEARTBEAT_LOST = "Heartbeat lost: "

#: The worker stopped, and the activity was still running when the grace was over.
WORKER_STOPPED = "Worker stopped: "

#: SWF refused the text of the failure itself.
REASON_REFUSED = "Reason refused: "

#: The activity's class overrides ``__call__``, which returned without an answer.
NO_ANSWER = "No answer: "

#: The activity hides its reasons; the class of the exception follows. The text of the exception is
#: in the details, which are encrypted.
REASON_HIDDEN = "Reason hidden: "

#: The process that ran the activity died; its exit code or signal follows.
WORKER_PROCESS_DIED = "Worker process died: "


def constant_of(reason: str) -> str | None:
    """Return the constant with which *reason* begins, without its colon; None for other texts."""
    own = (each for name, each in globals().items() if name.isupper() and reason.startswith(each))
    found = next(own, None)
    return None if found is None else found.removesuffix(": ")
