"""What the page shows at the top of an execution, in lists and addresses, and on small screens."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from flowy.local import LocalSWF
from tests.browser import Browser
from tests.unit.local.conftest import Work
from tests.unit.local.page_looks import choose, look

TRACEBACK = (
    "Traceback (most recent call last):\n"
    '  File "/srv/shop/activities.py", line 7, in run\n'
    "    raise ValueError(order)\n"
    "ValueError: 7\n"
)
INPUT = '[[7, "Zo\\u00eb", 12345678901234567890], {"note": "two\\nlines", "empty": []}]'
INPUT_SHOWN = """[
  [
    7,
    "Zoë",
    12345678901234567890
  ],
  {
    "note": "two
lines",
    "empty": []
  }
]"""


def start(work: Work, workflow_id: str, **more: Any) -> Any:
    return work.client.start_workflow_execution(
        domain=work.domain,
        workflowId=workflow_id,
        workflowType={"name": "workflow", "version": "1"},
        **more,
    )


def end(work: Work, kind: str, **attributes: str) -> None:
    """Close the next execution that has a decision to take."""
    name = f"{kind[0].lower()}{kind[1:]}WorkflowExecutionDecisionAttributes"
    work.decide({"decisionType": f"{kind}WorkflowExecution", name: attributes})


def open_run(browser: Browser, swf: LocalSWF, work: Work, run_id: str) -> None:
    browser.open(f"{swf.page_url}#/run/{work.domain}/{run_id}")
    browser.until(lambda: browser.text("#one-facts"))


def facts(browser: Browser) -> dict[str, str]:
    pairs = """return [...document.querySelectorAll('#one-facts > div')].map(
        (e) => [e.querySelector('dt').textContent, e.querySelector('dd').textContent])"""
    return dict(browser.run(pairs))


def test_tracebacks_and_json_have_line_breaks(
    shown: LocalSWF, work: Work, browser: Browser
) -> None:
    """Input, reason and details stand at the top as text; numbers keep their digits."""
    run = start(work, "order 1", input=INPUT)["runId"]
    end(work, "Fail", reason="ValueError: 7", details=TRACEBACK)
    open_run(browser, shown, work, run)
    browser.until(lambda: len(browser.texts("#events li")) == 5)
    assert facts(browser)["Input"] == INPUT_SHOWN
    assert facts(browser)["Reason"] == "ValueError: 7"
    assert facts(browser)["Details"] == TRACEBACK
    assert browser.text("#events li:nth-child(1) .short").startswith(
        '[[7, "Zoë", 123456789012345678'
    )
    browser.click("#events li:nth-child(5) summary")
    browser.until(
        lambda: "line 7, in run\n    raise" in browser.text("#events li:nth-child(5) pre")
    )
    browser.click("#events li:nth-child(1) summary")
    browser.until(lambda: '"Zoë",\n' in browser.text("#events li:nth-child(1) pre"))
    assert browser.errors() == []


READABLE = [
    ("plain text", "plain text"),
    ('"a string"', '"a string"'),
    ('"Zo\\u00eb said \\"hi\\""', '"Zoë said \\"hi\\""'),
    (json.dumps(TRACEBACK), TRACEBACK),
    ("{}", "{}"),
    ("[1,2", "[1,2"),
    ("12345678901234567890", "12345678901234567890"),
    ('{"a":1,"a":[{}]}', '{\n  "a": 1,\n  "a": [\n    {}\n  ]\n}'),
    ('"', '"'),
]


def test_readable_values(shown: LocalSWF, browser: Browser) -> None:
    """JSON is indented with every digit and key; a text of many lines has no quotes."""
    browser.open(shown.page_url)
    said = browser.run("return arguments[0].map(readable)", [text for text, _ in READABLE])
    assert said == [said for _, said in READABLE]


def test_the_latest_heartbeat_is_at_the_top(shown: LocalSWF, work: Work, browser: Browser) -> None:
    """While an activity runs, its latest details stand at the top; then the result."""
    run = start(work, "order 2")["runId"]
    work.schedule("a")
    task = work.poll_activity(identity="worker")
    open_run(browser, shown, work, run)
    for details in ("10 %", '{"done": 20}'):
        work.client.record_activity_task_heartbeat(taskToken=task["taskToken"], details=details)
    browser.until(lambda: any('"done": 20' in value for value in facts(browser).values()))
    assert [
        name for name in facts(browser) if name.startswith("Latest heartbeat of activity · a, ")
    ]
    assert facts(browser)["Input of activity"] == "input of a"
    work.client.respond_activity_task_completed(taskToken=task["taskToken"], result='{"sum": 42}')
    browser.until(lambda: facts(browser).get("Result") == '{\n  "sum": 42\n}')
    end(work, "Complete", result="[1]")
    browser.until(lambda: facts(browser).get("Result") == "[\n  1\n]")
    assert not [name for name in facts(browser) if "heartbeat" in name]


def test_filters_by_outcome_and_search(shown: LocalSWF, work: Work) -> None:
    """Executions are found by outcome, and by parts of id, type, activity and tag in any case."""
    for kind in ("Complete", "Fail", "Cancel"):
        start(work, kind)
        end(work, kind)
    start(work, "ran", tagList=["Blue"])
    work.schedule("a", "b")
    start(work, "idle")

    def ids(query: str) -> list[str]:
        found = look(shown, f"/look/executions?domain={work.domain}&{query}")
        assert found["total"] == len(found["executions"])
        return [each["workflowId"] for each in found["executions"]]

    assert ids("status=FAILED") == ["Fail"]
    assert ids("status=COMPLETED") == ["Complete"]
    assert ids("status=CANCELED&find=x") == []
    assert ids("status=closed") == ["Cancel", "Fail", "Complete"]
    assert ids("status=TIMED_OUT") == []
    assert ids("find=ACTIV") == ["ran"]
    assert ids("find=blue") == ["ran"]
    assert len(ids("find=WORKfl")) == 5
    (ran,) = look(shown, f"/look/executions?domain={work.domain}&find=ran")["executions"]
    assert ran["activities"] == ["activity"]


def test_the_address_has_the_filter(shown: LocalSWF, work: Work, browser: Browser) -> None:
    """Filter, search and domain are in the address and the title, and survive a reload and Back."""
    start(work, "kept")
    end(work, "Fail")
    start(work, "open one")
    browser.open(shown.page_url)
    choose(browser, work.domain)
    browser.until(lambda: len(browser.texts("#executions tbody tr")) == 2)
    browser.run(
        "const select = document.querySelector('#outcome'); select.value = 'FAILED';"
        "select.dispatchEvent(new Event('change'))"
    )
    browser.until(lambda: browser.texts("#executions tbody a") == ["kept"])
    browser.type("#find", "kep")
    where = "return location.hash"
    browser.until(lambda: "find=kep" in browser.run(where))
    browser.run("location.reload()")
    browser.until(lambda: browser.texts("#executions tbody a") == ["kept"])
    assert "status=FAILED" in browser.run(where)
    assert browser.run("return document.querySelector('#find').value") == "kep"
    assert browser.run("return document.querySelector('#outcome').value") == "FAILED"
    assert browser.run("return document.title") == f"Executions in {work.domain} · Local SWF"
    browser.click("#executions tbody a")
    browser.until(lambda: browser.run("return document.title") == "kept · Local SWF")
    browser.click(".back a")
    browser.until(lambda: browser.texts("#executions tbody a") == ["kept"])
    browser.click("[data-status=open]")
    browser.until(lambda: "status=open" in browser.run(where))
    browser.run("window.history.back()")
    browser.until(
        lambda: browser.run("return document.querySelector('#outcome').value") == "FAILED"
    )
    assert browser.errors() == []


def test_an_address_that_cannot_be_read(shown: LocalSWF, browser: Browser) -> None:
    """Whatever stands in the address, the page goes on."""
    for address in ("#/?page=-1", "#/?page=x&status=strange", "#/run/%", "#/%E0/x"):
        browser.open("about:blank")
        browser.open(f"{shown.page_url}{address}")
        browser.until(lambda: browser.text("#state") == "live", address)
    # The browser itself reports the 404 of an execution that is not there.
    assert [error for error in browser.errors() if "404 (Not Found)" not in error] == []


def test_equal_pollers_are_one_row(shown: LocalSWF, work: Work, browser: Browser) -> None:
    """Pollers of one identity on one task list are one row with their number."""
    with ThreadPoolExecutor(15) as pool:
        for identity in ["host:7"] * 14 + ["host:8"]:
            pool.submit(work.poll_activity, identity=identity)
        browser.open(shown.page_url)
        choose(browser, work.domain)
        browser.until(lambda: browser.text("#count-pollers") == "15")
        assert sorted(browser.texts("#pollers tbody td:first-child")) == ["host:7 × 14", "host:8"]  # noqa: RUF001
        shown.release_polls()


#: What stands outside the screen or is broken within a word, by its text.
OUTSIDE = """
    const wide = document.documentElement.scrollWidth > innerWidth ? ["the page"] : [];
    const cells = [...document.querySelectorAll(arguments[0])];
    const edge = (e) => (e.closest(".scroll") || document.body).getBoundingClientRect().right;
    const outside = cells.filter((e) => e.getBoundingClientRect().right > edge(e) + 1);
    return wide.concat(outside.map((e) => e.textContent));
