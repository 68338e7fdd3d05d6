"""Signs SWF's one kind of request with SigV4, and keeps the signing key of the day.

botocore derives the signing key anew for each request, and walks through the headers several times.
The signer here computes the same signature, and passes any other request to botocore's own code. It
is plugged in by botocore's event ``choose-signer``. Credentials, their refresh and the region stay
with botocore.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import logging
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from .origin import origin_of

if TYPE_CHECKING:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

#: The name by which ``choose-signer`` asks for this signer.
SIGNATURE_VERSION = "flowy-v4"

#: botocore's name for SigV4.
_STANDARD_VERSION = "v4"

#: Headers that a signer sets itself, or that change what is signed.
_NOT_PLAIN = frozenset(
    {"authorization", "date", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"}
)

#: At level DEBUG, botocore logs each step of a signature here.
_botocore_log = logging.getLogger("botocore.auth")


@functools.cache
def kept_key_signer() -> type[SigV4Auth]:
    """Return the signer, a class like those in botocore's table of signers."""
    from botocore.auth import SIGNED_HEADERS_BLACKLIST, SigV4Auth

    class KeptKeySigner(SigV4Auth):
        """Signs SWF's requests with a kept key, and any other as botocore does."""

        def __init__(self, credentials: Any, service_name: str, region_name: str) -> None:
            super().__init__(credentials, service_name, region_name)
            self._place = (region_name, service_name, "aws4_request")

        def add_auth(self, request: AWSRequest) -> None:
            """Add the headers of a signature to a request."""
            headers = None
            if _are_plain(self.credentials) and not _botocore_log.isEnabledFor(logging.DEBUG):
                headers = _plain_headers(request, SIGNED_HEADERS_BLACKLIST)
            if headers is None:
                super().add_auth(request)
            else:
                _sign(request, headers, self.credentials, self._place)

    return KeptKeySigner


def _are_plain(credentials: Any) -> bool:
    return (
        credentials is not None
        and type(credentials.access_key) is str
        and type(credentials.secret_key) is str
        and (
            credentials.token is None
            or (type(credentials.token) is str and credentials.token.isascii())
        )
    )


def _plain_headers(request: AWSRequest, unsigned: list[str]) -> dict[str, str] | None:
    """Return the headers to sign, by lower-case names; None if botocore's code must sign them."""
    origin = origin_of(request.url)
    if (
        origin is None
        or request.method != "POST"
        or type(request.data) is not bytes
        or not request.data
        or request.params
        or not request.context.get("payload_signing_enabled", True)
        or request.context.get("checksum")
    ):
        return None
    headers = {"host": origin.host_header}
    for name, value in request.headers.items():
        small = name.lower()
        if small in unsigned:
            continue
        if (
            type(value) is not str
            or small in headers
            or small in _NOT_PLAIN
            or small != small.strip()
        ):
            return None
        headers[small] = " ".join(value.split())
    return headers


def _sign(
    request: AWSRequest, headers: dict[str, str], credentials: Any, place: tuple[str, ...]
) -> None:
    """Add the headers of a signature."""
    stamp = now().strftime("%Y%m%dT%H%M%SZ")
    request.context["timestamp"] = stamp
    request.headers["X-Amz-Date"] = headers["x-amz-date"] = stamp
    if credentials.token:
        request.headers["X-Amz-Security-Token"] = credentials.token
        headers["x-amz-security-token"] = " ".join(credentials.token.split())
    names = sorted(headers)
    signed_names = ";".join(names)
    lines = "".join([f"{name}:{headers[name]}\n" for name in names])
    canonical = f"POST\n/\n\n{lines}\n{signed_names}\n{_sha256(request.data or b'')}"
    scope = "/".join((stamp[:8], *place))
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{_sha256(canonical.encode())}"
    key = _key(credentials.secret_key, stamp[:8], *place)
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    request.headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={signed_names}, Signature={signature}"
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@functools.lru_cache(maxsize=8)
def _key(secret: str, *parts: str) -> bytes:
    """Return the key of a day, region and service; only a few are in use at a time."""
    key = f"AWS4{secret}".encode()
    for part in parts:
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def now() -> datetime:
    """Return the current time, which is part of a signature."""
    return datetime.now(timezone.utc)


@functools.cache
def signs_alike() -> bool:
    """Return whether this version of botocore signs a request of SWF's as this signer does."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import ReadOnlyCredentials

    credentials = ReadOnlyCredentials("key", "secret", "token")
    for _ in range(3):  # a second may pass between the two
        signed = []
        for signer in (kept_key_signer(), SigV4Auth):
            request = AWSRequest(
                "POST",
                "https://swf.us-east-1.amazonaws.com/",
                {"X-Amz-Target": "SimpleWorkflowService.X", "User-Agent": "flowy", "Baggage": "x"},
                b"{}",
            )
            signer(credentials, "swf", "us-east-1").add_auth(request)
            signed.append(request.headers.items())
        if signed[0] == signed[1]:
            return True
    return False


def is_as_tested() -> bool:
    """Return whether this signer agrees with botocore's, or botocore uses a different one."""
    return not _is_standard() or signs_alike()


def plug_in(events: Any) -> None:
    """Let a client use this signer if it would use botocore's ``SigV4Auth``.

    The handlers of other code, which may choose another signer, come first.
    """
    from botocore.auth import AUTH_TYPE_MAPS

    if _is_standard():
        AUTH_TYPE_MAPS[SIGNATURE_VERSION] = kept_key_signer()
        events.register_last("choose-signer", _choose)


def _is_standard() -> bool:
    """Return whether botocore signs with its own Python code, and not with awscrt."""
    from botocore.auth import AUTH_TYPE_MAPS, SigV4Auth

    return AUTH_TYPE_MAPS.get(_STANDARD_VERSION) is SigV4Auth


def _choose(signature_version: str | None = None, **_: Any) -> str | None:
    return SIGNATURE_VERSION if signature_version == _STANDARD_VERSION else None
