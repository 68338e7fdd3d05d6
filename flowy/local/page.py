"""A web page that shows what goes on in a local SWF.

The server has static files and JSON answers that the page's script fetches. It is read-only: it
answers GET only, for known Hosts only (``flowy.local.address``), without CORS headers, and its
content security policy allows no script but the page's own. Users may put markup into workflow
ids, inputs and results; the script inserts them as text.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .address import Address
from .loopback import LoopbackHandler, LoopbackServer

#: Takes a name and parameters, returns a JSON-serializable value; None if there is no such thing.
PageData = Callable[[str, "dict[str, str]"], "Any | None"]

#: Path -> file name and content type.
_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
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


class Page(LoopbackServer):
    """The server of the page.

    Args:
        address: where to listen, and for which hosts.
        port: the port; 0 takes a free one.
        data: returns what the page shows.

    Raises:
        OSError: the port is in use or not permitted.
    """

    def __init__(self, address: Address, port: int, data: PageData) -> None:
        super().__init__(address, port, _Connection)
        self.data = data
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
        elif url.path.startswith("/look/"):
            found = self.server.data(url.path.removeprefix("/look/"), dict(parse_qsl(url.query)))
            self._send_json(404 if found is None else 200, found)
        else:
            self.send_error(404, "There is no such page.")

    def _send_json(self, status: int, value: Any) -> None:
        self.send(status, json.dumps(value).encode(), "application/json", **_HEADERS)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        self.close_connection = True
        text = f"{code} {message or 'This page answers GET requests only.'}\n"
        self.send(int(code), text.encode(), "text/plain; charset=utf-8", **_HEADERS)
