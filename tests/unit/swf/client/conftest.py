"""What the tests of clients take: clients of both HTTP ways, a clock, calls in threads."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from typing import Any

import pytest

from flowy.swf.client.deadlines import CUT_INTERVAL_SECONDS, CallDeadlines
from tests.patience import PATIENCE_SECONDS
from tests.unit.clocks import TurnedClock
from tests.unit.scripted_swf import boto3_client, lean_client

#: How often a test looks at a call in a thread, and how often a byte of an answer that trickles
#: comes, in seconds: long before any read timeout.
EVERY_SECONDS = 0.01

#: Makes a boto3 client of what listens at a URL, with the options of a configuration.
MakeClient = Callable[..., Any]

Aside = Callable[[Callable[[], Any]], Future[Any]]


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def deadlines(clock: TurnedClock) -> CallDeadlines:
    return CallDeadlines(clock)


@pytest.fixture
def aside() -> Iterator[Aside]:
    """Runs a call in a thread of its own."""
    with ThreadPoolExecutor(4) as threads:
        yield threads.submit


def error_after_cuts(future: Future[Any], clock: TurnedClock) -> BaseException | None:
    """Return what a call raised that is past its deadline; it may be between two reads."""
    for _ in range(round(PATIENCE_SECONDS / EVERY_SECONDS)):
        try:
            return future.exception(EVERY_SECONDS)
        except NotYet:
            clock.turn(CUT_INTERVAL_SECONDS)
    raise AssertionError("the call was not cut")


@contextlib.contextmanager
def closing(make: MakeClient, **defaults: Any) -> Iterator[MakeClient]:
    """Close, at the end of the block, the clients that were made in it."""
    made: list[Any] = []

    def make_and_keep(url: str = "http://127.0.0.1:1", **config: Any) -> Any:
        made.append(make(url, **{**defaults, **config}))
        return made[-1]

    yield make_and_keep
    for client in made:
        client.close()


@pytest.fixture(params=[boto3_client, lean_client], ids=["botocore", "lean"])
def make_client(no_settings: None, request: pytest.FixtureRequest) -> Iterator[MakeClient]:
    """Makes clients by botocore's own HTTP way, then by the lean one."""
    with closing(request.param) as make:
        yield make
