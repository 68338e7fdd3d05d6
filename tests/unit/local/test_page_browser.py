"""The page in a real browser."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from flowy.local import LocalSWF
from tests.browser import Browser
from tests.unit.local.conftest import Work
from tests.unit.local.page_looks import choose, start_many

#: Text that must never become markup of the page.
EVIL = '<img src=x onerror="document.title=1"><b>bold<b>'


def test_the_page_updates_by_itself(shown: LocalSWF, work: Work, browser: Browser) -> None:
    """A new execution, its status and the counts appear without a reload."""
    browser.open(shown.page_url)
    choose(browser, work.domain)
    browser.until(lambda: "No executions yet" in browser.text("#executions-empty"))
    work.start("order 7")
    browser.until(lambda: browser.texts("#executions tbody a") == ["order 7"])
    assert browser.text("#count-open") == "1"
    assert browser.text("#executions .badge") == "open"
    browser.until(lambda: "decisions" in browser.text("#lists tbody"))
    work.client.terminate_workflow_execution(domain=work.domain, workflowId="order 7")
    browser.until(lambda: browser.text("#executions .badge") == "terminated")
    assert (browser.text("#count-open"), browser.text("#count-closed")) == ("0", "1")
    assert browser.text("#state") == "live"
    assert browser.errors() == []


def test_a_history_is_a_timeline(shown: LocalSWF, work: Work, browser: Browser) -> None:
    """A click on an execution shows its lanes and events, which update by themselves."""
    work.start("order 8")
    work.schedule("one", "two")
    task = work.poll_activity(identity="worker 7")
    browser.open(shown.page_url)
    choose(browser, work.domain)
    browser.until(lambda: browser.texts("#executions tbody a"))
    browser.click("#executions tbody a")
    browser.until(lambda: browser.text("#one-id") == "order 8")
    browser.until(lambda: len(browser.texts("#events li")) == 7)
    names = [each.split() for each in browser.texts(".lane .name")]
    assert names == [["decision"], ["activity", "one"], ["activity", "two"]]
    assert [each.split(" ·")[0] for each in browser.texts(".lane .how")] == [
        "decided",
        "runs",
        "waits",
    ]
    work.client.respond_activity_task_completed(taskToken=task["taskToken"], result="42")
    browser.until(lambda: "completed" in browser.texts(".lane .how")[1])
    assert len(browser.texts("#events li")) == 9
    browser.click("#events li:nth-child(8) summary")
    browser.until(lambda: '"result": "42"' in browser.text("#events li:nth-child(8) pre"))
    browser.click(".back a")
    browser.until(lambda: browser.texts("#executions tbody a") == ["order 8"])
    assert browser.errors() == []


def test_who_polls_and_what_they_run(shown: LocalSWF, work: Work, browser: Browser) -> None:
    """Pollers are shown with their task list, running tasks with their worker and details."""
    work.start("order 9")
    work.schedule("slow")
    task = work.poll_activity(identity="worker 1")
    work.client.record_activity_task_heartbeat(taskToken=task["taskToken"], details="42 %")
    browser.open(shown.page_url)
    choose(browser, work.domain)
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(work.poll_activity, identity="worker 2")
        browser.until(lambda: "worker 2" in browser.text("#pollers tbody"))
        browser.until(lambda: "worker 1" in browser.text("#running tbody"))
        assert "42 %" in browser.text("#running tbody")
        assert "order 9" in browser.text("#running tbody")
        assert browser.text("#count-pollers") == "1"
        work.client.signal_workflow_execution(
            domain=work.domain, workflowId="order 9", signalName="more", input="i"
        )
        work.schedule("next")
        assert waits.result()["taskToken"]
    browser.until(lambda: browser.texts("#pollers tbody tr") == [])


def test_an_update_keeps_unchanged_elements(shown: LocalSWF, work: Work, browser: Browser) -> None:
    """An update keeps unchanged elements, so clicks, focus and selections survive."""
    work.start("order 10")
    work.schedule("slow")
    work.poll_activity()
    browser.open(shown.page_url)
    choose(browser, work.domain)
    browser.until(lambda: browser.texts("#executions tbody a") == ["order 10"])
    browser.run("window.kept = document.querySelector('#executions tbody a'); window.kept.focus()")
    took = browser.text("#executions tbody td.took")
    browser.until(lambda: browser.text("#executions tbody td.took") != took)
    assert browser.run("return window.kept === document.activeElement")


def test_pages_and_filters(shown: LocalSWF, work: Work, browser: Browser) -> None:
    """The page has buttons for older executions and for open or closed ones, and a search."""
    start_many(shown, work.domain, 1020)
    work.client.terminate_workflow_execution(domain=work.domain, workflowId="flow-0033")
    browser.open(shown.page_url)
    choose(browser, work.domain)
    browser.until(lambda: browser.texts("#executions tbody a")[:1] == ["flow-1019"])
    assert len(browser.texts("#executions tbody tr")) == 50
    browser.click("#older")
    browser.until(lambda: browser.text("#where") == "51–100 of 1,020")  # noqa: RUF001
    assert browser.texts("#executions tbody a")[-1] == "flow-0920"
    assert browser.text("#count-open") == "1,019"
    # The driver takes elements under the page's header for visible.
    browser.run("scrollTo(0, 0)")
    browser.click("[data-status=closed]")
    browser.until(lambda: browser.texts("#executions tbody a") == ["flow-0033"])
    browser.click('[data-status=""]')
    browser.type("#find", "w-0007")
    browser.until(lambda: browser.texts("#executions tbody a") == ["flow-0007"])
    assert browser.errors() == []


def test_values_are_shown_as_text(shown: LocalSWF, work: Work, browser: Browser) -> None:
    """Markup in ids, inputs, results, details and identities is shown, never run."""
    run = work.client.start_workflow_execution(
        domain=work.domain,
        workflowId="<b>bold<b>",
        workflowType={"name": "workflow", "version": "1"},
        input=EVIL,
        tagList=[EVIL],
    )
    work.schedule("<i>")
    task = work.poll_activity(identity=EVIL)
    work.client.record_activity_task_heartbeat(taskToken=task["taskToken"], details=EVIL)
    browser.open(shown.page_url)
    choose(browser, work.domain)
    browser.until(lambda: EVIL in browser.text("#running tbody"))
    assert browser.texts("#executions tbody a") == ["<b>bold<b>"]
    work.client.respond_activity_task_failed(taskToken=task["taskToken"], reason=EVIL, details=EVIL)
    browser.click("#executions tbody a")
    browser.until(lambda: len(browser.texts("#events li")) == 8)
    assert run["runId"] in browser.text("#one-facts")
    browser.run("for (const each of document.querySelectorAll('summary')) each.click()")
    browser.until(lambda: len(browser.texts("#events pre")) == 8)
    # The only image is the icon of the page.
    assert browser.run("return [...document.images].map((e) => e.getAttribute('src'))") == [
        "/icon.svg"
    ]
    assert browser.run("return document.querySelectorAll('main b, main i:not(.bar)').length") == 5
    assert browser.run("return document.title") == "<b>bold<b> · Local SWF"
    assert browser.errors() == []


def test_a_page_says_that_its_swf_has_stopped(browser: Browser) -> None:
    """The page says that it gets no answer, and goes on by itself after a restart."""
    swf = LocalSWF(poll_seconds=0, page_port=0)
    with swf:
        browser.open(swf.page_url)
        browser.until(lambda: browser.text("#state") == "live")
    browser.until(lambda: browser.text("#state") == "no answer")
    with swf:
        browser.until(lambda: browser.text("#state") == "live")
        browser.run("location.hash = '#/run/local/none'")
        browser.until(lambda: "does not exist" in browser.text("#none"))
