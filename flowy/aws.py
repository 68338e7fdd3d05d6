"""The way to AWS: makes boto3 clients, and says which of their errors may pass.

boto3 takes a tenth of a second to import, so it is imported when the first client is made.
botocore's exceptions are recognized by name, for the same reason.
"""

from __future__ import annotations

import platform
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ._version import __version__

#: Clients are thread-safe, but making one from the default session is not (boto3 docs).
_making = threading.Lock()

#: How long a connection may take, in seconds.
CONNECT_TIMEOUT_SECONDS = 5

#: Codes of a refusal that passes when credentials are renewed or a clock is set.
_PASSING_REFUSALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "TokenRefreshRequired",
    }
)

#: Codes of throttles, some of which come with status 400.
_THROTTLES = ("Throttl", "SlowDown", "TooManyRequests", "LimitExceeded", "RequestTimeout")

#: Exceptions of botocore that come again at each later try, and what is wrong. All its others are
#: about credentials or the connection.
LASTING: Mapping[str, str] = {
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

#: Modules whose exceptions botocore lets through when a connection breaks.
_BENEATH = ("urllib3.", "http.client")


@dataclass(frozen=True)
class Trouble:
    """What went wrong in a call to AWS.

    Attributes:
        fault: the service's code, such as ``AccessDenied``; or the name of the exception, if the
            service did not answer.
        status: the HTTP status of the answer; 0 without one.
        passes: whether the same call may work later.
    """

    fault: str
    status: int
    passes: bool


def make_client(service: str, *, region: str | None = None, **config: Any) -> Any:
    """Return a boto3 client from the default session.

    Args:
        service: its name for boto3, such as ``s3``.
        region: the region; None for that of the session.
        config: settings of ``botocore.config.Config``.
    """
    import boto3
    from botocore.config import Config

    settings: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "tcp_keepalive": True,
        # A fixed user agent, which botocore does not build for each request.
        "user_agent": f"flowy/{__version__} boto3/{boto3.__version__} "
        f"python/{platform.python_version()}",
        **config,
    }
    given: dict[str, Any] = {} if region is None else {"region_name": region}
    with _making:
        return boto3.client(service, config=Config(**settings), **given)  # type: ignore[call-overload]


def trouble_of(error: BaseException) -> Trouble | None:
    """Return what an exception of a client means; None if it is not one of boto3's."""
    names = {kind.__name__ for kind in type(error).__mro__}
    response = getattr(error, "response", None)
    if isinstance(response, Mapping) and isinstance(response.get("Error"), Mapping):
        code = str(response["Error"].get("Code") or "")
        status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
        throttled = any(code.startswith(known) for known in _THROTTLES)
        passes = status >= 500 or status == 429 or throttled or code in _PASSING_REFUSALS
        return Trouble(code or str(status), status, passes)
    if type(error).__module__.startswith(_BENEATH):  # within the body, after a good answer
        return Trouble(type(error).__name__, 0, True)
    if names & {"BotoCoreError", "HTTPClientError"}:
        return Trouble(type(error).__name__, 0, not names & LASTING.keys())
    if isinstance(error, OSError):
        return Trouble(type(error).__name__, 0, True)
    return None
