"""The FastAPI and Django recipes of the documentation, run as they are printed.

They are skipped if FastAPI (with httpx) or Django is not installed, as in CI: ``pip install
fastapi httpx django`` to run them.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flowy.local import LocalSWF
from flowy.tokens import Handles, key_from_file
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.suspended import Desk, Execution

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

PAGE = Path(__file__).parents[3] / "docs" / "indepth" / "links.rst"

#: What the apps answer to a request: method, headers and body go in, status and text come out.
Ask = Callable[..., tuple[int, str]]


def recipe(library: str) -> str:
    """Return the source of the block that imports *library*."""
    blocks = re.findall(
        r"^\.\. code-block:: text\n\n((?:    .*\n|\n)+)", PAGE.read_text(), re.MULTILINE
    )
    (block,) = [block for block in blocks if f"from {library}" in block]
    return textwrap.dedent(block)


@pytest.fixture
def waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local_swf: LocalSWF, client: SWFClient
) -> Execution:
    """An execution whose activity waits, kept in the store that the recipes open."""
    monkeypatch.chdir(tmp_path)
    for name, value in local_swf.environment.items():
        monkeypatch.setenv(name, value)
    with os.fdopen(os.open("handles.key", os.O_WRONLY | os.O_CREAT, 0o600), "w") as key:
        key.write(secrets.token_hex(32))
    local_swf.register_domain(domain := f"web-{secrets.token_hex(4)}")
    execution, task = Desk(client, domain).waiting(note={"what": "a lamp & a <desk>"})
    SQLiteTokenStore("tokens.db").keep(task)
    return execution


def handle_of(execution: Execution) -> str:
    """Return a handle that completes the task of *execution*."""
    store = SQLiteTokenStore("tokens.db")
    task = store.find(execution.workflow_id, "1")
    assert task is not None
    made = Handles(store, key_from_file("handles.key"))
    return made.make(task, "complete", lifetime=600)


def check(waiting: Execution, ask: Ask) -> None:
    """GET looks and shows the note escaped, one POST completes, foreign and further ones do not."""
    handle = handle_of(waiting)
    for _ in range(2):
        status, text = ask("GET", handle)
        assert (status, "a lamp &amp; a &lt;desk&gt;" in text) == (200, True)
    assert ask("POST", handle, own=False)[0] == 403
    assert ask("GET", handle, host="evil.example")[0] == 400
    assert waiting.events()[-1] == "ActivityTaskStarted"
    status, text = ask("POST", handle)
    assert (status, "Approved." in text) == (200, True)
    assert waiting.said("ActivityTaskCompleted")["result"] == '{"approved": true}'
    status, text = ask("POST", handle)
    assert (status, "it was used already" in text) == (403, True)
    assert ask("GET", f"{handle}x")[0] == 403


def test_fastapi(waiting: Execution) -> None:
    """A plain ``def`` in FastAPI's threads, with a form that is checked by its origin."""
    pytest.importorskip("fastapi")
    testing = pytest.importorskip("fastapi.testclient")
    module: dict[str, Any] = {"__name__": "recipe"}
    exec(compile(recipe("fastapi"), "recipe.py", "exec"), module)

    def ask(
        method: str, handle: str, *, own: bool = True, host: str = "shop.example"
    ) -> tuple[int, str]:
        client = testing.TestClient(module["app"], base_url=f"https://{host}")
        headers = {"Origin": "https://shop.example" if own else "https://evil.example"}
        answer = client.request(method, f"/decide/{handle}", headers=headers)
        return answer.status_code, answer.text

    check(waiting, ask)


def test_django(waiting: Execution, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Django's own checks of host and form, as a new project has them."""
    django = pytest.importorskip("django")
    settings = pytest.importorskip("django.conf").settings
    (tmp_path / "decide.html").write_text(
        '<p>{{ task.note.what }}</p><form method="post">{% csrf_token %}<button></form>'
    )
    module = type(sys)("recipe_urls")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(recipe("django"), "recipe.py", "exec"), vars(module))
    settings.configure(
        ALLOWED_HOSTS=["shop.example"],
        MIDDLEWARE=[
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
        ],
        ROOT_URLCONF=module.__name__,
        SECRET_KEY=secrets.token_hex(),
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "DIRS": [str(tmp_path)],
            }
        ],
    )
    django.setup()
    path = pytest.importorskip("django.urls").path
    vars(module)["urlpatterns"] = [path("decide/<str:handle>", vars(module)["decide"])]
    client = pytest.importorskip("django.test").Client(
        enforce_csrf_checks=True, raise_request_exception=False
    )

    def ask(
        method: str, handle: str, *, own: bool = True, host: str = "shop.example"
    ) -> tuple[int, str]:
        token = client.cookies["csrftoken"].value if own and client.cookies else ""
        answer = client.generic(
            method,
            f"/decide/{handle}",
            f"csrfmiddlewaretoken={token}" if method == "POST" else "",
            "application/x-www-form-urlencoded",
            HTTP_HOST=host,
        )
        return answer.status_code, answer.content.decode()

    check(waiting, ask)
