"""Patient clients for each of the two ways that a call may take."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.scripted_swf import lean_client
from tests.unit.swf.client.conftest import MakeClient, closing
from tests.unit.swf.client.lean.raw_server import PATIENT


@pytest.fixture
def lean(no_settings: None) -> Iterator[MakeClient]:
    """Makes clients that take the lean way, and closes them."""
    with closing(lean_client, **PATIENT) as make:
        yield make


@pytest.fixture
def either(make_client: MakeClient) -> MakeClient:
    """Makes clients that take the one way, then the other: what a test shows holds for both."""
    return lambda url, **config: make_client(url, **{**PATIENT, **config})
