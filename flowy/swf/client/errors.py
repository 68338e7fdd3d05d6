"""Translates a client's exceptions into Flowy's errors: transient, refused or closed.

SWF's model names its faults. Throttling, refusals by AWS's front ends and broken connections have
other codes and exceptions. Only SWF's own faults judge a call; everything else may be transient.
The layers above only need the kind of ``SWFError``.

botocore's exceptions are recognized by name, because botocore is not imported before a client is
made.
"""

from __future__ import annotations

import traceback
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
from .error_texts import SHORTAGES, no_region, own_text, place, service, unreadable_file

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

#: Exceptions of botocore, by name, for credentials that are missing or unusable.
_NO_CREDENTIALS: dict[str, str] = {
    "NoCredentialsError": "no AWS credentials were found. Set AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY, a profile or a role",
    "PartialCredentialsError": "the AWS credentials are not complete",
    "CredentialRetrievalError": "the AWS credentials cannot be retrieved",
    "TokenRetrievalError": "the SSO token cannot be retrieved. Log in again",
    "SSOTokenLoadError": "the SSO token cannot be read. Log in again",
    "UnauthorizedSSOTokenError": "the SSO session has ended. Log in again",
    "SSOError": "the SSO session cannot be used. Log in again",
    "LoginError": "the login session cannot be used. Log in again",
    "NoAuthTokenError": "no AWS token was found",
    "RefreshWithMFAUnsupportedError": "new credentials of the role need a code of an MFA device. "
    "Use a role without MFA",
}

#: Exceptions of botocore that are not transient; all its others are about the connection.
_LASTING: dict[str, str] = {
    "NoRegionError": "no AWS region is set",
    "InvalidRegionError": "the AWS region is not valid",
    "ProfileNotFound": "the AWS profile does not exist",
    "ParamValidationError": "the parameters are not valid",
    "ConfigParseError": "an AWS configuration file cannot be read",
    "ConfigNotFound": "an AWS configuration file is missing",
    "InvalidConfigError": "the AWS configuration is not valid",
    "InfiniteLoopConfigError": "the AWS profiles refer to each other in a circle",
    "InvalidProxiesConfigError": "the proxies are not configured as botocore expects",
    "MissingDependencyException": "botocore lacks a package that the AWS configuration needs",
    "UnknownRegionError": "the AWS region is unknown",
    "UnknownSignatureVersionError": "the signature version is unknown",
    "UnsupportedSignatureVersionError": "the signature version is not supported",
    "UnknownEndpointError": "no endpoint is known for this region",
    "EndpointProviderError": "no endpoint is known for this region",
}

#: Those of the two tables above whose own texts contain only files, profiles and settings.
_SAFE_TEXTS = _LASTING.keys() - {"NoRegionError", "ParamValidationError"} | {
    "PartialCredentialsError",
    "UnauthorizedSSOTokenError",
}

#: The faults of a ``RefusedError`` for settings: whatever is called, the client refuses it.
_SETTINGS = _LASTING.keys() - {"ParamValidationError"} | {"SSLError"}

#: The "method" of ``connect``, for the texts of its errors.
MAKE_A_CLIENT = "make a client"

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
    if isinstance(error, SWFError):
        return error
    response = getattr(error, "response", None)
    if isinstance(response, Mapping) and isinstance(response.get("Error"), Mapping):
        operation = getattr(error, "operation_name", None)
        return _translated_fault(response, method, str(operation or action_of(method)), client)
    name = type(error).__name__
    names = [kind.__name__ for kind in type(error).__mro__]
    for kind, texts in ((CredentialsError, _NO_CREDENTIALS), (RefusedError, _LASTING)):
        for known in names:
            if known in texts:
                said = no_region() if known == "NoRegionError" else texts[known]
                own = own_text(error, always=True) if known in _SAFE_TEXTS else ""
                return kind(f"Cannot {method}: {said} ({name}){own}.", fault=name)
    if method == MAKE_A_CLIENT and not _is_shortage(error):
        return _not_made(error, name)
    if path := unreadable_file(error):
        return _file_needed(error, method, path)
    if isinstance(error, ForeignBodyError) or _came_through(_PARSER, error):
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
    return RefusedError(f"Cannot {method}: the client raised {name}.", fault=name)


