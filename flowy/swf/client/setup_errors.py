"""Errors of the client's setup: credentials, settings and files that the next call needs, too.

Nothing was sent to SWF, so such an error says nothing of the call. An outage passes; a wrong
setting fails every call until somebody changes it.
"""

from __future__ import annotations

import traceback
from urllib.parse import urlsplit

from ...aws import LASTING
from ...exception import CredentialsError, RefusedError, SWFError
from .error_texts import (
    SHORTAGES,
    causes_of,
    no_region,
    own_text,
    unreadable_file,
    without_password,
)

#: Exceptions of botocore about missing or unusable credentials, by name.
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

#: Those of both tables whose own texts contain only files, profiles and settings.
_SAFE_TEXTS = LASTING.keys() - {"NoRegionError", "ParamValidationError"} | {
    "PartialCredentialsError",
    "UnauthorizedSSOTokenError",
}

#: The faults of a ``RefusedError`` for settings: whatever is called, the client refuses it.
_SETTINGS = LASTING.keys() - {"ParamValidationError"} | {"SSLError"}

#: botocore's module that retrieves credentials, and may raise anything for wrong settings.
_CREDENTIALS = "botocore.credentials"

#: What errors of ``connect`` name as the failed method.
MAKE_A_CLIENT = "make a client"


#: How an endpoint is written.
_SCHEME = "Give the endpoint with its scheme, such as http://127.0.0.1:4567."


def setup_error(error: Exception, method: str) -> SWFError | None:
    """Return Flowy's error for an exception of a client that is set up wrongly; None for others.

    Args:
        error: what a method of the client raised, or the attempt to make one.
        method: the method, or ``MAKE_A_CLIENT``.
    """
    name = type(error).__name__
    names = [kind.__name__ for kind in type(error).__mro__]
    for kind, texts in ((CredentialsError, _NO_CREDENTIALS), (RefusedError, LASTING)):
        for known in names:
            if known in texts:
                said = no_region() if known == "NoRegionError" else texts[known]
                own = own_text(error, always=True) if known in _SAFE_TEXTS else ""
                return kind(f"Cannot {method}: {said} ({name}){own}.", fault=name)
    if method == MAKE_A_CLIENT and not _is_shortage(error):
        return _not_made(error, name)
    if path := unreadable_file(error):
        return _file_needed(error, method, path)
    if is_header_refused(error):
        return CredentialsError(
            f"Cannot {method}: the AWS credentials contain a line break, which no request can have "
            "in a header. Check AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN, or the profile.",
            fault=name,
        )
    return None


def credentials_error(error: Exception, method: str) -> CredentialsError | None:
    """Return the error for an exception of no kind that botocore knows; None if it is another's.

    A wrong setting of STS, for example, raises a plain ``ValueError`` when credentials are
    retrieved.
    """
    if not came_through(_CREDENTIALS, error):
        return None
    name = type(error).__name__
    return CredentialsError(
        f"Cannot {method}: the AWS credentials cannot be retrieved ({name})"
        f"{own_text(error, always=True)}.",
        fault=name,
    )


def check_endpoint(url: object) -> None:
    """Check the endpoint of a client: botocore takes schemes and ports that no call can use.

    Raises:
        RefusedError: no call can be made to it.
    """
    try:
        parts = urlsplit(str(url))
        usable = parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:  # such as a port of 65536
        usable = False
    if not usable:
        raise RefusedError(
            f"Cannot {MAKE_A_CLIENT}: no call can be made to endpoint "
            f"{without_password(str(url))}, because of its scheme or port. {_SCHEME}",
            fault="InvalidEndpoint",
        )


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
    if "Invalid endpoint" in text and "://" in text:
        way_out = " A host name has letters, digits, hyphens and dots alone."
    elif "Invalid endpoint" in text:
        way_out = f" {_SCHEME}"
    return RefusedError(f"Cannot {MAKE_A_CLIENT}: boto3 raised {name}{text}.{way_out}", fault=name)


def is_header_refused(error: Exception) -> bool:
    """Return whether Python's HTTP client refused a header; the others are Flowy's and boto3's.

    The text repeats the header, which may be the session token.
    """
    causes = (each for each in causes_of(error) if isinstance(each, ValueError))
    return any(str(each).startswith("Invalid header value") for each in causes)


def refuses_every_call(error: SWFError) -> bool:
    """Return whether a client refused a call for its settings, so that it refuses all others."""
    return isinstance(error, RefusedError) and error.fault in _SETTINGS


def came_through(module: str, error: BaseException) -> bool:
    """Return whether a function of *module*, or one that it called, raised *error*."""
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    return any(frame.f_globals.get("__name__") == module for frame in frames)
