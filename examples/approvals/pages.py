"""The pages, and the forms that end a task."""

from __future__ import annotations

import hashlib
import math
from typing import Any

from flask import (
    Flask,
    Response,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response as Redirect

from flowy.swf.suspended.async_scheduler import AsyncScheduler
from flowy.tokens import Finisher, Handles, SuspendedTask, TokenStore

from . import settings, words, workflow

NO_COMMENT = "Rejected without a comment."

#: What each button does: the verb that a handle must allow, and the word for it once it is done.
BUTTONS = {"approve": ("complete", "Approved"), "reject": ("fail", "Rejected")}

#: How long a new request can wait, in seconds, by what the form says.
PATIENCE = {"2 minutes": 120, "1 hour": 3_600, "1 day": 86_400, "1 week": 604_800}

#: The longest title, amount and name, in characters.
FIELD_CHARS = 200

#: The longest comment, in characters: SWF takes 256 as a reason.
COMMENT_CHARS = 250

#: How many closed requests the page shows.
CLOSED_SHOWN = 20


class Pages:
    """All pages of the app.

    Args:
        store: where the requests are kept.
        scheduler: ends tasks; one for all requests, as it is thread-safe.
        handles: makes and accepts links for colleagues.
        swf: a boto3 client, for the workflows.
    """

    def __init__(
        self, store: TokenStore, scheduler: AsyncScheduler, handles: Handles, swf: Any
    ) -> None:
        self._store = store
        self._finisher = Finisher(store, scheduler)
        self._handles = handles
        self._swf = swf

    def add_to(self, app: Flask) -> None:
        """Let the app serve these pages."""
        button = f"<any({', '.join(BUTTONS)}):button>"
        for method, rule, view in (
            ("GET", "/", self.index),
            ("GET", "/state", self.state),
            ("POST", "/requests", self.ask),
            ("POST", f"/tasks/<task_id>/{button}", self.end),
            ("GET", "/tasks/<task_id>/withdraw", self.ask_to_withdraw),
            ("POST", "/tasks/<task_id>/withdraw", self.withdraw),
            ("POST", "/tasks/<task_id>/link", self.link),
            ("GET", "/decide/<handle>", self.decide),
            ("POST", f"/decide/<handle>/{button}", self.end_by_link),
            ("GET", "/decided", self.decided),
        ):
            app.add_url_rule(rule, view.__name__, view, methods=[method])

    def index(self) -> str:
        """Show what waits and what has ended."""
        # Read once. If the state were read later, the page would miss a change between the two.
        pending, closed = self._store.pending(), self._store.closed(CLOSED_SHOWN)
        return render_template(
            "index.html",
            pending=sorted(pending, key=_deadline),
            closed=closed,
            state=_state_of(pending, closed),
            patience=PATIENCE,
        )

    def state(self) -> Response:
        """Return a text that changes whenever the page does."""
        state = _state_of(self._store.pending(), self._store.closed(CLOSED_SHOWN))
        return Response(state, mimetype="text/plain")

    def ask(self) -> Redirect:
        """Start a workflow, which asks for an approval."""
        given = {
            name: request.form.get(name, "").strip()[:FIELD_CHARS]
            for name in ("title", "amount", "who")
        }
        seconds = PATIENCE.get(request.form.get("patience", ""))
        if not all(given.values()) or seconds is None:
            abort(400, "A request needs a title, an amount, a name and a time.")
        workflow.start(self._swf, seconds=seconds, **given)
        flash(f"Asked: {given['title']}. It is here in a moment.", "asked")
        return redirect(url_for("index"), 303)

    def end(self, task_id: str, button: str) -> Redirect:
        """Approve or reject a request."""
        task = self._task(task_id)
        self._tell(task, button, self._end(task, button))
        return redirect(url_for("index"), 303)

    def ask_to_withdraw(self, task_id: str) -> str:
        """Ask whether a request is to be withdrawn: that cannot be undone."""
        return render_template("withdraw.html", task=self._task(task_id))

    def withdraw(self, task_id: str) -> Redirect:
        """Request the cancellation of a request's workflow."""
        task = self._task(task_id)
        try:
            workflow.withdraw(self._swf, task.workflow_id)
        except self._swf.exceptions.UnknownResourceFault:
            self._tell(task, "withdraw", done=False)
        else:
            flash("The workflow was asked to cancel. The keeper answers for the task.", "withdraw")
        return redirect(url_for("index"), 303)

    def link(self, task_id: str) -> str:
        """Show a link by which somebody else can decide."""
        task = self._task(task_id)
        lifetime = min(settings.LINK_SECONDS, task.remaining() or settings.LINK_SECONDS)
        handle = self._handles.make(task, "complete", "fail", lifetime=lifetime)
        # The address by which people reach the app, which is not the one that a proxy uses.
        scheme = "https" if current_app.config.get("BEHIND_HTTPS") else request.scheme
        host = current_app.config.get("PUBLIC_HOST") or request.host
        url = f"{scheme}://{host}{url_for('decide', handle=handle)}"
        return render_template("link.html", task=task, url=url, lifetime=lifetime)

    def decide(self, handle: str) -> str:
        """Show the request of a link."""
        # Only looks: programs that scan emails follow their links, and must not use one up.
        return render_template("decide.html", grant=self._handles.look(handle), handle=handle)

    def end_by_link(self, handle: str, button: str) -> Redirect:
        """Approve or reject the request of a link."""
        verb, _ = BUTTONS[button]
        with self._handles.use(handle, verb) as task:
            done = self._end(task, button)
        self._tell(task, button, done)
        return redirect(url_for("decided"), 303)

    def decided(self) -> str:
        """Show a word of thanks after a decision."""
        return render_template("decided.html")

    def _task(self, task_id: str) -> SuspendedTask:
        return self._store.get(task_id) or abort(404, "There is no such request any more.")

    def _end(self, task: SuspendedTask, button: str) -> bool:
        """End a task; return whether SWF took that."""
        if not task.is_open:
            return False
        comment = request.form.get("comment", "").strip()[:COMMENT_CHARS]
        if button == "approve":
            return self._finisher.complete(task, {"approved": True, "comment": comment})
        return self._finisher.fail(task, comment or NO_COMMENT)

    def _tell(self, task: SuspendedTask, button: str, done: bool) -> None:
        title = (task.note or {}).get("title", task.workflow_id)
        if done:
            flash(f"{BUTTONS[button][1]}: {title}", button)
            return
        outcome = (self._store.get(task.id) or task).outcome
        said = "" if outcome is None else f" It was {words.verdict(outcome)}."
        flash(f"Closed already: {title}.{said}", "late")


def _deadline(task: SuspendedTask) -> float:
    return math.inf if task.deadline is None else task.deadline


def _state_of(pending: list[SuspendedTask], closed: list[SuspendedTask]) -> str:
    rows = [(task.id, task.outcome, task.cancel_requested) for task in (*pending, *closed)]
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:16]
