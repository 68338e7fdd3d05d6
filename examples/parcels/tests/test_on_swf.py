"""The activities on a local SWF: a real client, real HTTP, a real worker, SWF's history.

The fixtures come with Flowy; ``flowy_call_activity`` brings SWF, domain and worker along.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from parcels import depot
from parcels.activities import Pack, Release, Weigh

from flowy import async_scheduler
from flowy.exception import ActivityFailedError


def test_weigh(flowy_call_activity) -> None:
    assert flowy_call_activity(Weigh, {"book": 0.5}) == 0.5
    assert flowy_call_activity("weigh", 1, {"book": 0.5}) == 0.5


def test_a_failure_has_its_traceback(flowy_call_activity) -> None:
    with pytest.raises(ActivityFailedError, match="empty parcel") as failed:
        flowy_call_activity(Weigh, {})
    assert "ValueError" in failed.value.details


def test_pack(flowy_call_activity) -> None:
    assert flowy_call_activity(Pack, ["book", "lamp"]) == {"items": 2}
    depot.packed.clear()


def test_release_by_somebody_else(
    flowy_call_activity, flowy_client, flowy_domain, monkeypatch
) -> None:
    def letter(parcel: str, token: str) -> None:
        customs.submit(async_scheduler(flowy_domain, flowy_client).complete, token, "stamped")

    monkeypatch.setattr(depot, "ask_customs", letter)  # the worker runs in this process
    with ThreadPoolExecutor() as customs:
        assert flowy_call_activity(Release, "p-4") == "stamped"
