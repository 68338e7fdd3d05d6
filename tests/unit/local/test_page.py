"""The page, over HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from flowy.exception import LocalSWFError
from flowy.local import LocalSWF
from tests.patience import until
from tests.unit.local.conftest import Work
from tests.unit.local.page_looks import get, look, start_many


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
