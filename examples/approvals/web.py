"""The pages: what waits, what became of the rest, and the forms that end a task."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from flask import Flask, Response, abort, flash, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException

from flowy import FlowyError, async_scheduler
from flowy.exception import HandleError, OutOfReachError
from flowy.tokens import Finisher, Handles, SuspendedTask, TaskState, key_from_file
from flowy.tokens.sqlite import SQLiteTokenStore

from . import security, settings, workflow

NO_COMMENT = "Rejected without a comment."

#: What became of a task, in the page's words.
VERDICTS = {
    TaskState.OPEN: "waiting",
    TaskState.COMPLETED: "approved",
    TaskState.FAILED: "rejected",
    TaskState.CANCELED: "withdrawn",
    TaskState.TIMED_OUT: "expired",
    TaskState.WORKFLOW_CLOSED: "cut off",
    TaskState.CLOSED: "closed",
}

#: How long a new request may wait, in seconds, by what the form says.
PATIENCE = {"2 minutes": 120, "1 hour": 3_600, "1 day": 86_400, "1 week": 604_800}


#: How many closed requests the page shows.
CLOSED_SHOWN = 20


def make_app() -> Flask:
    """The app; all that it must remember stands in the store, so it may be restarted at will."""
    app = Flask(__name__)
    # APPROVALS_PUBLIC_HOST, say; true and false are booleans.
    app.config.from_prefixed_env("APPROVALS")
    security.protect(app, settings.key_file("session").read_text())
    store = SQLiteTokenStore(settings.store_file())
    scheduler = async_scheduler(settings.DOMAIN)  # one for all requests: it is thread-safe
    finisher = Finisher(store, scheduler)
    handles = Handles(store, key_from_file(settings.key_file("handles")))
    swf = workflow.client(retries={"total_max_attempts": 2}, read_timeout=10)

    def approve(task: SuspendedTask, comment: str) -> bool:
        return finisher.complete(task, {"approved": True, "comment": comment})

    def reject(task: SuspendedTask, comment: str) -> bool:
        return finisher.fail(task, comment or NO_COMMENT)

    deeds: dict[str, tuple[str, Callable[[SuspendedTask, str], bool]]] = {
        "approve": ("complete", approve),
        "reject": ("fail", reject),
    }

    def known(task_id: str) -> SuspendedTask:
        return store.get(task_id) or abort(404, "There is no such request, or no longer.")

    def tell(task: SuspendedTask, verb: str, done: bool) -> None:
        title = (task.note or {}).get("title", task.workflow_id)
        if done:
            flash(f"{VERDICTS[_DONE[verb]].capitalize()}: {title}", verb)
        else:
            now = store.get(task.id) or task
            said = "" if now.is_open else f" It was {VERDICTS[now.state]}."
            flash(f"Closed already: {title}.{said}", "late")

    @app.get("/")
    def index() -> str:
        # Read once: the state must be that of what is shown, or a change between is never seen.
        pending, closed = store.pending(), store.closed(CLOSED_SHOWN)
        return render_template(
            "index.html",
            pending=pending,
            closed=closed,
            state=state_of(pending, closed),
            patience=PATIENCE,
        )

    @app.get("/state")
    def state() -> Response:
        return Response(
            state_of(store.pending(), store.closed(CLOSED_SHOWN)), mimetype="text/plain"
        )

    @app.post("/tasks/<task_id>/<any(approve, reject):verb>")
    def end(task_id: str, verb: str) -> Any:
        task = known(task_id)
        _, deed = deeds[verb]
        tell(task, verb, task.is_open and deed(task, _comment()))
        return redirect(url_for("index"), 303)

    @app.post("/tasks/<task_id>/withdraw")
    def withdraw(task_id: str) -> Any:
        task = known(task_id)
        try:
            workflow.withdraw(swf, task.workflow_id)
        except swf.exceptions.UnknownResourceFault:
            tell(task, "withdraw", False)
        else:
            flash("The workflow was asked to cancel. The keeper answers for the task.", "withdraw")
        return redirect(url_for("index"), 303)

    @app.post("/tasks/<task_id>/link")
    def link(task_id: str) -> Any:
        task = known(task_id)
        lifetime = min(settings.LINK_SECONDS, task.remaining() or settings.LINK_SECONDS)
        handle = handles.make(task, "complete", "fail", lifetime=lifetime)
        # By the way people come, not the one by which a proxy does.
        scheme = "https" if app.config.get("BEHIND_HTTPS") else request.scheme
        host = app.config.get("PUBLIC_HOST") or request.host
        url = f"{scheme}://{host}{url_for('decide', handle=handle)}"
        return render_template("link.html", task=task, url=url, lifetime=lifetime)

    @app.get("/decide/<handle>")
    def decide(handle: str) -> str:
        # Only looks: what scans the links in a mail follows them, and must use nothing up.
        return render_template("decide.html", grant=handles.look(handle), handle=handle)

    @app.post("/decide/<handle>/<any(approve, reject):verb>")
    def end_by_link(handle: str, verb: str) -> Any:
        allowed, deed = deeds[verb]
        with handles.use(handle, allowed) as task:
            done = task.is_open and deed(task, _comment())
        tell(task, verb, done)
        return redirect(url_for("decided"), 303)

    @app.get("/decided")
    def decided() -> str:
        return render_template("decided.html")

    @app.post("/requests")
    def ask() -> Any:
        given = {
            name: request.form.get(name, "").strip()[:200] for name in ("title", "amount", "who")
        }
        seconds = PATIENCE.get(request.form.get("patience", ""))
        if not all(given.values()) or seconds is None:
            abort(400, "A request needs a title, an amount, a name and a time.")
        workflow.start(swf, seconds=seconds, **given)
        flash(f"Asked: {given['title']}. It is here in a moment.", "asked")
        return redirect(url_for("index"), 303)

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Any:
        return render_template("error.html", error=error), error.code

    @app.errorhandler(HandleError)
    def refused_handle(error: HandleError) -> Any:
        page = {"name": "This link cannot be used", "description": str(error)}
        return render_template("error.html", error=page), 403

    @app.errorhandler(FlowyError)
    @app.errorhandler(BotoCoreError)
    @app.errorhandler(ClientError)
    def failed(error: Exception) -> Any:
        app.logger.error("%s", error)
        away = isinstance(error, OutOfReachError | BotoCoreError)
        if getattr(error, "may_have_arrived", False):
            said = "SWF did not answer. It may have been taken; look again in a moment."
        elif away:
            said = "SWF is out of reach. Nothing was recorded; try again in a while."
        else:
            said = "This did not work. The log says why."
        page = {"name": "Not now" if away else "Sorry", "description": said}
        return render_template("error.html", error=page), 503 if away else 500

    app.jinja_env.globals["verdicts"] = VERDICTS
    app.jinja_env.filters["span"] = span
    app.jinja_env.filters["ago"] = lambda at: f"{span(max(0.0, time.time() - at))} ago"
    app.jinja_env.filters["utc"] = lambda at: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    return app


def state_of(pending: list[SuspendedTask], closed: list[SuspendedTask]) -> str:
    """What changes whenever the page does."""
    rows = [(task.id, task.state.value, task.cancel_requested) for task in (*pending, *closed)]
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:16]


_DONE = {"approve": TaskState.COMPLETED, "reject": TaskState.FAILED}


def _comment() -> str:
    return request.form.get("comment", "").strip()[:250]


def span(seconds: float) -> str:
    """A length of time as people say it: the two largest units. ``static/app.js`` does the same."""
    left = int(seconds)
    days, hours, minutes = left // 86_400, left // 3_600 % 24, left // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {left % 60} s" if minutes else f"{left} s"
