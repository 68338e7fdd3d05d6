"""The parts of a client's error that the reader needs: its text, the service and the endpoint.

Whoever reads "no answer" must know which endpoint was tried, in which region, and why it failed: a
certificate, a name that does not resolve, a port on which no server listens. Texts in which
botocore may put parameters of a call are dropped, because these may be results and tokens.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import re
import traceback
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

#: Exceptions of botocore, by name, whose texts contain only endpoints, causes and settings.
_OWN_TEXTS = frozenset(
    {
        "ConnectTimeoutError",
        "ConnectionClosedError",
        "EndpointConnectionError",
        "ProxyConnectionError",
        "ReadTimeoutError",
        "SSLError",
    }
)

#: Other services that a client calls, by a label of their host names.
_SERVICES: Mapping[str, str] = {"sts": "STS", "sso": "SSO", "oidc": "SSO"}

#: Numbers of the system's errors that tell of a machine that is short of a resource for a moment.
SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})

#: User name and password in a URL.
_USER_INFO = re.compile(r"//[^/@\s]+@")


def own_text(error: BaseException, *, always: bool = False) -> str:
    """Return the text of a client's error, to end a sentence; empty if it may contain a value.

    Args:
        error: the client's error.
        always: True if no call was made, so that the text cannot contain its values.
    """
    names = {kind.__name__ for kind in type(error).__mro__}
    text = ""
    if always or ("BotoCoreError" in names and _OWN_TEXTS & names):
        text = without_password(str(error)).strip().rstrip(".")
    cause = _system_text(error)
    if cause and cause not in text:
        text = f"{text} ({cause})" if text else cause
    return f": {text}" if text else ""


def place(client: Any) -> str:
    """Return a sentence with a client's region and endpoint; empty if they are unknown."""
    meta = getattr(client, "meta", None)
    region, url = getattr(meta, "region_name", None), getattr(meta, "endpoint_url", None)
    if not isinstance(region, str) or not isinstance(url, str):
        return ""
    return f" Region {region}{_misled(region)}, endpoint {without_password(url)}."


def without_password(text: str) -> str:
    """Return a text whose URLs have no user name and no password."""
    return _USER_INFO.sub("//", text)


def on_loopback(url: object) -> bool:
    """Return whether an endpoint is on this machine's loopback; False if it is not a URL."""
    try:
        name = (urlsplit(url).hostname or "") if isinstance(url, str) else ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def no_region() -> str:
    """Return what to do if no region is set."""
    if os.environ.get("AWS_REGION"):
        return (
            "no AWS region is set: AWS_REGION is, but boto3 does not read it. Set "
            "AWS_DEFAULT_REGION, or a region in the profile"
        )
    return "no AWS region is set. Set AWS_DEFAULT_REGION, or a region in the profile"


def service(error: BaseException, client: Any) -> str:
    """Return which service did not answer: SWF, or one that provides credentials."""
    arguments = getattr(error, "kwargs", None)
    asked = arguments.get("endpoint_url") if isinstance(arguments, Mapping) else None
    own = getattr(getattr(client, "meta", None), "endpoint_url", None)
    host = _host(asked)
    if not host or host == _host(own):
        return "SWF"
    labels = host.partition(":")[0].split(".")
    found = next((name for label, name in _SERVICES.items() if label in labels), None)
    if found is None and isinstance(own, str):
        return host
    return found or "SWF"


def unreadable_file(error: BaseException) -> str:
    """Return the path of a file that could not be read and so made a call fail; empty if none."""
    for each in causes_of(error):
        if isinstance(each, OSError) and isinstance(path := each.filename or _ca_file(each), str):
            return "" if each.errno in SHORTAGES else path
    return ""


def _host(url: object) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2] if isinstance(url, str) else ""
    except ValueError:
        return ""


def _misled(region: str) -> str:
    other = os.environ.get("AWS_REGION")
    if not other or other == region:
        return ""
    return f" (AWS_REGION is {other}, but boto3 reads AWS_DEFAULT_REGION)"


def _ca_file(error: BaseException) -> object:
    """Return the file of certificates that urllib3 could not read, whose errors do not name it."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    if not frames or frames[-1].f_code.co_name != "ssl_wrap_socket":
        return None  # such as a failed handshake, which is raised further inside
    return frames[-1].f_locals.get("ca_certs")


def _system_text(error: BaseException) -> str:
    """Return the system's text for the innermost failure, such as "Connection refused"."""
    found = ""
    for each in causes_of(error):
        if isinstance(each, OSError) and isinstance(each.errno, int) and each.strerror:
            found = str(each.strerror)
    return found


def causes_of(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that led to it, from the outermost to the innermost."""
    seen = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__
