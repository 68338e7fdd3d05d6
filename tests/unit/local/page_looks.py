"""What tests of the page ask it, and choose on it."""

from __future__ import annotations

import http.client
import json
from typing import Any

from flowy.local import LocalSWF
from tests.browser import Browser
from tests.patience import PATIENCE_SECONDS


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


def choose(browser: Browser, domain: str) -> None:
    browser.until(lambda: domain in browser.texts("#domain option"))
    browser.run(
        "const select = document.querySelector('#domain'); select.value = arguments[0];"
        "select.dispatchEvent(new Event('change'))",
        domain,
    )
