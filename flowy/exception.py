"""The errors of Flowy, and the exceptions by which an activity steers.

Errors derive from ``FlowyError``, so one ``except`` catches all that Flowy raises::

    FlowyError
    ├── OutsideActivityError      asked for the running activity while none runs
    ├── ScanError                 nothing found, or one type implemented twice
    ├── RegistrationError         what SWF holds of the types is not what the code declares
    ├── ProcessError              worker processes cannot be started
    ├── ThreadError               the system gives no threads to work in
    ├── TransportError            a value cannot travel
    │   ├── InputError            input is not the text of [args, kwargs]
    │   ├── SerializationError    a value has no JSON form
    │   └── TooLongError          a text is longer than SWF takes
    ├── SWFError                  SWF, or the way to it, said no
    │   ├── UnknownResourceError  the task is closed; or no such domain, type, execution
    │   ├── TransientError        throttled, 5xx, no connection: the same call may work later
    │   │   └── LimitExceededError  too many of something at once
    │   └── RefusedError          asking again will not help
    │       ├── ValidationError     SWF refuses the values of this very call
    │       ├── CredentialsError    no credentials, expired ones, or no permission
    │       ├── AlreadyExistsError  the type or domain is there already
    │       └── DeprecatedError     the type or domain is deprecated
    ├── CallError                 the activity that was called did not complete
    │   ├── ActivityFailedError
    │   ├── ActivityTimedOutError
    │   ├── ActivityCanceledError
    │   └── CallTimedOutError     it had not ended when the call's own timeout had
    ├── TokenStoreError           the store of suspended tasks cannot be used
    ├── HandleError               a signed handle is refused
    │   ├── ForgedHandleError       not signed with this key, or no handle at all
    │   ├── ExpiredHandleError      too late
    │   ├── UsedHandleError         it did its one deed already
    │   └── ForeignHandleError      for another store, or another verb
    └── LocalSWFError             the local SWF cannot start

An activity steers by two exceptions that are not errors: ``SuspendTask`` and ``CancelTask``.
"""

from __future__ import annotations

from collections.abc import Sequence


class SuspendTask(Exception):
    """Raise it in ``run`` to end the run without an answer, and free the worker.

    The task stays open at SWF until whoever has the activity's ``token`` completes, fails or
    cancels it, or until one of its timeouts fires.
    """


class CancelTask(Exception):
    """Raise it in ``run`` to answer *canceled*, after a cancellation was requested.

    Args:
        details: text for the decider, at most 32,768 characters (longer text is cut);
            None for none.

    Without a request that the activity has been told of, it is a failure that says so: SWF takes
    the answer *canceled* only for tasks whose cancellation was requested.
    """

    def __init__(self, details: str | None = None) -> None:
        super().__init__(*(() if details is None else (details,)))
        self.details = details


class FlowyError(Exception):
    """The root of all that Flowy raises as an error."""


class OutsideActivityError(FlowyError, RuntimeError):
    """The running activity was asked for, but no worker runs one here."""


class ScanError(FlowyError):
    """A scan found no activity at all, or two implementations of one type."""


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
    """The system gives the worker no threads, or no file descriptors, to work with."""


class TransportError(FlowyError, ValueError):
    """A value cannot travel between an activity and a workflow."""


class InputError(TransportError):
    """The input of a task is not the JSON text of ``[args, kwargs]``."""


class SerializationError(TransportError):
    """A value has no JSON form; the text names its type and its path within the whole value."""


class TooLongError(TransportError):
    """A text is longer than SWF takes.

    Attributes:
        length: its length, in characters.
        limit: SWF's limit, in characters.
    """

    def __init__(self, message: str, *, length: int, limit: int) -> None:
        super().__init__(message)
        self.length = length
        self.limit = limit


class SWFError(FlowyError):
    """SWF, or the way to it, said no.

    Attributes:
        fault: SWF's own code, such as ``UnknownResourceFault``; if no answer came, the name of
            the client's exception, such as ``ReadTimeoutError``.
    """

    def __init__(self, message: str, *, fault: str) -> None:
        super().__init__(message)
        self.fault = fault


class UnknownResourceError(SWFError):
    """The task or its execution is closed, or there is no such domain, type or execution.

    Attributes:
        repeated: whether the client had sent the call before by itself; SWF may have taken the
            first one, and its answer was lost.
    """

    def __init__(self, message: str, *, fault: str, repeated: bool = False) -> None:
        super().__init__(message, fault=fault)
        self.repeated = repeated


class TransientError(SWFError):
    """Throttled, a server error, or no connection: the same call may work later.

    Attributes:
        may_have_arrived: whether SWF may have acted on the call, and only its answer was lost.
    """

    def __init__(self, message: str, *, fault: str, may_have_arrived: bool = False) -> None:
        super().__init__(message, fault=fault)
        self.may_have_arrived = may_have_arrived


class LimitExceededError(TransientError):
    """Too many of something at once, such as more than 1,000 polls on one task list."""


class RefusedError(SWFError):
    """Refused for good: not valid, not permitted, no credentials. Asking again will not help."""


class ValidationError(RefusedError):
    """SWF refuses the values of this very call, and would refuse them again."""


class CredentialsError(RefusedError):
    """No credentials, or SWF does not accept them: renewed ones, or a policy, may help."""


class AlreadyExistsError(RefusedError):
    """The type or domain that was to be registered exists, or exists and is deprecated."""


class DeprecatedError(RefusedError):
    """The type or domain is deprecated."""


class CallError(FlowyError):
    """The activity that was called did not complete.

    Attributes:
        reason: why, at most 256 characters.
        details: more, such as the traceback; None for none.
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
    """The activity failed: ``reason`` and ``details`` are what its worker answered."""


class ActivityTimedOutError(CallError):
    """One of the activity's timeouts fired: ``reason`` is its type, such as ``HEARTBEAT``."""


class ActivityCanceledError(CallError):
    """The activity was canceled: ``details`` are what it answered."""


class CallTimedOutError(CallError):
    """The call's own timeout passed before the activity had ended.

    The activity was asked to cancel, and given a moment for it. ``reason`` says how it ended:
    "canceled", "failed: ...", "timed out: ...", or that it was cut off; ``details`` are what it
    answered.
    """


class TokenStoreError(FlowyError):
    """The store of suspended tasks cannot be opened, read or written."""


class HandleError(FlowyError):
    """A signed handle is refused: whoever has it may not do this with it."""


class ForgedHandleError(HandleError):
    """It was not signed with this key, or is not a handle; the error does not say which."""


class ExpiredHandleError(HandleError):
    """It has expired."""


class UsedHandleError(HandleError):
    """It was used already: a handle is good for one action."""


class ForeignHandleError(HandleError):
    """It names a task that this store does not have, or does not grant this verb."""


class LocalSWFError(FlowyError):
    """The local SWF cannot start; the text says what is missing."""
