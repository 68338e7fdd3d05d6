"""One HTTP answer as a test wants it: SWF's own, or what a proxy or a bad network makes of it."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, replace
from http import HTTPStatus

#: The header by which an answer shows that it is SWF's own; its value is never the same twice.
REQUEST_ID = b"x-amzn-RequestId: 00000000-0000-4000-8000-%012x\r\n"

#: What SWF answers to a poll when it has held it for a minute and no task came.
EMPTY_POLL = b'{"startedEventId":0}'

_request_numbers = itertools.count(1)


def request_id() -> bytes:
    """Return the header with the next request id, its line end included."""
    return REQUEST_ID % next(_request_numbers)


@dataclass(frozen=True)
class Reply:
    """One HTTP answer, and how it is sent.

    Attributes:
        body: sent as it is; None for what SWF would say.
        status: the HTTP status.
        request_id: whether the header ``x-amzn-RequestId`` is sent.
        headers: sent after the others: lines without their line ends.
        content_type: None for none.
        length: whether ``Content-Length`` is sent; without it, the end of the connection is the
            end of the body.
        then: what becomes of it: ``keep`` sends it and keeps the connection, ``truncate`` closes
            the connection after half of the body, ``truncate-head`` after half of the headers,
            ``hang`` sends nothing and keeps the connection open.
        trickle: the part that is sent byte by byte: ``head`` (and the body after it) or ``body``;
            None sends all of it at once.
        every_seconds: the time between two bytes that trickle.
        carried_out: whether the call is carried out before this is sent in place of its answer.
    """

    body: bytes | None = b""
    status: int = 200
    request_id: bool = True
    headers: tuple[str, ...] = ()
    content_type: str | None = "application/x-amz-json-1.0"
    length: bool = True
    then: str = "keep"
    trickle: str | None = None
    every_seconds: float = 1.0
    carried_out: bool = False

    def saying(self, body: bytes) -> Reply:
        """Return this answer with *body* if it has no body of its own."""
        return replace(self, body=body) if self.body is None else self

    def head(self) -> bytes:
        """Return the status line and the headers, the empty line included."""
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        if self.content_type is not None:
            lines.append(f"Content-Type: {self.content_type}")
        if self.length:
            lines.append(f"Content-Length: {len(self.body or b'')}")
        if not self.keeps_connection:
            lines.append("Connection: close")
        text = "".join(f"{line}\r\n" for line in (*lines, *self.headers)).encode()
        return text + (request_id() if self.request_id else b"") + b"\r\n"

    @property
    def keeps_connection(self) -> bool:
        """Whether the connection stays open when all is sent."""
        return self.then in ("keep", "hang") and self.length

    def parts(self) -> tuple[bytes, bytes]:
        """Return what is sent at once, and what trickles after it."""
        head, body = self.head(), self.body or b""
        if self.then == "hang":
            return b"", b""
        if self.then == "truncate":
            body = body[: len(body) // 2]
        elif self.then == "truncate-head":
            head, body = head[: len(head) // 2], b""
        if self.trickle == "head":
            return b"", head + body
        return (head, body) if self.trickle == "body" else (head + body, b"")


def error_reply(kind: object, *, status: int = 400, message: str = "no") -> Reply:
    """Return an error as SWF and AWS's front doors write them.

    Args:
        kind: the value of ``__type``, which is a text unless a test wants something else.
    """
    return Reply(json.dumps({"__type": kind, "message": message}).encode(), status)
