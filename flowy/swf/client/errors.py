"""Translates a client's exceptions into Flowy's errors: transient, refused or closed.

SWF's model names its faults. Throttling, refusals by AWS's front ends and broken connections have
other codes and exceptions. Only SWF's own faults judge a call; everything else may be transient.
The layers above only need the kind of ``SWFError``.

botocore's exceptions are recognized by name, because botocore is not imported before a client is
made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...exception import (
    AlreadyExistsError,
    CredentialsError,
    DeprecatedError,
    LimitExceededError,
    RefusedError,
    SWFError,
    TransientError,
    UnknownResourceError,
    ValidationError,
)
from .error_texts import own_text, place, service
from .setup_errors import (
    came_through,
    credentials_error,
    is_header_refused,
    refuses_every_call,
    setup_error,
)

#: LimitExceededFault in the model, LimitExceededException on the quotas page.
_LIMITS = frozenset({"LimitExceededFault", "LimitExceededException"})

#: Codes by which AWS throttles calls.
THROTTLES = frozenset(
    {
        "429",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)

#: Codes by which AWS's front ends, and SWF's policies, refuse the caller.
NOT_ALLOWED = (
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
    "OperationNotPermittedFault",
    "OptInRequired",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
)

#: SWF's codes that judge a call; other codes that end in Fault do so, too.
_FAULTS: dict[str, type[SWFError]] = {
    "ValidationException": ValidationError,
    "SerializationException": ValidationError,
    "TypeAlreadyExistsFault": AlreadyExistsError,
    "DomainAlreadyExistsFault": AlreadyExistsError,
    "WorkflowExecutionAlreadyStartedFault": AlreadyExistsError,
    "TypeDeprecatedFault": DeprecatedError,
    "DomainDeprecatedFault": DeprecatedError,
}

#: HTTP statuses of a proxy that got no answer to a call which it may have passed on.
_LOST_BEHIND_A_PROXY = frozenset({408, 502, 504})

#: The header that shows that an answer is SWF's.
REQUEST_ID_HEADER = "x-amzn-requestid"

#: botocore's module that parses answers, and may raise anything if one is not SWF's.
_PARSER = "botocore.parsers"

#: Exceptions of botocore that are raised before anything is sent.
_NEVER_SENT = frozenset(
    {
        "EndpointConnectionError",
        "ConnectTimeoutError",
        "ProxyConnectionError",
        "SSLError",
        "ConnectionRefusedError",
    }
)


class ForeignBodyError(ConnectionError):
    """The body of an answer is not SWF's; transient, like any ``ConnectionError``."""


def translated(error: Exception, method: str, client: Any = None) -> SWFError:
    """Return Flowy's error for an exception of *client* in *method*.

    The text of a fault, or of the client's own error, is kept for the reader; but only the code is
    kept if ``repeats_values`` is true of it.
    """
    try:
        return error if isinstance(error, SWFError) else _translated(error, method, client)
    except Exception:  # an attribute of a foreign client's exception may be or raise anything
        return _unknown(error, method)


def _translated(error: Exception, method: str, client: Any) -> SWFError:
    if (response := _response_of(error)) is not None:
        operation = getattr(error, "operation_name", None)
        return _translated_fault(response, method, str(operation or action_of(method)), client)
    name = type(error).__name__
    names = [kind.__name__ for kind in type(error).__mro__]
    if (ours := setup_error(error, method)) is not None:
        return ours
    if isinstance(error, ForeignBodyError) or came_through(_PARSER, error):
        return unreadable(method)
    # Another thread's activity may have used up the memory for a moment.
    passing = isinstance(error, OSError | MemoryError)
    if passing or {"BotoCoreError", "HTTPClientError"} & set(names):
        return TransientError(
            f"Cannot {method}: no answer from {service(error, client)} ({name})"
            f"{own_text(error)}.{place(client)}",
            fault=name,
            may_have_arrived=not _NEVER_SENT & set(names),
        )
    if (ours := credentials_error(error, method)) is not None:
        return ours
    return _unknown(error, method)


def _unknown(error: Exception, method: str) -> RefusedError:
    """Return the error for an exception that says nothing about the call."""
    name = type(error).__name__
    return RefusedError(f"Cannot {method}: the client raised {name}.", fault=name)


def _response_of(error: Exception) -> Mapping[str, Any] | None:
    """Return the answer that an exception reports, if it has botocore's form."""
    response = getattr(error, "response", None)
    has_form = isinstance(response, Mapping) and isinstance(response.get("Error"), Mapping)
    return response if has_form else None


def unreadable(method: str) -> TransientError:
    """Return the error for an answer that is not SWF's, such as a proxy's page."""
    return TransientError(
        f"Cannot {method}: the answer is not SWF's.",
        fault="UnreadableAnswer",
        may_have_arrived=True,
    )


def is_about_setup(error: SWFError) -> bool:
    """Return whether credentials or settings kept a call from being sent: nobody refused it."""
    missing = isinstance(error, CredentialsError) and error.fault not in NOT_ALLOWED
    return missing or refuses_every_call(error)


def repeats_values(error: Exception) -> bool:
    """Return whether a text repeats the refused value, which may be a result or a token."""
    try:
        response = _response_of(error)
    except Exception:  # such as a property that raises
        return True
    if response is not None:
        return bool(response["Error"].get("Code") == "ValidationException")
    return type(error).__name__ == "ParamValidationError" or is_header_refused(error)


def action_of(method: str) -> str:
    """Return SWF's name for a client's method, such as ``PollForActivityTask``."""
    return "".join(word.capitalize() for word in method.split("_"))


def _translated_fault(
    response: Mapping[str, Any], method: str, operation: str, client: Any
) -> SWFError:
    code = str(response["Error"].get("Code") or "")
    metadata = _mapping(response.get("ResponseMetadata"))
    status = metadata.get("HTTPStatusCode", 0)
    text = str(response["Error"].get("Message") or "")
    said = f": {text}" if text and code != "ValidationException" else ""
    # STS, which provides credentials, has other operations; a proxy sends no request id.
    headers = _mapping(metadata.get("HTTPHeaders"))
    own = operation == action_of(method) and (not headers or REQUEST_ID_HEADER in headers)
    message = f"Cannot {method}: {'SWF' if own else operation} answered {code or status}{said}"
    if code in NOT_ALLOWED:
        where = place(client)
        return CredentialsError(f"{message.rstrip('.')}.{where}" if where else message, fault=code)
    if own and code in _LIMITS:
        return LimitExceededError(message, fault=code)
    if own and code == "UnknownResourceFault":
        repeated = metadata.get("RetryAttempts") not in (0, None)
        return UnknownResourceError(message, fault=code, repeated=repeated)
    if own and (code in _FAULTS or code.endswith("Fault")):
        return _FAULTS.get(code, RefusedError)(message, fault=code)
    # Throttling, a server error, or a code that SWF does not use does not judge the call. A bare
    # status comes from a proxy, which may have passed the call on.
    named = bool(code) and not code.isdigit()
    lost = not named and status in _LOST_BEHIND_A_PROXY
    return TransientError(message, fault=code or str(status), may_have_arrived=lost)


def _mapping(found: object) -> Mapping[str, Any]:
    """Return *found*, or an empty mapping if a foreign client put something else in its place."""
    return found if isinstance(found, Mapping) else {}
