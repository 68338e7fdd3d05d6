"""Each test has a domain of its own, in one SWF for all."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.testing.project.shop import Echo

__all__ = ["Echo"]

SEEN: list[tuple[str, str]] = []


@pytest.mark.parametrize("number", [1, 2])
def test_it(
    number: int, flowy_worker: Any, flowy_domain: str, flowy_client: Any, flowy_local_swf: Any
) -> None:
    assert flowy_worker.domain == flowy_domain
    types = flowy_client.list_activity_types(domain=flowy_domain, registrationStatus="REGISTERED")
    assert [each["activityType"]["name"] for each in types["typeInfos"]] == ["echo"]
    SEEN.append((flowy_domain, flowy_local_swf.endpoint_url))
    assert len({domain for domain, _ in SEEN}) == len(SEEN) == number
    assert len({url for _, url in SEEN}) == 1
