"""What the acceptance tests share: a decider, and a place to write and start workers."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.flows import Ask, Flow
from tests.acceptance.processes import LOGGING, Process

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient


@pytest.fixture
def flow(client: SWFClient, domain: str) -> Callable[..., Flow]:
    """Schedules activities: ``flow(Ask(...), Ask(...))``; their types must be registered."""
    client.register_workflow_type(domain=domain, name="flow", version="1")

    def start(*asks: Ask) -> Flow:
        return Flow(client, domain, asks)

    return start


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file of Python into the test's own folder; with a log, if it is a script."""

    def write(name: str, text: str, *, log: bool = False) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((LOGGING if log else "") + textwrap.dedent(text), encoding="utf-8")
        return path

    return write


@pytest.fixture
def process(
    swf_environment: dict[str, str], domain: str, tmp_path: Path
) -> Iterator[Callable[..., Process]]:
    """Starts processes that see the local SWF, and the test's domain as ``DOMAIN``.

    Keywords are further environment variables; None takes one away.
    """
    with ExitStack() as stack:

        def start(*arguments: Any, **changed: str | None) -> Process:
            variables = {**swf_environment, "DOMAIN": domain, **changed}
            environment = {name: text for name, text in variables.items() if text is not None}
            return stack.enter_context(
                Process(*map(str, arguments), environment=environment, folder=tmp_path)
            )

        yield start
