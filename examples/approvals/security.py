"""Protects the pages: which requests are answered, and what a browser may do with the answers.

The app has no login: it listens on loopback and is for one person. Put it behind a login of your
own before anybody else can reach it.

Two settings are for a proxy with that login: ``PUBLIC_HOST`` is the host by which people reach the
proxy, with the port if it is not 443, and ``BEHIND_HTTPS`` says that they use HTTPS.
"""

from __future__ import annotations

import hmac
import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request, session

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})

HEADERS = {
    # Only our own style, script and forms, and no frame around our pages.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    # Other sites must not learn a link for a colleague from a Referer.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def protect(app: Flask, secret_key: str) -> None:
    """Check each request before the app sees it, and add the headers to each answer."""
    app.secret_key = secret_key
    app.config.update(
        SESSION_COOKIE_NAME="approvals",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",  # Strict would lock out whoever follows a link
        SESSION_COOKIE_SECURE=app.config.get("BEHIND_HTTPS", False),
        MAX_CONTENT_LENGTH=64 * 1024,
    )
    app.jinja_env.globals["csrf"] = csrf_token
    public = str(app.config.get("PUBLIC_HOST", "")).lower()
    app.before_request(lambda: check(public))
    app.after_request(add_headers)


def csrf_token() -> str:
    """Return the session's secret, which every form must have."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(32)
    return str(session["csrf"])


def check(public: str = "") -> None:
    """Refuse requests for another host (DNS rebinding), of another site, or without the secret."""
    # Werkzeug reads a Host that is none, as "a!b" and "a_b" are, as an empty text.
    own_host = request.host.lower()
    if not own_host:
        abort(403, "This app cannot read the host that the request names.")
    host = own_host.rpartition(":")[0] if own_host[-1:].isdigit() else own_host
    if (host or own_host) not in LOOPBACK and own_host != public:
        abort(403, "This app answers requests for a loopback host, or its PUBLIC_HOST, only.")
    if request.method != "POST":
        return
    # Every browser names the origin of a form. A proxy passes the browser's Host on, or sets that
    # of the app.
    if _host_of(request.headers.get("Origin", "")) not in {own_host, public} - {""}:
        abort(403, "This app takes forms from its own pages only.")
    given, own = request.form.get("csrf", ""), session.get("csrf", "")
    if not own or not hmac.compare_digest(given.encode(), own.encode()):
        abort(403, "This form is too old, or not ours. Go back and load the page again.")


def _host_of(origin: str) -> str:
    """Return the host of an origin, with its port; an empty text if it is not an origin."""
    try:
        parts = urlsplit(origin)
    except ValueError:  # "http://[", for example
        return ""
    return parts.netloc.lower() if parts.scheme in ("http", "https") else ""


def add_headers(response: Response) -> Response:
    """Add the headers to an answer."""
    for name, value in HEADERS.items():
        response.headers[name] = value
    if request.path.startswith("/static/"):
        response.headers["Cache-Control"] = "no-cache"
    return response
