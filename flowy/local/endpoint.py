"""The HTTP endpoint of a local SWF: kept alive, quiet.

SWF is called by POST to ``/`` with the action in ``X-Amz-Target``.  werkzeug, which
moto's own server stands on, closes every connection after its answer; the standard
library's server keeps them, as SWF does, so a worker here meets the connections it
will meet there.
"""

from __future__ import annotations

import json
import socket
import uuid
from collections.abc import Callable

from flowy.local.loopback import BODY_SECONDS, LoopbackHandler, LoopbackServer

#: Largest request, in bytes: SWF's own limit ("Maximum request size: 1 MB per request").
MAX_REQUEST_BYTES = 1024 * 1024

#: (action, body, has the client gone?) -> (HTTP status, JSON text), or None, which breaks
#: the connection
Answerer = Callable[[str, bytes, Callable[[], bool]], "tuple[int, str] | None"]


class Endpoint(LoopbackServer):
    """Where SWF is called.

    Args:
        port: the port; 0 takes a free one.
        answer: what carries out a request; called on the connection's own thread.

    Raises:
        OSError: the port is in use, or not ours to take.
    """

    def __init__(self, port: int, answer: Answerer) -> None:
        super().__init__(port, _Connection)
        self.answer = answer


class _Connection(LoopbackHandler):
    """One connection, with as many requests as its client sends."""

    server: Endpoint

    def do_POST(self) -> None:  # noqa: N802 - http.server names it so
        length = self.content_length()
        if self.path != "/":
            self.discard_body()
            self.send_error(404, "SWF is called by POST to /.")
        elif length is None:
            self.send_error(411, "The request does not tell its Content-Length.")
        elif length > MAX_REQUEST_BYTES:
            self.discard_body()
            self.send_error(413, f"The request is larger than {MAX_REQUEST_BYTES} bytes.")
        else:
            self.connection.settimeout(BODY_SECONDS)
            body = self.rfile.read(length)
            self.connection.settimeout(None)
            whole = len(body) == length
            answer = self.server.answer(self._action(), body, self._gone) if whole else None
            if answer is None:
                self.close_connection = True
            else:
                self._send(*answer)

    def _action(self) -> str:
        target: str = self.headers.get("X-Amz-Target", "")
        return target.removeprefix("SimpleWorkflowService.")

    def _gone(self) -> bool:
        """Whether the client has hung up: nothing to read, but the end."""
        try:
            return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _send(self, status: int, text: str) -> None:
        kind = "application/x-amz-json-1.0"
        self.send(status, text.encode(), kind, x_amzn_RequestId=str(uuid.uuid4()))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        # In the form of SWF's faults, and without reading on: what follows is unknown.
        name = {403: "AccessDeniedException"}.get(code, "UnknownOperationException")
        self.close_connection = True
        self._send(int(code), json.dumps({"__type": name, "message": message or ""}))
