"""The example app clicked through in a real browser; what counts is SWF's history."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

if importlib.util.find_spec("flask") is None and not os.environ.get("CI"):
    pytest.skip("flask is not installed: the example needs it", allow_module_level=True)

from flowy.local import LocalSWF
from tests.approvals import Parts
from tests.browser import Browser
from tests.environments import clean_environment

PARTS = ("worker", "keeper", "decider", "web")


@pytest.fixture(scope="module")
def window(chromium: Browser) -> Iterator[Browser]:
    chromium.resize(1180, 900)
    yield chromium
    chromium.resize(0, 0)


@pytest.fixture(scope="module")
def parts(window: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    home = tmp_path_factory.mktemp("home")
    with LocalSWF(poll_seconds=1) as swf:
        parts = Parts(
            swf, tmp_path_factory.mktemp("approvals"), {**clean_environment(), "HOME": str(home)}
        )
        parts.start(*PARTS)
        yield parts
        parts.stop()


def _button(title: str, text: str) -> str:
    return f"//article[.//h3='{title}']//button[.='{text}']"


def _comment(title: str) -> str:
    return f"//article[.//h3='{title}']//input[@name='comment']"


def _closed(title: str, verdict: str) -> str:
    return f"//ol/li[span='{title}'][span='{verdict}']"


def test_approve(parts: Parts, window: Browser) -> None:
    """A comment and a click on Approve: completed, and the page says so."""
    task = parts.ask("Standing desks for the studio")
    window.open(parts.url)
    window.type(_comment("Standing desks for the studio"), "At last.")
    window.click(_button("Standing desks for the studio", "Approve"))
    window.wait_for_text("Approved: Standing desks for the studio")
    window.find(_closed("Standing desks for the studio", "approved"))
    result = parts.ended(task, "ActivityTaskCompleted")["result"]
    assert result == '{"approved": true, "comment": "At last."}'


def test_reject(parts: Parts, window: Browser) -> None:
    """A comment and a click on Reject: failed, with the comment as the reason."""
    task = parts.ask("A gold-plated keyboard")
    window.open(parts.url)
    window.type(_comment("A gold-plated keyboard"), "Brass would do.")
    window.click(_button("A gold-plated keyboard", "Reject"))
    window.wait_for_text("Rejected: A gold-plated keyboard")
    assert parts.ended(task, "ActivityTaskFailed")["reason"] == "Brass would do."


def test_double_click(parts: Parts, window: Browser) -> None:
    """A double click is one answer, and nobody is told of an error."""
    task = parts.ask("Twice clicked tea")
    window.open(parts.url)
    window.double_click(_button("Twice clicked tea", "Approve"))
    window.find(_closed("Twice clicked tea", "approved"))
    parts.ended(task, "ActivityTaskCompleted")
    assert "Twice clicked tea" in window.text()
    assert "Sorry" not in window.text()


def test_two_windows(parts: Parts, window: Browser) -> None:
    """An answer from a page that was loaded before somebody else answered reads what was first."""
    task = parts.ask("One cake")
    window.open(parts.url)
    window.type(_comment("One cake"), "Mine!")  # whoever is writing is not interrupted
    parts.swf.respond_activity_task_completed(taskToken=task.token, result='"eaten"')
    window.wait_for_text("Something has changed.")
    window.click(_button("One cake", "Reject"))
    window.wait_for_text("Closed already: One cake")
    assert parts.ended(task, "ActivityTaskCompleted")["result"] == '"eaten"'


def test_new_requests_turn_up_by_themselves(parts: Parts, window: Browser) -> None:
    """The page shows what is asked for without being loaded again, and asks by its own form."""
    window.open(parts.url)
    for name, text in (("title", "Espresso machine"), ("amount", "740 €"), ("who", "Edsger")):
        window.type(f"//form[@class='ask']//input[@name='{name}']", text)
    window.click("//button[.='Ask']")
    window.wait_for_text("Asked: Espresso machine")
    window.find("//article[.//h3='Espresso machine']")
    assert "Edsger asked" in window.text()


def test_expired(parts: Parts, window: Browser) -> None:
    """What nobody answers in time moves to Closed by itself, as expired."""
    task = parts.ask("Last-minute tickets", seconds=2)
    window.open(parts.url)
    window.find(_closed("Last-minute tickets", "expired"))
    assert parts.ended(task, "ActivityTaskTimedOut")["timeoutType"] == "START_TO_CLOSE"


def test_workflow_canceled(parts: Parts, window: Browser) -> None:
    """Withdraw asks first, then cancels the workflow: the keeper answers, the page shows it."""
    task = parts.ask("A second thought")
    window.open(parts.url)
    window.click("//article[.//h3='A second thought']//a[.='Withdraw']")
    window.wait_for_text("Withdraw this request?")
    window.click("//button[.='Withdraw it']")
    window.find(_closed("A second thought", "withdrawn"))
    parts.ended(task, "ActivityTaskCanceled")
    parts.ended(task, "WorkflowExecutionCanceled")


def test_restart_in_between(parts: Parts, window: Browser) -> None:
    """App and worker end and begin again under an open page; its buttons still work."""
    task = parts.ask("A patient plant")
    window.open(parts.url)
    window.find(_button("A patient plant", "Approve"))
    port = int(parts.url.rpartition(":")[2])
    parts.stop("web", "worker")
    parts.start("worker", "web", port=port)
    window.click(_button("A patient plant", "Approve"))
    window.find(_closed("A patient plant", "approved"))
    parts.ended(task, "ActivityTaskCompleted")


def test_a_colleague_decides(parts: Parts, window: Browser) -> None:
    """The link that the page makes opens one request, takes one answer, and is then refused."""
    task = parts.ask("A shared decision")
    window.open(parts.url)
    window.click(_button("A shared decision", "Let a colleague decide"))
    window.find("//input[@class='link']")
    link = str(window.run("return document.querySelector('.link').value"))
    window.click("//button[.='Copy']")
    window.wait_for_text("Copied")
    window.open(link)
    assert "A shared decision" in window.text()
    window.click("//button[.='Approve']")
    window.wait_for_text("Thank you")
    parts.ended(task, "ActivityTaskCompleted")
    window.open(link)
    window.wait_for_text("This is closed: approved.")


def test_text_is_text(parts: Parts, window: Browser) -> None:
    """What somebody asks for is shown, never run."""
    parts.ask("<img src=x onerror=\"document.title='run'\">")
    window.open(parts.url)
    window.wait_for_text('<img src=x onerror="document.title')
    assert "run" not in str(window.run("return document.title"))


#: Returns the words of the page, of at most 20 characters, that stand on more than one line.
_BROKEN_WORDS = """
const broken = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode;
  if (!node.parentElement.closest("h3, .amount, .meta, .what, .why, .badge, .when")) continue;
  for (const word of node.data.matchAll(/[^\\s-]+/g)) {
    if (word[0].length > 20) continue;
    const range = document.createRange();
    range.setStart(node, word.index);
    range.setEnd(node, word.index + word[0].length);
    const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
    if (lines.size > 1) broken.push(word[0]);
  }
}
return broken;
"""


def test_no_word_is_broken(parts: Parts, window: Browser) -> None:
    """A long amount or title goes to the next line; only what no line can have is broken."""
    amount = "one hundred and twenty thousand euros, 00"
    long = "Rechtsschutzversicherungsgesellschaftsangestellte-" * 2
    parts.ask("Conference room, refurbishment", amount=amount, who="Christopher Longfellow")
    task = parts.ask("Extraordinarily long refurbishment", amount=amount)
    parts.ask(long.replace("-", ""))
    parts.swf.respond_activity_task_failed(
        taskToken=task.token, reason="Disproportionately expensive"
    )
    window.open(parts.url)
    window.find(_closed("Extraordinarily long refurbishment", "rejected"))
    for width in (1180, 920, 640, 420, 360):
        window.resize(width, 800)
        window.open(parts.url)
        assert window.run(_BROKEN_WORDS) == [], width
        assert window.run("return document.documentElement.scrollWidth <= window.innerWidth"), width
    window.resize(1180, 900)


def test_fits_a_telephone_and_the_dark(parts: Parts, window: Browser, tmp_path: Path) -> None:
    """On a narrow screen nothing is cut off; in the dark the ground is dark."""
    parts.ask("A long title for a narrow screen, with a Donaudampfschifffahrtsgesellschaft in it")
    window.resize(420, 800)
    window.open(parts.url)
    assert window.run("return document.documentElement.scrollWidth <= window.innerWidth")
    window.prefer("dark")
    colour = str(window.run("return getComputedStyle(document.body).backgroundColor"))
    window.prefer("light")
    window.resize(1180, 900)
    assert max(int(part) for part in colour.strip("rgb()").split(",")) < 64


def test_picture(window: Browser, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The picture of the documentation: made here, of the app as it is."""
    with LocalSWF(poll_seconds=1) as swf:
        parts = Parts(
            swf, tmp_path_factory.mktemp("picture"), {**clean_environment(), "HOME": str(tmp_path)}
        )
        parts.start(*PARTS)
        for title, seconds, amount, who in (
            ("Espresso machine", 3 * 86_400, "740 €", "Edsger"),
            ("Train tickets to PyCon", 86_400, "264 €", "Alan"),
            ("Conference room, half a day", 120, "120 €", "Ada"),
            ("Last-minute tickets", 1, "48 €", "Alan"),
            ("A gold-plated keyboard", 3_600, "9,990 €", "Blaise"),
            ("Standing desks for the studio", 3_600, "1,890 €", "Grace"),
        ):
            parts.ask(title, seconds, amount=amount, who=who)
        window.open(parts.url)
        window.type(_comment("A gold-plated keyboard"), "Brass would do.")
        window.click(_button("A gold-plated keyboard", "Reject"))
        window.wait_for_text("Rejected:")
        window.click(_button("Standing desks for the studio", "Approve"))
        window.find(_closed("Last-minute tickets", "expired"))
        window.find(_closed("Standing desks for the studio", "approved"))
        window.resize(1100, 1000)
        window.open(parts.url)
        window.picture("indepth/approvals.png", tmp_path / "approvals.png")
        parts.stop()
