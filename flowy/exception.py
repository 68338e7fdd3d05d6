"""What can go wrong, and what an activity raises to steer.

Errors derive from ``FlowyError``, so one ``except`` catches all that Flowy raises::

    FlowyError
    ├── OutsideActivityError      asked for the running activity where none runs
    ├── ScanError                 nothing found, or one type implemented twice
    ├── RegistrationError         what SWF holds of the types is not what the code declares
    ├── TransportError            a value cannot travel
    │   ├── InputError            input is not the text of [args, kwargs]
    │   ├── SerializationError    a value has no JSON form
    │   └── TooLongError          a text is longer than SWF takes
    ├── SWFError                  SWF, or the way to it, said no
    │   ├── UnknownResourceError  the task is closed; or no such domain, type, execution
    │   ├── OutOfReachError       throttled, 5xx, no connection: later it may work
    │   │   └── LimitExceededError  too many of something at once
    │   └── RefusedError          asking again will not help
    │       ├── CredentialsError    no credentials, expired ones, or no permission
    │       ├── AlreadyExistsError  the type or domain is there already
    │       └── DeprecatedError     the type or domain is deprecated
    ├── CallError                 the activity that was called did not complete
    │   ├── ActivityFailedError
    │   ├── ActivityTimedOutError
    │   ├── ActivityCanceledError
    │   └── CallTimedOutError     it had not ended when the call's own timeout had
    └── LocalSWFError             the local SWF cannot start

Two are no errors but the words by which an activity steers: ``SuspendTask`` and ``CancelTask``.
"""

from __future__ import annotations

from collections.abc import Sequence


class SuspendTask(Exception):
    """Raise it in ``run`` to end the run without an answer, and free the worker.

    The task stays open at SWF until somebody who kept the activity's ``token`` completes, fails
    or cancels it, or until one of its timeouts fires.
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
    """The running activity was asked for where a worker runs none."""


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


class TransportError(FlowyError, ValueError):
    """A value cannot travel between an activity and a workflow."""


class InputError(TransportError):
    """The input of a task is not the JSON text of ``[args, kwargs]``."""


class SerializationError(TransportError):
    """A value has no JSON form; the text names its type and where in the value it stands."""


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
        fault: SWF's own code, such as ``UnknownResourceFault``; where no answer came, the name
            of the client's exception, such as ``ReadTimeoutError``.
    """

    def __init__(self, message: str, *, fault: str) -> None:
        super().__init__(message)
        self.fault = fault


class UnknownResourceError(SWFError):
    """The task or its execution is closed, or there is no such domain, type or execution.

    Attributes:
        repeated: whether the client had sent the call before by itself; SWF may have taken that
            one, and its answer was lost.
    """

    def __init__(self, message: str, *, fault: str, repeated: bool = False) -> None:
        super().__init__(message, fault=fault)
        self.repeated = repeated


class OutOfReachError(SWFError):
    """Throttled, a server error, or no connection: the same call may work later.

    Attributes:
        may_have_arrived: whether SWF may have acted on the call, for its answer was lost.
    """

    def __init__(self, message: str, *, fault: str, may_have_arrived: bool = False) -> None:
        super().__init__(message, fault=fault)
        self.may_have_arrived = may_have_arrived


class LimitExceededError(OutOfReachError):
    """Too many of something at once, such as more than 1,000 polls on one task list."""


class RefusedError(SWFError):
    """Refused for good: not valid, not permitted, no credentials. Asking again will not help."""


class CredentialsError(RefusedError):
    """No credentials, or such as SWF does not accept: renewed ones, or a policy, may help."""


class AlreadyExistsError(RefusedError):
    """What was to be registered is there already, or is there and deprecated."""


class DeprecatedError(RefusedError):
    """The type or domain is deprecated."""


class CallError(FlowyError):
    """The activity that was called did not complete.

    Attributes:
        reason: why, at most 256 characters.
        details: more, such as the traceback; None where there is none.
        workflow_id, run_id: the execution that ran it, for its history; None before there is one.
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


class LocalSWFError(FlowyError):
    """The local SWF cannot start; the text says what is missing."""
