"""A web page that shows the state of a local SWF.

The server has static files, and JSON that the page's script fetches. It answers only known Hosts
(``flowy.loopback.address``), without CORS headers, and its content security policy allows no script
but the page's own. Users may put markup into workflow ids, inputs and results; the script inserts
them as text.

Two POST requests change something: they terminate an execution, or request its cancellation. Such a
request needs the server's own Origin and a token that only a page of this origin can read, so no
other web page can send it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..loopback.address import Address
from ..loopback.server import BODY_SECONDS, LoopbackHandler
from .local_server import LocalServer
from .wire_faults import Answer

#: Takes a name and parameters, returns a JSON-serializable value; None if it does not exist.
PageData = Callable[[str, "dict[str, str]"], "Any | None"]

#: Carries out an action of SWF with these parameters; returns an HTTP status and JSON text.
Act = Callable[[str, "dict[str, str]"], Answer]

#: By path: SWF's action, and its parameters in addition to those of the page.
_ACTIONS = {
    "/act/terminate": (
        "TerminateWorkflowExecution",
        {"reason": "Terminated on the page of the local SWF"},
    ),
    "/act/cancel": ("RequestCancelWorkflowExecution", {}),
}

#: The largest body of a POST request, in bytes: JSON with three names of 256 characters.
_MAX_ACT_BYTES = 16 * 1024

#: The scripts, in the order in which the page loads them.
_SCRIPTS = ("values", "elements", "executions", "execution", "acting", "page")

#: By path: file name and content type.
_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    **{f"/{name}.js": (f"{name}.js", "text/javascript; charset=utf-8") for name in _SCRIPTS},
}

_HEADERS = {
    "Content_Security_Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X_Content_Type_Options": "nosniff",
    "Referrer_Policy": "no-referrer",
    "Cross_Origin_Resource_Policy": "same-origin",
    "Cache_Control": "no-store",
}


class Page(LocalServer):
    """The server of the page.

    Args:
        address: where to listen, and for which hosts.
        port: the port; 0 takes a free one.
        data: returns the data that the page shows.
        act: carries out the action of a button on the page.

    Raises:
        OSError: the port is in use or not permitted.
    """

    def __init__(self, address: Address, port: int, data: PageData, act: Act) -> None:
        super().__init__(address, port, _Connection)
        self.data = data
        self.act = act
        self.token = secrets.token_urlsafe()
        folder = files("flowy.local").joinpath("files")
        self.files = {
            path: (folder.joinpath(name).read_bytes(), kind)
            for path, (name, kind) in _FILES.items()
        }


class _Connection(LoopbackHandler):
    """One connection of a browser."""

    server: Page

    def do_GET(self) -> None:  # noqa: N802 - http.server's name
        try:
            url = urlsplit(self.path)
        except ValueError:  # such as http://[
            self.send_error(400, "The address of the page cannot be read.")
            return
        if url.path in self.server.files:
            body, kind = self.server.files[url.path]
            self.send(200, body, kind, **_HEADERS)
        elif url.path == "/look/token":
            self._send_json(200, self.server.token)
        elif url.path.startswith("/look/"):
            found = self.server.data(url.path.removeprefix("/look/"), dict(parse_qsl(url.query)))
            self._send_json(404 if found is None else 200, found)
        else:
            self.send_error(404, "This page does not exist.")

    def do_POST(self) -> None:  # noqa: N802 - http.server's name
        length = self.content_length() or 0
        if length > _MAX_ACT_BYTES:
            self.discard_body()
            self.send_error(413, "The request is too large.")
            return
        self.connection.settimeout(BODY_SECONDS)
        body = self.rfile.read(length)
        self.connection.settimeout(None)
        token = self.headers.get("X-Flowy-Token", "")
        if self.path not in _ACTIONS:
            self.send_error(501)
        elif "Origin" not in self.headers:  # foreign ones were refused already
            self.send_error(403, "The request has no Origin.")
        elif not secrets.compare_digest(token.encode(), self.server.token.encode()):
            self.send_error(403, "The token is not this page's. Reload the page.")
        else:
            self._act(body)

    def _act(self, body: bytes) -> None:
        try:
            given = json.loads(body)
            parameters = {name: given[name] for name in ("domain", "workflowId", "runId")}
        except (ValueError, RecursionError, TypeError, KeyError):
            self.send_error(400, "The request does not name an execution.")
            return
        action, more = _ACTIONS[self.path]
        status, text = self.server.act(action, {**parameters, **more})
        self.send(status, text.encode() or b"{}", "application/json", **_HEADERS)

    def _send_json(self, status: int, value: Any) -> None:
        self.send(status, json.dumps(value).encode(), "application/json", **_HEADERS)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        self.close_connection = True
        text = f"{code} {message or 'This page does not answer such requests.'}\n"
        self.send(int(code), text.encode(), "text/plain; charset=utf-8", **_HEADERS)
