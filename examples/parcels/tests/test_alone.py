"""Each activity alone: no SWF, no network, milliseconds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from parcels import depot
from parcels.activities import Pack, Release, Track, Weigh

from flowy.exception import ActivityFailedError
from flowy.testing import ActivityEnvironment, Canceled, Suspended, Unanswered


@pytest.fixture(autouse=True)
def empty_depot() -> Iterator[None]:
    yield
    depot.packed.clear()
    depot.letters.clear()


def test_weigh_adds_up() -> None:
    assert ActivityEnvironment().run(Weigh, {"book": 0.5, "lamp": 1.25}) == 1.75


def test_weigh_refuses_an_empty_parcel() -> None:
    env = ActivityEnvironment()
    with pytest.raises(ValueError, match="empty parcel"):
        env.run(Weigh, {})
    assert env.answer.reason == "An empty parcel has no weight."  # what the decider sees


def test_weigh_needs_its_argument() -> None:
    with pytest.raises(ActivityFailedError, match="missing a required argument"):
        ActivityEnvironment().run(Weigh)


def test_pack_tells_how_far_it_is() -> None:
    env = ActivityEnvironment()
    assert env.run(Pack, ["book", "lamp"]) == {"items": 2}
    assert env.heartbeats == ['{"packed": 1, "of": 2}', '{"packed": 2, "of": 2}']


def test_pack_unpacks_when_it_is_canceled() -> None:
    env = ActivityEnvironment(cancel_at=2)
    assert env.run(Pack, ["book", "lamp", "rug"]) == Canceled("2 items unpacked")
    assert depot.packed == []


def test_pack_leaves_nothing_half_done_when_the_worker_stops() -> None:
    env = ActivityEnvironment(stop_at=1)
    assert env.run(Pack, ["book", "lamp"]) == Unanswered("the worker must stop")
    assert depot.packed == []


def test_track_follows() -> None:
    async def story() -> str:
        tracking = asyncio.create_task(env.run_async(Track, "p-1"))
        position = depot.subscribe("p-1")
        for place in ("Ulm", "Linz", "arrived"):
            position.put_nowait(place)
        return await tracking

    env = ActivityEnvironment()
    assert asyncio.run(story()) == "arrived"
    assert env.progress == ["Ulm", "Linz"]


def test_track_unsubscribes_when_it_is_canceled() -> None:
    env = ActivityEnvironment()
    env.cancel()
    assert env.run(Track, "p-2") == Canceled()
    assert depot.positions == {}


def test_release_hands_the_token_on() -> None:
    env = ActivityEnvironment(token="the-token")
    assert env.run(Release, "p-3") == Suspended("the-token")
    assert depot.letters == {"p-3": "the-token"}
