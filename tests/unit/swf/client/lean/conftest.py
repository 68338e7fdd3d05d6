"""The two ways that a call may take, and a client for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.unit.scripted_swf import boto3_client
from tests.unit.swf.client.lean.raw_server import PATIENT, lean_client

MakeClient = Callable[..., Any]


@pytest.fixture
def lean(no_settings: None) -> Iterator[MakeClient]:
    """Makes clients that take the lean way, and closes them."""
    yield from _closing(lean_client)


@pytest.fixture(params=["lean", "botocore"])
def either(no_settings: None, request: pytest.FixtureRequest) -> Iterator[MakeClient]:
    """Makes clients that take the one way, then the other: what a test shows holds for both."""
    yield from _closing(lean_client if request.param == "lean" else _botocore_client)


def _botocore_client(url: str, **config: Any) -> Any:
    return boto3_client(url, **{**PATIENT, **config})


def _closing(make: MakeClient) -> Iterator[MakeClient]:
    made: list[Any] = []

    def make_and_keep(url: str, **config: Any) -> Any:
        made.append(make(url, **config))
        return made[-1]

    yield make_and_keep
    for client in made:
        client.close()