def _file_needed(error: Exception, method: str, path: str) -> SWFError:
    """Return the error for a file that a call needs: nothing was sent to SWF."""
    name = type(error).__name__
    if name == "SSLError":
        return RefusedError(
            f"Cannot {method}: the certificates in {path!r} cannot be read ({name})"
            f"{own_text(error)}. Set AWS_CA_BUNDLE to a file of certificates.",
            fault=name,
        )
    return CredentialsError(
        f"Cannot {method}: a file for the AWS credentials cannot be read ({name}): {path!r}"
        f"{own_text(error)}.",
        fault=name,
    )


def _is_shortage(error: Exception) -> bool:
    """Return whether the machine was short of a resource, rather than the settings wrong."""
    if isinstance(error, OSError):
        return error.errno in SHORTAGES
    return isinstance(error, MemoryError)


def _not_made(error: Exception, name: str) -> RefusedError:
    """Return the error for a client that cannot be made, because the setup is wrong."""
    text = own_text(error, always=True)
    way_out = ""
    if "Invalid endpoint" in text:
        way_out = " Give the endpoint with its scheme, such as http://127.0.0.1:4567."
    return RefusedError(f"Cannot {MAKE_A_CLIENT}: boto3 raised {name}{text}.{way_out}", fault=name)


def unreadable(method: str) -> TransientError:
    """Return the error for an answer that is not SWF's, such as a proxy's page."""
    return TransientError(
        f"Cannot {method}: the answer is not SWF's.",
        fault="UnreadableAnswer",
        may_have_arrived=True,
    )


def refuses_every_call(error: SWFError) -> bool:
    """Return whether a client refused a call for its settings, so that it refuses all others."""
    return isinstance(error, RefusedError) and error.fault in _SETTINGS


def repeats_values(error: Exception) -> bool:
    """Return whether a text repeats the refused value, which may be a result or a token."""
    response = getattr(error, "response", None)
    if isinstance(response, Mapping) and isinstance(response.get("Error"), Mapping):
        return bool(response["Error"].get("Code") == "ValidationException")
    return type(error).__name__ == "ParamValidationError"


def action_of(method: str) -> str:
    """Return SWF's name for a client's method, such as ``PollForActivityTask``."""
    return "".join(word.capitalize() for word in method.split("_"))


def _translated_fault(
    response: Mapping[str, Any], method: str, operation: str, client: Any
) -> SWFError:
    code = str(response["Error"].get("Code") or "")
    metadata = response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode", 0)
    text = str(response["Error"].get("Message") or "")
    said = f": {text}" if text and code != "ValidationException" else ""
    # STS, which provides credentials, has other operations; a proxy sends no request id.
    headers = metadata.get("HTTPHeaders")
    own = operation == action_of(method) and (not headers or REQUEST_ID_HEADER in headers)
    message = f"Cannot {method}: {'SWF' if own else operation} answered {code or status}{said}"
    if code in NOT_ALLOWED:
        where = place(client)
        return CredentialsError(f"{message.rstrip('.')}.{where}" if where else message, fault=code)
    if own and code in _LIMITS:
        return LimitExceededError(message, fault=code)
    if own and code == "UnknownResourceFault":
        repeated = metadata.get("RetryAttempts", 0) > 0
        return UnknownResourceError(message, fault=code, repeated=repeated)
    if own and (code in _FAULTS or code.endswith("Fault")):
        return _FAULTS.get(code, RefusedError)(message, fault=code)
    # Throttling, a server error, or a code that SWF does not use does not judge the call. A bare
    # status comes from a proxy, which may have passed the call on.
    named = bool(code) and not code.isdigit()
    lost = not named and status in _LOST_BEHIND_A_PROXY
    return TransientError(message, fault=code or str(status), may_have_arrived=lost)


def _came_through(module: str, error: BaseException) -> bool:
    """Return whether a function of *module*, or one that it called, raised *error*."""
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    return any(frame.f_globals.get("__name__") == module for frame in frames)
