"""The page, over HTTP and in a real browser."""

from __future__ import annotations

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from flowy.exception import LocalSWFError
from flowy.local import LocalSWF
from tests.browser import Browser
from tests.patience import PATIENCE_SECONDS, until
from tests.unit.local.conftest import Work

#: Text that must never become markup of the page.
EVIL = '<img src=x onerror="document.title=1"><b>bold<b>'


def get(
    swf: LocalSWF, path: str, *, method: str = "GET", **headers: str
) -> tuple[int, bytes, http.client.HTTPMessage]:
    host, port = swf.page_url.removeprefix("http://").rstrip("/").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE_SECONDS)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


def look(swf: LocalSWF, path: str) -> Any:
    status, body, _ = get(swf, path)
    assert status == 200
    return json.loads(body)


def test_there_is_no_page_unless_asked_for(swf: LocalSWF) -> None:
    """By default there is no page, and the error of page_url says how to get one."""
    with pytest.raises(LocalSWFError, match="page_port=0"):
        _ = swf.page_url


def test_a_page_has_a_port_of_its_own(shown: LocalSWF) -> None:
    """The page and SWF have different ports, and the page's port does not answer SWF calls."""
    assert shown.page_url.startswith("http://127.0.0.1:")
    assert shown.page_url.rstrip("/") != shown.endpoint_url
    assert get(shown, "/", method="POST")[0] == 501


def test_a_page_port_can_be_chosen_and_is_an_error_in_use(shown: LocalSWF) -> None:
    """If the page's port is in use, start() fails and the error names the port."""
    taken = int(shown.page_url.rstrip("/").rpartition(":")[2])
    other = LocalSWF(page_port=taken)
    with pytest.raises(LocalSWFError, match=f"port {taken} "):
        other.start()
    with pytest.raises(ValueError, match="page_port"):
        LocalSWF(page_port=65_536)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/page.css", "text/css; charset=utf-8"),
        ("/page.js", "text/javascript; charset=utf-8"),
        ("/values.js", "text/javascript; charset=utf-8"),
        ("/elements.js", "text/javascript; charset=utf-8"),
        ("/executions.js", "text/javascript; charset=utf-8"),
        ("/execution.js", "text/javascript; charset=utf-8"),
        ("/acting.js", "text/javascript; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
        ("/look/overview", "application/json"),
    ],
)
def test_every_answer_has_its_policy(shown: LocalSWF, path: str, kind: str) -> None:
    """Every answer forbids foreign scripts, type sniffing and use by other origins."""
    status, _, headers = get(shown, path)
    assert status == 200
    assert headers["Content-Type"] == kind
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert not [name for name in headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("path", ["/", "/look/overview"])
def test_foreign_pages_see_nothing(shown: LocalSWF, path: str) -> None:
    """A request with a foreign Host (DNS rebinding) or Origin gets 403."""
    assert get(shown, path, Host="example.com")[0] == 403
    assert get(shown, path, Origin="https://example.com")[0] == 403
    assert get(shown, path, Host="localhost")[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_the_page_answers_get_only(shown: LocalSWF, method: str) -> None:
    """Methods other than GET get 501."""
    assert get(shown, "/look/overview", method=method)[0] == 501


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/../server.py",
        "/look/",
        "/look/secrets",
        "/look/executions?domain=nowhere",
        "/look/executions?domain=local&page=-1",
        "/look/history?domain=local&run=none",
        "/look/history?domain=local&run=none&after=x",
    ],
)
def test_an_unknown_path_is_404(shown: LocalSWF, path: str) -> None:
    """An unknown path, domain, execution or page gets 404; the page goes on."""
    assert get(shown, path)[0] == 404
    assert look(shown, "/look/overview")["domains"]


def start_many(swf: LocalSWF, domain: str, count: int) -> None:
    """Start *count* executions, ``flow-0000`` and on, without HTTP."""
    assert swf._service is not None
    for number in range(count):
        parameters = {
            "domain": domain,
            "workflowId": f"flow-{number:04}",
            "workflowType": {"name": "workflow", "version": "1"},
        }
        status, text = swf._service.answer(
            "StartWorkflowExecution", json.dumps(parameters).encode(), lambda: False
        )
        assert status == 200, text


def test_hundreds_come_in_pages(shown: LocalSWF, work: Work) -> None:
    """Executions come newest first, 50 a page, and can be found by a part of the id."""
    start_many(shown, work.domain, 300)
    work.client.terminate_workflow_execution(domain=work.domain, workflowId="flow-0007")

    def seen(query: str) -> Any:
        return look(shown, f"/look/executions?domain={work.domain}&{query}")

    def ids(query: str) -> list[str]:
        return [each["workflowId"] for each in seen(query)["executions"]]

    assert ids("") == [f"flow-{number:04}" for number in range(299, 249, -1)]
    assert ids("page=5") == [f"flow-{number:04}" for number in range(49, -1, -1)]
    assert ids("page=6") == []
    assert ids("status=closed") == ["flow-0007"]
    assert len(ids("status=open&page=5")) == 49
    assert ids("find=w-025") == [f"flow-{number:04}" for number in range(259, 249, -1)]
    assert seen("status=open")["total"] == 299
    assert seen("find=flow-01")["total"] == 100


def test_an_overview_is_of_one_domain(shown: LocalSWF, work: Work) -> None:
    """The overview of a domain has its tasks and pollers, however busy other domains are."""
    crowded = f"{work.domain}-crowded"
    shown.register_domain(crowded)
    busy = Work()
    busy.client, busy.domain = shown.client(), crowded
    busy.register("NONE")
    busy.start("busy")
    busy.schedule(*(str(number) for number in range(250)))
    for _ in range(250):
        busy.poll_activity()
    work.start("quiet")
    work.schedule("lonely")
    work.poll_activity()

    def seen(domain: str) -> Any:
        return look(shown, f"/look/overview?domain={domain}")

    assert [task["what"] for task in seen(work.domain)["running"]] == ["lonely"]
    assert seen(work.domain)["runningTotal"] == 1
    assert len(seen(crowded)["running"]) == 200
    assert seen(crowded)["runningTotal"] == 250
    assert seen("nowhere")["running"] == []
    with ThreadPoolExecutor(2) as pool:
        for each in (work, busy):
            pool.submit(each.poll_activity, identity=each.domain)
        until(lambda: seen("")["pollersTotal"] == 2, "both poll")
        for each in (work, busy):
            (poller,) = seen(each.domain)["pollers"]
            assert poller["identity"] == each.domain
            (tasks,) = seen(each.domain)["taskLists"]
            assert (tasks["domain"], tasks["pollers"]) == (each.domain, 1)
        shown.release_polls()


def test_a_history_continues_after_an_event(shown: LocalSWF, work: Work) -> None:
    """Events that the page has already are not sent again."""
    execution = work.start()
    path = f"/look/history?domain={work.domain}&run={execution['runId']}".replace(" ", "%20")
    assert [event["id"] for event in look(shown, path)["events"]] == [1, 2]
    work.decide()
    assert [event["id"] for event in look(shown, f"{path}&after=2")["events"]] == [3, 4]
    assert look(shown, f"{path}&after=2")["more"] is False


def choose(browser: Browser, domain: str) -> None:
    browser.until(lambda: domain in browser.texts("#domain option"))
    browser.run(
        "const select = document.querySelector('#domain'); select.value = arguments[0];"
        "select.dispatchEvent(new Event('change'))",
        domain,
    )


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
