"""A local SWF for each test that wants one, and plain HTTP to talk to it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from flowy.local import LocalSWF


@pytest.fixture
def swf() -> Iterator[LocalSWF]:
    """A running local SWF with SWF's own 60 s polls."""
    with LocalSWF() as running:
        yield running


class Wire:
    """One HTTP connection to a local SWF, below boto3."""

    def __init__(self, swf: LocalSWF) -> None:
        host, _, port = swf.endpoint_url.removeprefix("http://").rpartition(":")
        self.connection = http.client.HTTPConnection(host, int(port), timeout=10)

    def send(
        self,
        action: str,
        body: str | bytes,
        *,
        method: str = "POST",
        path: str = "/",
        **headers: str,
    ) -> None:
        target = {"X-Amz-Target": f"SimpleWorkflowService.{action}"}
        self.connection.request(method, path, body, {**target, **headers})

    def receive(self) -> tuple[int, dict[str, Any], dict[str, str]]:
        answer = self.connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text or b"{}"), dict(answer.getheaders())

    def call(
        self, action: str, body: str | bytes, **how: str
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        self.send(action, body, **how)
        return self.receive()


@pytest.fixture
def wire(swf: LocalSWF) -> Iterator[Wire]:
    """A connection to ``swf``."""
    wire = Wire(swf)
    with closing(wire.connection):
        yield wire
