"""The web app: all its pages put together."""

from __future__ import annotations

from flask import Flask

from flowy import async_scheduler
from flowy.tokens import Handles, key_from_file
from flowy.tokens.sqlite import SQLiteTokenStore

from . import security, settings, words, workflow
from .errors import add_error_pages
from .pages import Pages


def make_app() -> Flask:
    """Make the app. Everything it must remember is in the store, so it may be restarted."""
    app = Flask(__name__)
    # APPROVALS_PUBLIC_HOST, for example; true and false become booleans.
    app.config.from_prefixed_env("APPROVALS")
    security.protect(app, settings.key_file("session").read_text())
    store = SQLiteTokenStore(settings.store_file())
    Pages(
        store,
        async_scheduler(settings.DOMAIN),
        Handles(store, key_from_file(settings.key_file("handles"))),
        workflow.client(retries={"total_max_attempts": 2}, read_timeout=10),
    ).add_to(app)
    add_error_pages(app)
    app.jinja_env.filters.update(
        verdict=words.verdict, span=words.span, ago=words.ago, utc=words.utc
    )
    return app