"""

#: The words of these elements that are on more than one line.
BROKEN = """
    const broken = [];
    for (const element of document.querySelectorAll(arguments[0])) {
      const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const node = walker.currentNode;
        for (const found of node.data.matchAll(/[A-Za-z0-9]+/g)) {
          const range = document.createRange();
          range.setStart(node, found.index);
          range.setEnd(node, found.index + found[0].length);
          const lines = new Set([...range.getClientRects()].map((r) => Math.round(r.top)));
          if (found[0].length < 30 && lines.size > 1) {
            broken.push(found[0]);
          }
        }
      }
    }
    return broken;
"""


#: Where pictures of the page are kept, if this names a folder.
PICTURES_VARIABLE = "FLOWY_SCREENSHOTS"

SCREENS = [
    ("wide", (1400, 900), "light"),
    ("wide", (1400, 900), "dark"),
    ("laptop", (1260, 800), "light"),
    ("tablet", (800, 900), "light"),
    ("narrow", (390, 800), "light"),
    ("narrow", (390, 800), "dark"),
]


def test_every_screen_shows_whole_words_and_times(
    shown: LocalSWF, work: Work, browser: Browser, tmp_path: Path
) -> None:
    """No word is broken, and narrow screens show when it began and how long it took."""
    run = start(work, "invoice-2026-11-27-customer-4711", input=INPUT, tagList=["urgent"])["runId"]
    work.schedule("charge-4711", "mail-4711")
    task = work.poll_activity(identity="worker-3.eu.example.com:4711")
    work.client.record_activity_task_heartbeat(taskToken=task["taskToken"], details="42 %")
    start(work, "order-8")
    work.client.terminate_workflow_execution(domain=work.domain, workflowId="order-8")
    work.client.request_cancel_workflow_execution(
        domain=work.domain, workflowId="invoice-2026-11-27-customer-4711"
    )
    start(work, "x" * 200)
    pictures = Path(os.environ.get(PICTURES_VARIABLE, tmp_path))
    try:
        with ThreadPoolExecutor(3) as pool:
            for _ in range(3):
                pool.submit(
                    work.client.poll_for_activity_task,
                    domain=work.domain,
                    taskList={"name": "reports-of-the-night"},
                    identity="worker-3.eu.example.com:4711",
                )
            browser.open(shown.page_url)
            choose(browser, work.domain)
            browser.until(lambda: "× 3" in browser.text("#pollers tbody"))  # noqa: RUF001
            for name, size, scheme in SCREENS:
                browser.resize(*size)
                browser.prefer(scheme)
                shot = browser.screenshot(pictures / f"page-{name}-{scheme}.png")
                assert shot.read_bytes().startswith(b"\x89PNG")
                assert browser.run(OUTSIDE, "td.started, td.took, .side td") == [], name
                assert len(browser.texts("td.started")) == 3
                assert browser.run(BROKEN, "td, th, .head, .tile, header") == [], name
            shown.release_polls()
        browser.open(f"{shown.page_url}#/run/{work.domain}/{run}")
        browser.until(lambda: len(browser.texts("#events li")) > 5)
        for name, size, scheme in SCREENS:
            browser.resize(*size)
            browser.prefer(scheme)
            browser.screenshot(pictures / f"execution-{name}-{scheme}.png")
            outside = ".lane .how, .events .when, #one pre, .legend, .acts button"
            assert browser.run(OUTSIDE, outside) == [], name
            broken = "#one .facts, #one .lane, #one .head, #one .events"
            assert browser.run(BROKEN, broken) == [], name
    finally:
        browser.resize(0, 0)
        browser.prefer("light")
