"""What the page of a local SWF shows: its pollers, and the tasks that run."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import urlopen

from flowy.local import LocalSWF
from tests.patience import until


def overview(swf: LocalSWF) -> dict[str, Any]:
    """Return the data of the page's overview; the SWF was made with a ``page_port``."""
    with urlopen(f"{swf.page_url}look/overview") as answer:
        data: dict[str, Any] = json.load(answer)
        return data


def wait_for_polls(swf: LocalSWF, count: int) -> None:
    """Wait until an SWF holds this many polls."""
    until(lambda: overview(swf)["pollersTotal"] == count, f"{count} polls")
