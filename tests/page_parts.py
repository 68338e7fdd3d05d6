"""What several pages of the documentation need before their examples can run."""

from __future__ import annotations

import contextlib
import re
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flowy import Activity, AsyncActivity, activity, call_activity
from flowy.exception import ActivityFailedError
from flowy.swf.client import connect
from flowy.swf.registration import register
from flowy.swf.scanner import declared_by
from flowy.swf.worker import ActivityWorker

DOCS = Path(__file__).resolve().parent.parent / "docs"


def captioned(page: str, caption: str) -> str:
    """The file of this name that another page shows, such as ``indepth/async``."""
    text = (DOCS / f"{page}.rst").read_text(encoding="utf-8")
    block = re.search(
        rf"^    :caption: {re.escape(caption)}\n((?:    .*\n|\n)+)", text, re.MULTILINE
    )
    assert block is not None, f"{page} has no {caption}"
    return textwrap.dedent(block[1])


@activity(name="charge", version=1, task_list="orders", heartbeat=60)
class Charge(Activity):
    """Charges an order; a negative number is none."""

    def run(self, order: int) -> int:
        if order < 0:
            raise ValueError(f"Order {order} does not exist.")
        self.heartbeat()
        return order


@activity(name="track", version=1, task_list="orders")
class Track(AsyncActivity):
    """The same as a coroutine."""

    async def run(self, parcel: int) -> int:
        if parcel < 0:
            raise ValueError(f"There is no parcel {parcel}.")
        return parcel


class Caller:
    """Calls activities by their classes' names."""

    def __init__(self, client: Any, domain: str) -> None:
        self._client = client
        self._domain = domain

    def call(self, kind: type[Any], *args: Any) -> Any:
        name = kind.__name__.lower()
        return call_activity(self._domain, name, 1, *args, layer1=self._client, timeout=30)

    def fails(self, kind: type[Any], argument: Any) -> ActivityFailedError:
        """Call what must fail, and return how."""
        try:
            self.call(kind, argument)
        except ActivityFailedError as error:
            return error
        raise AssertionError(f"{kind} has not failed")


@contextlib.contextmanager
def serving(layer1: Any, domain: str, *kinds: type[Any], **options: Any) -> Iterator[Caller]:
    """A worker that serves the classes until the end of the block."""
    client = connect(layer1)
    found = declared_by(kinds)
    register(client, domain, found.values())
    worker = ActivityWorker(
        client, domain, "orders", found, concurrency=5, signals=False, **options
    )
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield Caller(layer1, domain)
    finally:
        worker.stop()
        thread.join(30)
        assert not thread.is_alive()


def lines_of(page: str, name: str) -> list[str]:
    """The lines of a class that a page shows."""
    text = Path(page).read_text(encoding="utf-8")
    block = re.search(rf"( +)class {name}\(.*\n((?:\1 +.*\n|\n)+)", text)
    assert block is not None
    return block[0].strip().splitlines()


def table_of(page: str, mark: str, types: str) -> list[tuple[str, str, str]]:
    """The rows of a table of metrics: name, type, and what it tells."""
    table = page[page.index(f".. {mark}:") :]
    table = table[: table.index(".. invisible")]
    rows = re.findall(rf"^``([\w.]+)`` +({types}) +(.*\n(?: {{30}} .*\n)*)", table, re.MULTILINE)
    return [(name, kind, " ".join(text.split())) for name, kind, text in rows]
