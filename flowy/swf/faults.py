"""What a client raised, as Flowy's errors: what heals, what does not, and what is closed.

SWF's model names eight faults; the throttles, the refusals of AWS's front doors and the failures
of the way there are codes and exceptions of other makers. Everything above this room asks only
which kind of ``SWFError`` it has to do with.

botocore's exceptions are known by their names: it is not imported where no client is made.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

from ..exception import (
    AlreadyExistsError,
    CredentialsError,
    DeprecatedError,
    LimitExceededError,
    OutOfReachError,
    RefusedError,
    SWFError,
    UnknownResourceError,
)

#: Codes of throttling; SWF's own is ThrottlingException, the others come from AWS's front doors.
_THROTTLES = frozenset(
    {
        "ThrottlingException",
        "Throttling",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "SlowDown",
        "ServiceUnavailable",
        "InternalFailure",
        "InternalServerError",
    }
)
#: The model has LimitExceededFault, the quotas page says LimitExceededException.
_LIMITS = frozenset({"LimitExceededFault", "LimitExceededException"})
#: Codes by which AWS's front doors, and SWF's policies, refuse the caller.
_NOT_ALLOWED = (
    "AccessDeniedException",
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
_FAULTS: dict[str, type[SWFError]] = {
    **dict.fromkeys(_NOT_ALLOWED, CredentialsError),
    "TypeAlreadyExistsFault": AlreadyExistsError,
    "DomainAlreadyExistsFault": AlreadyExistsError,
    "WorkflowExecutionAlreadyStartedFault": AlreadyExistsError,
    "TypeDeprecatedFault": DeprecatedError,
    "DomainDeprecatedFault": DeprecatedError,
}

#: With these a proxy says that it has no answer to what it may have passed on.
_LOST_BEHIND_A_PROXY = frozenset({408, 502, 504})

#: What botocore reads answers with. It raises anything at all over one that SWF did not write.
_PARSER = "botocore.parsers"

#: Exceptions of botocore, by name, that say that there are no usable credentials.
_NO_CREDENTIALS: dict[str, str] = {
    "NoCredentialsError": "there are no AWS credentials. Set AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY, a profile or a role",
    "PartialCredentialsError": "the AWS credentials are not complete",
    "CredentialRetrievalError": "the AWS credentials cannot be had",
    "TokenRetrievalError": "the SSO token cannot be had. Log in again",
    "SSOTokenLoadError": "the SSO token cannot be read. Log in again",
    "UnauthorizedSSOTokenError": "the SSO session has ended. Log in again",
}

#: Exceptions of botocore that no repetition heals; every other one of botocore's own is about
#: the way to SWF.
_HOPELESS: dict[str, str] = {
    "NoRegionError": "no AWS region is set. Set AWS_DEFAULT_REGION, or a region in the profile",
    "InvalidRegionError": "the AWS region is not valid",
    "ProfileNotFound": "the AWS profile does not exist",
    "ParamValidationError": "the parameters are not valid",
}


#: Exceptions of botocore that come before anything was sent.
_NEVER_SENT = frozenset(
    {
        "EndpointConnectionError",
        "ConnectTimeoutError",
        "ProxyConnectionError",
        "SSLError",
        "ConnectionRefusedError",
    }
)


def translated(error: Exception, method: str) -> SWFError:
    """Return Flowy's error for what a client raised.

    The text of a fault is kept for the reader, but for those of which ``repeats_values`` is
    true: of these the code alone is kept.
    """
    response = getattr(error, "response", None)
    if isinstance(response, Mapping) and "Error" in response:
        return _translated_fault(response, method)
    name = type(error).__name__
    names = [kind.__name__ for kind in type(error).__mro__]
    for kind, texts in ((CredentialsError, _NO_CREDENTIALS), (RefusedError, _HOPELESS)):
        for known in names:
            if known in texts:
                return kind(f"Cannot {method}: {texts[known]} ({name}).", fault=name)
    # Memory may be short for a moment, and because of another thread's activity.
    if _came_through(_PARSER, error):
        return unreadable(method)
    healing = isinstance(error, OSError | MemoryError)
    if healing or {"BotoCoreError", "HTTPClientError"} & set(names):
        return OutOfReachError(
            f"Cannot {method}: no answer from SWF ({name}).",
            fault=name,
            may_have_arrived=not _NEVER_SENT & set(names),
        )
    return RefusedError(f"Cannot {method}: the client raised {name}.", fault=name)


def unreadable(method: str) -> OutOfReachError:
    """Return the error for an answer that is not SWF's: a proxy's page, say, or half an answer."""
    return OutOfReachError(
        f"Cannot {method}: the answer cannot be read.",
        fault="UnreadableAnswer",
        may_have_arrived=True,
    )


def repeats_values(error: Exception) -> bool:
    """Whether its text repeats the value that is refused, which may be a result or a token."""
    response = getattr(error, "response", None)
    if isinstance(response, Mapping) and "Error" in response:
        return bool(response["Error"].get("Code") == "ValidationException")
    return type(error).__name__ == "ParamValidationError"


def _translated_fault(response: Mapping[str, Any], method: str) -> SWFError:
    code = str(response["Error"].get("Code", ""))
    # SWF names its faults. A bare status is a proxy's word, and no verdict on the call.
    named = bool(code) and not code.isdigit()
    metadata = response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode", 0)
    text = str(response["Error"].get("Message", ""))
    said = f": {text}" if text and code != "ValidationException" else ""
    message = f"Cannot {method}: SWF answered {code or status}{said}"
    if code in _LIMITS:
        return LimitExceededError(message, fault=code)
    if code in _THROTTLES or status == 429 or status >= 500 or not named:
        lost = not named and status in _LOST_BEHIND_A_PROXY
        return OutOfReachError(message, fault=code or str(status), may_have_arrived=lost)
    if code == "UnknownResourceFault":
        repeated = metadata.get("RetryAttempts", 0) > 0
        return UnknownResourceError(message, fault=code, repeated=repeated)
    return _FAULTS.get(code, RefusedError)(message, fault=code)


def _came_through(module: str, error: BaseException) -> bool:
    """Whether *error* was raised by a function of this module, or by what that called."""
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    return any(frame.f_globals.get("__name__") == module for frame in frames)
