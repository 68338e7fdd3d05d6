"""What protects the pages: whose requests are answered, and what a browser may do with them.

There is no login: the app listens on loopback and is for one person. Put it behind your own
login before anybody else can reach it.

Two settings are for a proxy that does that: ``PUBLIC_HOST`` is the host by which people reach it,
with the port where it is not HTTPS's own, and ``BEHIND_HTTPS`` says that they do by HTTPS.
"""

from __future__ import annotations

import hmac
import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request, session

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})

HEADERS = {
    # Nothing but our own style, script and forms; no page may frame ours.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    # A link for a colleague must not travel on in a Referer.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def protect(app: Flask, secret_key: str) -> None:
    """Check each request before the app sees it, and say in each answer what it may do."""
    app.secret_key = secret_key
    app.config.update(
        SESSION_COOKIE_NAME="approvals",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",  # Strict would leave out those who come by a link
        SESSION_COOKIE_SECURE=app.config.get("BEHIND_HTTPS", False),
        MAX_CONTENT_LENGTH=64 * 1024,
    )
    app.jinja_env.globals["csrf"] = csrf_token
    public = str(app.config.get("PUBLIC_HOST", "")).lower()
    app.before_request(lambda: check(public))
    app.after_request(add_headers)


def csrf_token() -> str:
    """The session's own word, without which no form is taken."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(32)
    return str(session["csrf"])


def check(public: str = "") -> None:
    """Refuse requests for another host (DNS rebinding), from another site, or without our word."""
    own_host = request.host.lower()
    host = own_host.rpartition(":")[0] if own_host[-1:].isdigit() else own_host
    if (host or own_host) not in LOOPBACK and own_host != public:
        abort(403, "This app answers requests for a loopback host, or its PUBLIC_HOST, only.")
    if request.method != "POST":
        return
    origin = request.headers.get("Origin")
    # A proxy passes the Host on, or puts that of the app in its place.
    if origin is not None and urlsplit(origin).netloc.lower() not in {own_host, public} - {""}:
        abort(403, "This app takes no forms from other sites.")
    given, own = request.form.get("csrf", ""), session.get("csrf", "")
    if not own or not hmac.compare_digest(given.encode(), own.encode()):
        abort(403, "This form is too old, or not ours. Go back and load the page again.")


def add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers[name] = value
    if request.path.startswith("/static/"):
        response.headers["Cache-Control"] = "no-cache"
    return response
