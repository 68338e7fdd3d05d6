"""The buttons of the page that terminate and cancel, and what keeps other pages from them."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from flowy.local import LocalSWF
from tests.browser import Browser
from tests.patience import PATIENCE_SECONDS
from tests.unit.local.conftest import Work
from tests.unit.local.page_looks import look


def post(swf: LocalSWF, path: str, body: Any, **headers: str) -> tuple[int, bytes]:
    where = urlsplit(swf.page_url)
    connection = http.client.HTTPConnection(
        str(where.hostname), where.port, timeout=PATIENCE_SECONDS
    )
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request("POST", path, data, sent)
        answer = connection.getresponse()
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.fixture
def named(work: Work) -> dict[str, str]:
    """An open execution, as the page names it."""
    return {"domain": work.domain, **work.start("order 7")}


@pytest.fixture
def right(shown: LocalSWF) -> dict[str, str]:
    """The headers that the page sends."""
    token = look(shown, "/look/token")
    return {"Origin": shown.page_url.rstrip("/"), "X_Flowy_Token": token}


def is_open(work: Work) -> bool:
    found = work.client.list_open_workflow_executions(
        domain=work.domain, startTimeFilter={"oldestDate": 0}
    )["executionInfos"]
    return bool(found) and not found[0]["cancelRequested"]


@pytest.mark.parametrize("path", ["/act/terminate", "/act/cancel"])
def test_a_request_needs_origin_and_token(
    shown: LocalSWF, work: Work, named: dict[str, str], right: dict[str, str], path: str
) -> None:
    """Without the own Origin, the token or a known Host nothing happens; with them it does."""
    own = right["Origin"]
    for wrong in (
        {},
        {"Origin": own},
        {"X_Flowy_Token": right["X_Flowy_Token"]},
        {**right, "X_Flowy_Token": ""},
        {**right, "X_Flowy_Token": "ë"},
        {**right, "X_Flowy_Token": right["X_Flowy_Token"][:-1]},
        {**right, "Origin": "null"},
        {**right, "Origin": "http://["},
        {**right, "Origin": "https://example.com"},
        {**right, "Origin": "http://example.com", "Host": "example.com"},
        {**right, "Origin": shown.endpoint_url},
    ):
        assert post(shown, path, named, **wrong)[0] == 403
    assert is_open(work)
    assert post(shown, path, named, **right)[0] == 200
    assert not is_open(work)


@pytest.mark.parametrize(
    "body", [b"", b"no JSON", b"[]", b"7", b"{}", b"[" * 9_000, b'{"domain": 1}', b"\xff"]
)
def test_a_request_that_names_no_execution(
    shown: LocalSWF, right: dict[str, str], body: bytes
) -> None:
    """A body that cannot be read is 400; one that is too large 413."""
    assert post(shown, "/act/cancel", body, **right)[0] == 400
    assert post(shown, "/act/cancel", b" " * 20_000, **right)[0] == 413


def test_swf_refuses_what_is_not_there(
    shown: LocalSWF, named: dict[str, str], right: dict[str, str]
) -> None:
    """An execution that is closed, or a name of a wrong type, is SWF's own fault."""
    assert post(shown, "/act/terminate", named, **right)[0] == 200
    status, text = post(shown, "/act/terminate", named, **right)
    assert (status, b"UnknownResourceFault" in text) == (400, True)
    assert post(shown, "/act/terminate", {**named, "domain": 7}, **right)[0] == 400
    assert post(shown, "/act/forget", named, **right)[0] == 501


@pytest.fixture
def at_run(
    shown: LocalSWF, work: Work, named: dict[str, str], browser: Browser
) -> Iterator[Browser]:
    browser.open(f"{shown.page_url}#/run/{work.domain}/{named['runId']}")
    browser.until(lambda: browser.text("#one-id") == "order 7")
    yield browser
    assert browser.errors() == []


def test_terminate_asks_first(work: Work, at_run: Browser) -> None:
    """No changes nothing; yes terminates, and the page says so."""
    at_run.click("[data-act=terminate]")
    at_run.until(lambda: "order 7" in at_run.text("#sure-text"))
    at_run.click("#sure [value=no]")
    at_run.until(lambda: not at_run.run("return document.querySelector('#sure').open"))
    assert is_open(work)
    at_run.click("[data-act=terminate]")
    at_run.click("#sure-yes")
    at_run.until(lambda: at_run.text("#one-status") == "terminated")
    assert at_run.text("#one-said") == "It was terminated."
    assert at_run.run("return document.querySelector('#one-acts').hidden")
    assert "Terminated on the page" in at_run.text("#one-facts")


def test_cancel_is_requested(work: Work, at_run: Browser) -> None:
    """The decider gets a request; the execution stays open."""
    at_run.click("[data-act=cancel]")
    at_run.click("#sure-yes")
    at_run.until(lambda: at_run.text("#one-said") == "The cancellation was requested.")
    assert not is_open(work)
    at_run.until(lambda: "requested" in at_run.text("#one-facts"))
