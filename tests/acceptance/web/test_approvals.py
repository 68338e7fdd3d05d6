"""The example app, its parts real processes, over real HTTP; what counts is SWF's history."""

from __future__ import annotations

import importlib.util
import json
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.environments import clean_environment

if importlib.util.find_spec("flask") is None and not os.environ.get("CI"):
    pytest.skip("flask is not installed: the example needs it", allow_module_level=True)


from flowy.invocation.outcome import TaskOutcome
from flowy.local import LocalSWF
from tests.approvals import Parts, Visitor
from tests.patience import until

PARTS = ("worker", "keeper", "decider", "web")


@pytest.fixture(scope="module")
def swf() -> Iterator[LocalSWF]:
    with LocalSWF(poll_seconds=1) as swf:
        yield swf


@pytest.fixture(scope="module")
def parts(swf: LocalSWF, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    """The app, running; it is stopped at the end as it should, with all parts ending well."""
    folder = tmp_path_factory.mktemp("approvals")
    home = tmp_path_factory.mktemp("home")
    parts = Parts(swf, folder, {**clean_environment(), "HOME": str(home)})
    parts.start(*PARTS)
    yield parts
    parts.stop()
    assert "ERROR" not in parts.log.replace("ERROR approvals.web: Cannot respond", "")
    for task in parts.store.closed(1_000):
        assert task.token not in parts.log, "a token was logged"


@pytest.fixture
def visitor(parts: Parts) -> Visitor:
    return Visitor(parts.url)


def test_approve_completes(parts: Parts, visitor: Visitor) -> None:
    """Approve completes the activity, with the comment in its result; the workflow completes."""
    task = parts.ask("A chair")
    page = visitor.post(f"/tasks/{task.id}/approve", comment="fine by me")
    assert "Approved: A chair" in page.text
    result = parts.ended(task, "ActivityTaskCompleted")["result"]
    assert json.loads(result) == {"approved": True, "comment": "fine by me"}
    parts.ended(task, "WorkflowExecutionCompleted")


@pytest.mark.parametrize(
    ("comment", "reason"),
    [
        ("too dear", "too dear"),
        ("", "Rejected without a comment."),
        ("é" * 300, "é" * 250),
    ],
)
def test_reject_fails_with_the_comment(
    parts: Parts, visitor: Visitor, comment: str, reason: str
) -> None:
    """Reject fails the activity with the comment as its reason; the workflow fails so, too."""
    task = parts.ask("A sofa")
    assert "Rejected: A sofa" in visitor.post(f"/tasks/{task.id}/reject", comment=comment).text
    assert parts.ended(task, "ActivityTaskFailed")["reason"] == reason
    assert parts.ended(task, "WorkflowExecutionFailed")["reason"] == reason


def test_of_two_approvers_one_is_taken(parts: Parts) -> None:
    """Of several answers at the same moment one is taken; the others' pages say who was first."""
    task = parts.ask("One lamp")
    visitors = [Visitor(parts.url) for _ in range(4)]
    words = [visitor.word() for visitor in visitors]

    def answer(number: int) -> str:
        verb = "approve" if number % 2 else "reject"
        return visitors[number].post(f"/tasks/{task.id}/{verb}", csrf=words[number]).text

    with ThreadPoolExecutor(4) as threads:
        texts = list(threads.map(answer, range(4)))
    taken = [text for text in texts if "Approved: One lamp" in text or "Rejected: One lamp" in text]
    late = [text for text in texts if "Closed already: One lamp" in text]
    assert (len(taken), len(late)) == (1, 3)
    kind = "ActivityTaskCompleted" if "Approved: One lamp" in taken[0] else "ActivityTaskFailed"
    parts.ended(task, kind)


def test_an_answer_that_comes_later_reads_what_was_first(parts: Parts, visitor: Visitor) -> None:
    """Whoever answers what was answered long ago is told what became of it."""
    task = parts.ask("A late lamp")
    visitor.post(f"/tasks/{task.id}/approve")
    text = visitor.post(f"/tasks/{task.id}/reject").text
    assert "Closed already: A late lamp. It was approved." in text


def test_an_expired_request_is_shown_as_such(parts: Parts, visitor: Visitor) -> None:
    """What SWF timed out is learned by the keeper, and cannot be answered any more."""
    task = parts.ask("A flash sale", seconds=1)
    assert parts.ended(task, "ActivityTaskTimedOut")["timeoutType"] == "START_TO_CLOSE"
    until(lambda: "START_TO_CLOSE" in visitor.get("/").text, "the page says that it expired")
    text = visitor.post(f"/tasks/{task.id}/approve").text
    assert "Closed already: A flash sale. It was expired." in text


def test_a_canceled_workflow_takes_its_request_along(parts: Parts, visitor: Visitor) -> None:
    """Withdraw cancels the workflow; its decider asks the activity to; the keeper answers."""
    task = parts.ask("A piano")
    sure = visitor.get(f"/tasks/{task.id}/withdraw").text
    assert "Withdraw this request?" in sure
    assert "A piano" in sure
    assert f'formaction="/tasks/{task.id}/withdraw"' not in visitor.get("/").text
    assert "ActivityTaskCancelRequested" not in parts.events(task)
    assert "asked to cancel" in visitor.post(f"/tasks/{task.id}/withdraw").text
    parts.ended(task, "ActivityTaskCancelRequested")
    parts.ended(task, "ActivityTaskCanceled")
    parts.ended(task, "WorkflowExecutionCanceled")
    until(lambda: _outcome(parts, task.id) is TaskOutcome.CANCELED, "the store knows")
    assert "withdrawn" in visitor.get("/").text
    assert "Closed already" in visitor.post(f"/tasks/{task.id}/withdraw").text


def test_a_terminated_workflow_is_told(parts: Parts, visitor: Visitor) -> None:
    """What was cut off with its workflow is closed with the reason."""
    task = parts.ask("A yacht")
    parts.swf.terminate_workflow_execution(
        domain="approvals", workflowId=task.workflow_id, reason="no yachts"
    )
    until(lambda: _outcome(parts, task.id) is TaskOutcome.EXECUTION_CLOSED, "the store knows")
    assert "the workflow was terminated: no yachts" in visitor.get("/").text


def _outcome(parts: Parts, task_id: str) -> TaskOutcome | None:
    task = parts.store.get(task_id)
    assert task is not None
    return task.outcome


def test_a_request_from_the_form_comes_back_to_the_page(parts: Parts, visitor: Visitor) -> None:
    """What is asked for on the page is a workflow a moment later, and waits on the page."""
    page = visitor.post("/requests", title="Tea", amount="4 €", who="Bob", patience="1 week")
    assert "Asked: Tea" in page.text
    until(lambda: "<h3>Tea</h3>" in visitor.get("/").text, "it waits")
    (task,) = [each for each in parts.store.pending() if each.note["title"] == "Tea"]
    assert (task.remaining() or 0) > 600_000
    for form in ({"title": ""}, {"patience": "for ever"}):
        good = {"title": "Tea", "amount": "4 €", "who": "Bob", "patience": "1 day"}
        assert visitor.post("/requests", **{**good, **form}).status == 400


def test_restarts_lose_nothing(parts: Parts) -> None:
    """Page, worker, keeper and decider may end and begin again; forms and requests stay good."""
    task = parts.ask("A patient chair")
    visitor = Visitor(parts.url)
    word = visitor.word()
    port = int(parts.url.rpartition(":")[2])
    parts.stop()
    parts.start(*PARTS, port=port)
    page = visitor.post(f"/tasks/{task.id}/approve", csrf=word)
    assert "Approved: A patient chair" in page.text
    parts.ended(task, "WorkflowExecutionCompleted")


def test_a_link_is_good_for_one_answer(parts: Parts, visitor: Visitor) -> None:
    """A colleague's link shows the request however often, and takes one answer."""
    task = parts.ask("A linked lamp")
    found = re.search(r'value="(http[^"]+)"', visitor.post(f"/tasks/{task.id}/link").text)
    assert found is not None
    link = found[1]
    assert task.token not in link
    colleague = Visitor(parts.url)
    for _ in range(2):
        assert "A linked lamp" in colleague.get(link).text
    assert "Thank you" in colleague.post(f"{link}/reject", comment="no").text
    assert parts.ended(task, "ActivityTaskFailed")["reason"] == "no"
    again = colleague.post(f"{link}/approve")
    assert again.status == 403
    assert "This link was already used." in again.text
    assert "This is closed: rejected." in colleague.get(link).text
    forged = colleague.get(link[:-1] + ("A" if link[-1] != "A" else "B"))
    assert forged.status == 403
    assert "This link is not valid." in forged.text
    assert link.rpartition("/")[2] not in parts.log


def test_forms_are_protected(parts: Parts, visitor: Visitor) -> None:
    """No form without the session's word, from another site, or by GET; nothing happens then."""
    task = parts.ask("A guarded lamp")
    path = f"/tasks/{task.id}/approve"
    assert visitor.get(path).status == 405
    assert Visitor(parts.url).post(path, csrf="").status == 403
    assert visitor.post(path, csrf="").status == 403
    assert visitor.post(path, csrf="wrong").status == 403
    assert visitor.post(path, csrf=Visitor(parts.url).word()).status == 403
    assert visitor.post(path, headers={"Origin": "http://evil.example"}).status == 403
    for origin in (None, "", "null", "http://[", "evil", parts.url.replace("http:", "ftp:")):
        assert visitor.post(path, headers={"Origin": origin}).status == 403
    assert visitor.post("/tasks/0000/approve").status == 404
    assert visitor.post(path, comment="x" * 100_000).status == 413
    assert _outcome(parts, task.id) is None
    assert "Approved" in visitor.post(path, headers={"Origin": parts.url}).text


def test_another_host_is_refused(visitor: Visitor) -> None:
    """A name that leads here by another's DNS is not answered; loopback's names are."""
    # Werkzeug cannot read the last four.
    for host in (
        *("evil.example", "127.0.0.1.evil.example:8000", "evil.example:8000"),
        *("a!b", "evil_one.example", "evil_one.example:8000", "["),
    ):
        assert visitor.get("/", Host=host).status == 403
    for host in ("localhost", "127.0.0.1", "localhost:1", "[::1]:80"):
        assert visitor.get("/", Host=host).status == 200


def test_pages_escape_and_say_what_browsers_may_do(parts: Parts, visitor: Visitor) -> None:
    """Text is text; the cookie is for the server alone; no page may frame or script ours."""
    task = parts.ask("<script>alert('hi')</script>")
    page = visitor.get("/")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert" in page.text
    assert task.token not in page.text
    cookie = Visitor(parts.url).get("/").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Cache-Control"] == "no-store"


def test_files_are_the_owners_alone(parts: Parts) -> None:
    """The folder, the store and the keys are readable by their owner alone."""
    modes = {path.name: path.stat().st_mode & 0o777 for path in parts.home.glob("[a-z]*")}
    modes.pop("tokens.db-journal", None)  # there only while somebody writes
    assert modes == {"tokens.db": 0o600, "session.key": 0o600, "handles.key": 0o600}
    assert parts.home.stat().st_mode & 0o777 == 0o700


def test_while_swf_is_away_nothing_is_recorded(
    swf: LocalSWF, parts: Parts, visitor: Visitor
) -> None:
    """The page says so, the request waits on, and the same click works later."""
    task = parts.ask("A patient lamp")
    swf.stop()
    try:
        page = visitor.post(f"/tasks/{task.id}/approve")
        assert page.status == 503
        assert "SWF is out of reach. Nothing was recorded" in page.text
        assert _outcome(parts, task.id) is None
    finally:
        swf.start()
    assert "Approved" in visitor.post(f"/tasks/{task.id}/approve").text
    parts.ended(task, "ActivityTaskCompleted")
