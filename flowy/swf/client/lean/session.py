"""Sends the requests that botocore has prepared, and raises botocore's errors.

botocore's ``Endpoint`` first asks the handlers of its event ``before-send`` for an answer, and
sends the request through its ``http_session`` only if none has one. This session replaces that
``http_session``. It cannot be a handler of the event: botocore calls every handler even if another
has answered, so a poll would go to SWF although a mock has answered it.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ....safe_logging import get_logger
from .answer import BrokenAnswerError
from .opening import HandshakeError
from .origin import origin_of
from .pool import ConnectionPool

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse

    from .answer import HTTPAnswer
    from .connection import Connection
    from .origin import Origin

logger = get_logger(__name__)

#: Headers that ask for more than a plain exchange.
_ODD_HEADERS = frozenset(
    {"accept-encoding", "connection", "expect", "host", "te", "trailer", "transfer-encoding"}
)

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@functools.lru_cache(maxsize=64)
def _start_of(name: object) -> bytes | None:
    """Return a header up to its value; None if botocore must send it."""
    if type(name) is not str or not _NAME.fullmatch(name) or name.lower() in _ODD_HEADERS:
        return None
    return f"{name}: ".encode("ascii")


class LeanSession:
    """Replaces botocore's ``URLLib3Session`` in one client.

    Args:
        botocores: the replaced session; requests that are not like SWF's go through it.
        pool: the connections.
        origin: the origin to which they connect.
        read_timeout: seconds from one part of an answer to the next; None for no limit.
    """

    def __init__(
        self, botocores: Any, pool: ConnectionPool, origin: Origin, read_timeout: float | None
    ) -> None:
        # Imported late: this package is loaded before botocore is needed.
        from botocore import awsrequest, exceptions

        self._response = awsrequest.AWSResponse
        self._errors = exceptions
        self._botocores = botocores
        self._pool = pool
        self._origin = origin
        self._read_timeout = read_timeout
        self._has_logged = False
        self._opening = (
            f"POST / HTTP/1.1\r\nHost: {origin.host_header}\r\nAccept-Encoding: identity\r\n"
        ).encode("ascii")

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """Send a request once and return its answer.

        Raises:
            HTTPClientError: the subclass that botocore's own session would raise.
        """
        data = self._bytes_of(request)
        if data is None:
            return self._send_by_botocore(request)
        connection = self._connect(request)
        try:
            answer = self._exchange(connection, data, request)
        except BaseException:
            self._pool.discard(connection)
            raise
        if answer.reusable:
            self._pool.give_back(connection)
        else:
            self._pool.discard(connection)
        headers: Any = answer.headers
        return self._response(request.url, answer.status, headers, _Body(answer.body))

    def _send_by_botocore(self, request: AWSPreparedRequest) -> AWSResponse:
        if not self._has_logged:
            self._has_logged = True
            logger.info(
                "Requests other than plain calls to %s go through botocore's own HTTP connections.",
                self._origin.host_header,
            )
        response: AWSResponse = self._botocores.send(request)
        return response

    def close(self) -> None:
        """Close the connections that no call uses."""
        self._pool.close()
        self._botocores.close()

    def _bytes_of(self, request: AWSPreparedRequest) -> bytes | None:
        """Return the bytes to send; None if the request is not like SWF's."""
        body = request.body
        if (
            request.method != "POST"
            or type(body) is not bytes
            or request.stream_output
            or origin_of(request.url) != self._origin
            or (getattr(request, "context", None) or {}).get("read_timeout") is not None
        ):
            return None
        lines: list[bytes] = []
        headers: Any = request.headers
        for name, value in headers.items():
            start = _start_of(name)
            if type(value) is str and value.isascii():
                # botocore encodes the headers that it signs, but adds Content-Length as text.
                value = value.encode("ascii")
            if start is None or type(value) is not bytes:
                return None
            lines.append(b"%s%s\r\n" % (start, value))
        if b"Content-Length: %d\r\n" % len(body) not in lines:
            return None  # the rest of the body would be a request of its own
        head = b"".join(lines)
        if head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines):
            return None
        return b"%s%s\r\n%s" % (self._opening, head, body)

    def _connect(self, request: AWSPreparedRequest) -> Connection:
        url = request.url
        try:
            return self._pool.take()
        except TimeoutError as error:
            raise self._errors.ConnectTimeoutError(endpoint_url=url, error=error) from error
        except HandshakeError as error:
            cause: Any = error.__cause__
            if isinstance(cause, ConnectionError):
                raise self._errors.ConnectionClosedError(
                    error=cause, request=request, endpoint_url=url
                ) from cause
            raise self._errors.SSLError(endpoint_url=url, error=cause) from cause
        except OSError as error:
            raise self._errors.EndpointConnectionError(endpoint_url=url, error=error) from error
        except Exception as error:
            raise self._errors.HTTPClientError(error=error) from error

    def _exchange(
        self, connection: Connection, data: bytes, request: AWSPreparedRequest
    ) -> HTTPAnswer:
        url = request.url
        try:
            return connection.exchange(data, self._read_timeout)
        except TimeoutError as error:
            raise self._errors.ReadTimeoutError(endpoint_url=url, error=error) from error
        except (OSError, BrokenAnswerError) as error:
            raise self._errors.ConnectionClosedError(
                error=error, request=request, endpoint_url=url
            ) from error
        except Exception as error:
            raise self._errors.HTTPClientError(error=error) from error


def can_replace(botocores: Any) -> bool:
    """Return whether a session of botocore's is called, and answers, as ``LeanSession`` does."""
    from botocore.awsrequest import AWSResponse

    headers: Any = {}
    return AWSResponse("", 200, headers, _Body(b"{}")).content == b"{}" and list(
        inspect.signature(botocores.send).parameters
    ) == ["request"]


class _Body:
    """A body, with the methods that ``AWSResponse`` uses."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Iterable[bytes]:
        """Return the body, in one part."""
        return (self._body,)

    def read(self, *_: Any) -> bytes:
        """Return the whole body."""
        return self._body
