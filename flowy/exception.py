"""The errors of Flowy; and ``SuspendTask``, ``CancelTask`` and ``HandOverTask``, which end a run.

Errors derive from one class, so one ``except`` catches them all::

    FlowyError
    ├── OutsideActivityError            a function needs a running activity, and none runs
    ├── ScanError, RegistrationError    declared activities cannot be found or served
    ├── ProcessError, ThreadError       processes or threads cannot be started
    ├── HealthError, ObserverError      health cannot be shown, or an observer cannot work
    ├── TransportError                  a value cannot travel:
    │   ├── InputError, SerializationError, ConversionError
    │   └── CodecError, ClaimError, TooLongError
    ├── ServiceError                    a call to a service failed
    │   ├── UnavailableError            a key service or a store does not answer at the moment
    │   └── SWFError                    a call to SWF failed
    │       ├── UnknownResourceError    the task is closed, or something is unknown
    │       ├── TransientError          throttled, 5xx, no connection: it may work later
    │       │   └── LimitExceededError  too many of something at once
    │       └── RefusedError            the same call would fail again:
    │           └── ValidationError, CredentialsError, AlreadyExistsError, DeprecatedError
    ├── CallError                       the called activity did not complete:
    │   └── ActivityFailedError, ActivityTimedOutError, ActivityCanceledError, CallTimedOutError
    ├── HistoryError, TokenStoreError   SWF's history, or the store of suspended tasks, is unusable
    ├── HandleError                     a signed handle is refused:
    │   └── ForgedHandleError, ExpiredHandleError, UsedHandleError, ForeignHandleError
    └── LocalSWFError                   the local SWF cannot start
"""

from __future__ import annotations

from collections.abc import Sequence


class SuspendTask(Exception):
    """Raise it in ``run`` to end the run without an answer, and free the worker.

    The task stays open at SWF until somebody who has the activity's ``token`` completes, fails or
    cancels it, or until one of its timeouts fires.
    """


class HandOverTask(Exception):
    """Raise it in ``run`` to end the run without an answer, because other code ends the task.

    Use it if other code answers SWF: a handler of a hand-written worker, which has sent its own
    answer, or another program that got the token and answers now. The worker sends no answer, and
    counts the task as handed over. To wait for somebody, raise ``SuspendTask``.
    """


class CancelTask(Exception):
    """Raise it in ``run`` to answer *canceled*, after a cancellation was requested.

    Args:
        details: text for the decider, at most 32,768 characters (longer text is cut), or None.

    If the activity had not learned of a request, the task fails with a reason that says so, because
    SWF accepts *canceled* only after a request.
    """

    def __init__(self, details: str | None = None) -> None:
        super().__init__(*(() if details is None else (details,)))
        self.details = details


class FlowyError(Exception):
    """The base class of Flowy's errors."""


class OutsideActivityError(FlowyError, RuntimeError):
    """A function needs a running activity, but no worker runs one here."""


class ScanError(FlowyError):
    """A scan found no activity, two implementations of one type, or an unusable annotation."""


class RegistrationError(FlowyError):
    """The activity types cannot be served as the code declares them.

    Attributes:
        problems: every problem found, one sentence each.
    """

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class ProcessError(FlowyError):
    """Worker processes cannot be started."""


class ThreadError(FlowyError, RuntimeError):
    """The system has too few threads or file descriptors left for the worker."""


class HealthError(FlowyError):
    """The health of a worker cannot be served, written or read."""


class ObserverError(FlowyError):
    """An observer cannot work. If its ``starting`` raises this, the worker does not start."""


class TransportError(FlowyError, ValueError):
    """A value cannot be sent between an activity and a workflow."""


class InputError(TransportError):
    """The input of a task is not the JSON text of ``[args, kwargs]``."""


class SerializationError(TransportError):
    """A value is not JSON-serializable; the text names its type and its path in the whole value."""


class ConversionError(TransportError):
    """Values do not fit their types; the text has paths and expected types, never a value.

    Attributes:
        problems: every problem found, each with its path: ``order.lines[0].price: expected int``.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        first = problems[0]
        if len(first) > 200:  # a deep path, whose end and what follows must fit into a reason
            first = f"{first[:80]}...{first[-117:]}"
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"{first}{more}")
        self.problems = tuple(problems)


class CodecError(TransportError):
    """A codec cannot encode or decode a value; the text names codecs and keys, never a value."""


class ClaimError(TransportError):
    """A value cannot be stored, or the claim for one is refused; the text has the store's code."""


