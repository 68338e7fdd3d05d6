"""The HTTP endpoint of a local SWF.

SWF is called by POST to ``/`` with the action in ``X-Amz-Target``. moto's own server is built on
werkzeug, which closes every connection after its answer. SWF keeps connections open, and so does
the standard library's server, so that a worker is tested with connections like those to AWS.

boto 2 sends a longer prefix before the action than later clients, and SWF answers it with another
content type.
"""

from __future__ import annotations

import json
import socket
import uuid
from collections.abc import Callable

from ..loopback.address import Address
from ..loopback.server import BODY_SECONDS, LoopbackHandler
from .local_server import LocalServer
from .wire_faults import Answer

#: Largest request in bytes: SWF's own limit ("Maximum request size: 1 MB per request").
MAX_REQUEST_BYTES = 1024 * 1024

#: The content type of an answer, unless the client is boto 2.
_CONTENT_TYPE = "application/x-amz-json-1.0"

#: By the prefix of the action in X-Amz-Target: the content type of SWF's answer.
_PREFIXES = {
    "SimpleWorkflowService.": _CONTENT_TYPE,
    "com.amazonaws.swf.service.model.SimpleWorkflowService.": "application/json",
}

#: Takes the action, the body and a function that returns whether the client has hung up; returns
#: the answer, or None to close the connection without one.
Answerer = Callable[[str, bytes, Callable[[], bool]], "Answer | None"]


class Endpoint(LocalServer):
    """The server that speaks SWF's protocol.

    Args:
        address: where to listen, and for which hosts.
        port: the port; 0 takes a free one.
        answer: carries out a request; called on the connection's own thread.

    Raises:
        OSError: the port is in use or not permitted.
    """

    def __init__(self, address: Address, port: int, answer: Answerer) -> None:
        super().__init__(address, port, _Connection)
        self.answer = answer


class _Connection(LoopbackHandler):
    """One connection of a client, with any number of requests."""

    server: Endpoint
    _content_type = _CONTENT_TYPE

    def do_POST(self) -> None:  # noqa: N802 - http.server's name
        length = self.content_length()
        if self.path != "/":
            self.discard_body()
            self.send_error(404, "SWF is called by POST to /.")
        elif length is None:
            self.send_error(411, "The request has no Content-Length.")
        elif length > MAX_REQUEST_BYTES:
            self.discard_body()
            self.send_error(413, f"The request is larger than {MAX_REQUEST_BYTES} bytes.")
        else:
            self.connection.settimeout(BODY_SECONDS)
            body = self.rfile.read(length)
            self.connection.settimeout(None)
            complete = len(body) == length
            answer = self.server.answer(self._action(), body, self._gone) if complete else None
            if answer is None:
                self.close_connection = True
            else:
                self._send(*answer)

    def _action(self) -> str:
        target: str = self.headers.get("X-Amz-Target", "")
        prefix = next((each for each in _PREFIXES if target.startswith(each)), "")
        self._content_type = _PREFIXES.get(prefix, _CONTENT_TYPE)
        return target.removeprefix(prefix)

    def _gone(self) -> bool:
        """Return whether the client has hung up, so that only the end is left to read."""
        try:
            return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _send(self, status: int, text: str) -> None:
        # botocore shows the request id; an answer without one is not from SWF.
        request_id = str(uuid.uuid4())
        self.send(status, text.encode(), self._content_type, x_amzn_RequestId=request_id)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        # As an SWF fault. The connection is closed, because the rest of the request may be unread.
        name = {403: "AccessDeniedException"}.get(code, "UnknownOperationException")
        self.close_connection = True
        self._send(int(code), json.dumps({"__type": name, "message": message or ""}))
