"""The example app in the test's own process: its settings, and what it says of odd moments."""

from __future__ import annotations

import importlib.util
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

if importlib.util.find_spec("flask") is None and not os.environ.get("CI"):
    pytest.skip("flask is not installed: the example needs it", allow_module_level=True)

from flask.testing import FlaskClient

from examples.approvals.web import make_app
from flowy.local import LocalSWF
from flowy.tokens import Handles, SuspendedTask, key_from_file
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.suspended import a_task


@pytest.fixture(scope="module")
def swf() -> Iterator[LocalSWF]:
    with LocalSWF(poll_seconds=1) as swf:
        yield swf


@pytest.fixture
def in_process(
    swf: LocalSWF, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., FlaskClient]]:
    """Makes the app from the environment's settings, and a client of it."""
    monkeypatch.setenv("APPROVALS_HOME", str(tmp_path / "home"))
    for name, value in swf.environment.items():
        monkeypatch.setenv(name, value)

    def make(**settings: str) -> FlaskClient:
        for name, value in settings.items():
            monkeypatch.setenv(f"APPROVALS_{name}", value)
        return make_app().test_client()

    yield make
    swf.faults.clear()


def _word(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_a_proxys_host_is_answered_where_it_is_named(
    in_process: Callable[..., FlaskClient], tmp_path: Path
) -> None:
    """Behind a proxy: its host is answered, its forms are taken, links and cookie are HTTPS's."""
    visitor = in_process(PUBLIC_HOST="Approvals.example", BEHIND_HTTPS="true")
    task = SQLiteTokenStore(tmp_path / "home" / "tokens.db").keep(a_task())
    page = visitor.get("/", base_url="https://approvals.example")
    assert page.status_code == 200
    assert "Secure" in page.headers["Set-Cookie"]
    assert visitor.get("/", base_url="http://evil.example").status_code == 403
    assert visitor.get("/", base_url="https://approvals.example.evil.example").status_code == 403
    path = f"/tasks/{task.id}/link"
    # With the Host passed on by the proxy, and with that of the app in its place.
    for base in ("https://approvals.example", "https://127.0.0.1:8000"):
        other = in_process()
        form = {"csrf": _word(other.get("/", base_url=base).text)}
        for origin, code in (("https://approvals.example", 200), ("https://evil.example", 403)):
            made = other.post(path, data=form, base_url=base, headers={"Origin": origin})
            assert made.status_code == code
            assert ('value="https://Approvals.example/decide/' in made.text) is (code == 200)
    plain = in_process(PUBLIC_HOST="", BEHIND_HTTPS="false")
    assert plain.get("/", base_url="https://approvals.example").status_code == 403
    assert "Secure" not in plain.get("/").headers["Set-Cookie"]


def test_a_host_that_cannot_be_read_takes_no_forms(
    in_process: Callable[..., FlaskClient], tmp_path: Path
) -> None:
    """Not even a form that has all else, and whose origin is the same host."""
    visitor = in_process(PUBLIC_HOST="", BEHIND_HTTPS="false")
    task = SQLiteTokenStore(tmp_path / "home" / "tokens.db").keep(a_task())
    form = {"csrf": _word(visitor.get("/").text)}
    for host in ("a!b", "evil_one.example"):
        headers = {"Host": host, "Origin": f"http://{host}"}
        assert visitor.get("/", headers=headers).status_code == 403
        refused = visitor.post(f"/tasks/{task.id}/link", data=form, headers=headers)
        assert refused.status_code == 403


def test_what_ends_first_is_shown_first(
    in_process: Callable[..., FlaskClient], tmp_path: Path
) -> None:
    """Requests come in the order of their deadlines, those without one last."""
    visitor = in_process()
    store = SQLiteTokenStore(tmp_path / "home" / "tokens.db")
    now = time.time()
    for title, deadline in (("never", None), ("late", now + 900), ("soon", now + 60)):
        store.keep(a_task(title, note={"title": title}, deadline=deadline))
    assert re.findall("<h3>([a-z]+)</h3>", visitor.get("/").text) == ["soon", "late", "never"]


def test_an_expired_link_says_so(in_process: Callable[..., FlaskClient], tmp_path: Path) -> None:
    """Each link that is refused has a text for whoever followed it, without handles or verbs."""
    visitor = in_process()
    home = tmp_path / "home"
    store = SQLiteTokenStore(home / "tokens.db")
    task = store.keep(a_task())
    key = key_from_file(home / "handles.key")
    old = Handles(store, key, clock=lambda: 1_000.0).make(task, "complete", lifetime=60)
    page = visitor.get(f"/decide/{old}")
    assert page.status_code == 403
    assert "This link has expired. Ask whoever sent it for a new one." in page.text
    gone = Handles(store, key).make(a_task(id="gone"), "complete", lifetime=60)
    assert "The request of this link is not here" in visitor.get(f"/decide/{gone}").text
    assert "handle" not in page.text


def test_an_answer_that_was_lost_is_not_called_unrecorded(
    in_process: Callable[..., FlaskClient], swf: LocalSWF, tmp_path: Path
) -> None:
    """If SWF may have taken an answer, the page says so, and not that nothing was taken."""
    visitor = in_process()
    task = SQLiteTokenStore(tmp_path / "home" / "tokens.db").keep(a_task("token"))
    swf.faults.break_connection("RespondActivityTaskCompleted", rate=1)
    form = {"csrf": _word(visitor.get("/").text)}
    origin = {"Origin": "http://localhost"}
    page = visitor.post(f"/tasks/{task.id}/approve", data=form, headers=origin)
    assert page.status_code == 503
    assert "It may have been taken; look again in a moment." in page.text
    assert "Nothing was recorded" not in page.text


def test_the_state_is_that_of_the_page(
    in_process: Callable[..., FlaskClient], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What changes while the page is made is a change that the page then sees."""
    visitor = in_process()
    store = SQLiteTokenStore(tmp_path / "home" / "tokens.db")
    read = SQLiteTokenStore.closed

    def closed(self: SQLiteTokenStore, limit: int) -> list[SuspendedTask]:
        found = read(self, limit)
        store.keep(a_task())  # somebody asks, just when the page was read
        return found

    with monkeypatch.context() as during:
        during.setattr(SQLiteTokenStore, "closed", closed)
        page = visitor.get("/").text
    shown = re.search(r'data-state="([^"]+)"', page)
    assert shown is not None
    assert visitor.get("/state").text != shown[1]
    assert f'data-state="{visitor.get("/state").text}"' in visitor.get("/").text