class TooLongError(TransportError):
    """A text is longer than SWF allows.

    Attributes:
        length: its length, in characters.
        limit: SWF's limit, in characters.
    """

    def __init__(self, message: str, *, length: int, limit: int) -> None:
        super().__init__(message)
        self.length = length
        self.limit = limit


class ServiceError(FlowyError):
    """A call to a service failed: the service refused it, or could not be reached.

    Attributes:
        fault: the service's own code, such as ``UnknownResourceFault``; if no answer came, the name
            of the client's exception, such as ``ReadTimeoutError``.
    """

    def __init__(self, message: str, *, fault: str) -> None:
        super().__init__(message)
        self.fault = fault


class UnavailableError(ServiceError):
    """A key service or a store does not answer at the moment: the same call may work later."""


class SWFError(ServiceError):
    """A call to SWF failed: SWF refused it, or could not be reached."""


class UnknownResourceError(SWFError):
    """The task or its execution is closed, or the domain, type or execution does not exist.

    Attributes:
        repeated: whether the client had repeated the call by itself. If so, SWF may have accepted
            the first attempt, and its answer was lost.
    """

    def __init__(self, message: str, *, fault: str, repeated: bool = False) -> None:
        super().__init__(message, fault=fault)
        self.repeated = repeated


class TransientError(SWFError):
    """SWF throttles, has a server error, or cannot be reached: the same call may work later.

    Attributes:
        may_have_arrived: whether SWF may have acted on the call, and only its answer was lost.
    """

    def __init__(self, message: str, *, fault: str, may_have_arrived: bool = False) -> None:
        super().__init__(message, fault=fault)
        self.may_have_arrived = may_have_arrived


class LimitExceededError(TransientError):
    """Too many of something at once, such as more than 1,000 polls on one task list."""


class RefusedError(SWFError):
    """SWF refused the call for good: the same call would fail again."""


class ValidationError(RefusedError):
    """SWF refuses the values of this call, and would refuse them again."""


class CredentialsError(RefusedError):
    """Credentials are missing, expired, or do not allow the call."""


class AlreadyExistsError(RefusedError):
    """The type or domain to register already exists; it may be deprecated."""


class DeprecatedError(RefusedError):
    """The type or domain is deprecated."""


class CallError(FlowyError):
    """The called activity did not complete.

    Attributes:
        reason: why, at most 256 characters.
        details: more, such as the traceback, or None.
        workflow_id, run_id: the execution that ran it, for its history; None before it started.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        details: str | None = None,
        workflow_id: str | None = None,
        run_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.details = details
        self.workflow_id = workflow_id
        self.run_id = run_id


class ActivityFailedError(CallError):
    """The activity failed: ``reason`` and ``details`` are from its worker's answer."""


class ActivityTimedOutError(CallError):
    """One of the activity's timeouts fired: ``reason`` is its type, such as ``HEARTBEAT``."""


class ActivityCanceledError(CallError):
    """The activity was canceled: ``details`` are from its answer."""


class CallTimedOutError(CallError):
    """The call's own timeout passed before the activity had ended.

    The call then requested its cancellation. ``reason`` says how the activity ended: "canceled",
    "failed: ...", "timed out: ...", or cut off; ``details`` are from its answer.
    """


class HistoryError(FlowyError):
    """SWF's history of an execution is not available, or a value is not a history."""


class TokenStoreError(FlowyError):
    """The store of suspended tasks cannot be opened, read or written."""


class HandleError(FlowyError):
    """A signed handle is refused: it does not allow this."""


class ForgedHandleError(HandleError):
    """The handle was not signed with this key, or is not a handle; the error does not say which."""


class ExpiredHandleError(HandleError):
    """The handle has expired."""


class UsedHandleError(HandleError):
    """The handle was used already: each handle allows one action."""


class ForeignHandleError(HandleError):
    """The handle is for a task that this store does not have, or does not allow this verb."""


class LocalSWFError(FlowyError):
    """The local SWF cannot start; the text says what is missing."""
