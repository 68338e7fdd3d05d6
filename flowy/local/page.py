"""The page: a local SWF for people who would rather look.

Static files, and three looks in JSON that the page takes by itself.  It only looks: GET
and nothing else, for loopback Hosts only (``flowy.local.loopback``), without CORS, and
under a policy that runs no script but its own file.  Whatever users put into their
workflows is data: the script sets text, never markup.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flowy.local.loopback import LoopbackHandler, LoopbackServer

#: (what to look at, with which parameters) -> JSON; None where there is nothing.
Look = Callable[[str, "dict[str, str]"], "Any | None"]

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
    """Where people look.

    Args:
        port: the port; 0 takes a free one.
        look: what there is to see.

    Raises:
        OSError: the port is in use, or not ours to take.
    """

    def __init__(self, port: int, look: Look) -> None:
        super().__init__(port, _Connection)
        self.look = look
        folder = files("flowy.local").joinpath("files")
        self.files = {
            path: (folder.joinpath(name).read_bytes(), kind)
            for path, (name, kind) in _FILES.items()
        }


class _Connection(LoopbackHandler):
    """One connection of a browser."""

    server: Page

    def do_GET(self) -> None:  # noqa: N802 - http.server names it so
        asked = urlsplit(self.path)
        if asked.path in self.server.files:
            body, kind = self.server.files[asked.path]
            self.send(200, body, kind, **_HEADERS)
        elif asked.path.startswith("/look/"):
            parameters = dict(parse_qsl(asked.query))
            seen = self.server.look(asked.path.removeprefix("/look/"), parameters)
            self._send_json(404 if seen is None else 200, seen)
        else:
            self.send_error(404, "There is no such page.")

    def _send_json(self, status: int, value: Any) -> None:
        self.send(status, json.dumps(value).encode(), "application/json", **_HEADERS)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        self.close_connection = True
        text = f"{code} {message or 'This page is to be looked at, by GET.'}\n"
        self.send(int(code), text.encode(), "text/plain; charset=utf-8", **_HEADERS)
