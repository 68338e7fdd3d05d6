"""A real worker on the local SWF, in threads of this process, by a clock that the test turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from flowy.concurrency.stop import StopLevel
from flowy.local import LocalSWF
from flowy.observer import (
    Observer,
)
from flowy.swf.client import connect
from flowy.swf.registration import register
from flowy.swf.scanner import declared_by
from flowy.swf.worker import ActivityWorker
from tests.acceptance.flows import Ask, Flow
from tests.unit.observer.observed import (
    Gate,
    Recorder,
    Running,
    Start,
    activities,
)
from tests.unit.scripted_swf import ONE_ATTEMPT, boto3_client

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Lets activities through at the end of a test at the latest."""
    gate = Gate()
    yield gate
    gate.opened.set()


@pytest.fixture
def start(local_swf: LocalSWF, domain: str, gate: Gate) -> Iterator[Start]:
    """Starts workers whose options and observers a test gives; each ends with the test."""
    made: list[Running] = []
    layer1 = boto3_client(local_swf.environment["AWS_ENDPOINT_URL_SWF"], **ONE_ATTEMPT)
    found = declared_by(activities(gate))
    client = connect(layer1)
    register(client, domain, found.values())

    def start(*observers: Observer, **options: Any) -> Running:
        recorder = Recorder()
        options = {"signals": False, **options}
        worker = ActivityWorker(
            client, domain, "list", found, observers=[*observers, recorder], clock=gate.clock,
            **options,
        )  # fmt: skip
        made.append(Running(local_swf, worker, recorder, gate.clock))
        return made[-1]

    yield start
    local_swf.faults.clear()
    gate.opened.set()
    for running in made:
        running.worker.stop(StopLevel.KILL)
        running.end()


@pytest.fixture
def ask(client: SWFClient, domain: str, start: Start) -> Callable[..., Flow]:
    """Schedules activities: ``ask("echo", "wait")``, or by ``Ask``."""
    client.register_workflow_type(domain=domain, name="flow", version="1")

    def ask(*asks: str | Ask) -> Flow:
        return Flow(client, domain, [Ask(one) if isinstance(one, str) else one for one in asks])

    return ask
