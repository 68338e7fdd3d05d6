"""The pages for errors: they say what the visitor can do, and the log says the rest."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError
from flask import Flask, current_app, render_template
from werkzeug.exceptions import HTTPException

from flowy import FlowyError
from flowy.exception import (
    ExpiredHandleError,
    ForeignHandleError,
    HandleError,
    TransientError,
    UsedHandleError,
)

#: What a visitor reads of a link that is refused. The log has the rest.
LINKS: dict[type[HandleError], str] = {
    UsedHandleError: "This link was already used.",
    ExpiredHandleError: "This link has expired. Ask whoever sent it for a new one.",
    ForeignHandleError: "The request of this link is not here, or not any more.",
}
UNKNOWN_LINK = "This link is not valid. Check that you copied all of it."


def add_error_pages(app: Flask) -> None:
    """Let the app answer errors with a page."""
    app.register_error_handler(HTTPException, refused)
    app.register_error_handler(HandleError, refused_handle)
    for kind in (FlowyError, BotoCoreError, ClientError):
        app.register_error_handler(kind, failed)


def refused(error: HTTPException) -> tuple[str, int]:
    """Answer a request that the app does not take."""
    return render_template("error.html", error=error), error.code or 500


def refused_handle(error: HandleError) -> tuple[str, int]:
    """Answer a link that is not good, or not any more."""
    current_app.logger.info("%s", error)
    return _page("This link cannot be used", LINKS.get(type(error), UNKNOWN_LINK)), 403


def failed(error: Exception) -> tuple[str, int]:
    """Answer a request that SWF or the store did not take."""
    current_app.logger.error("%s", error)
    out_of_reach = isinstance(error, TransientError | BotoCoreError)
    if getattr(error, "may_have_arrived", False):
        said = "SWF did not answer. It may have been taken; look again in a moment."
    elif out_of_reach:
        said = "SWF is out of reach. Nothing was recorded; try again in a while."
    else:
        said = "This did not work. The log says why."
    return _page("Not now" if out_of_reach else "Sorry", said), 503 if out_of_reach else 500


def _page(name: str, description: str) -> str:
    return render_template("error.html", error={"name": name, "description": description})
