"""What simpleflow's own decider needs in a test: the package, and an S3 for its jumbo fields."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from tests.patience import until

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

_NEEDED = {"simpleflow": "--group simpleflow", "flask_cors": "--group moto"}


def need_simpleflow() -> None:
    """Skip the test if simpleflow, or moto's server, is not installed; fail if CI is set."""
    for module, group in _NEEDED.items():
        if importlib.util.find_spec(module) is None:
            text = f"{module} is not installed: pip install {group}"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(text)


@contextlib.contextmanager
def s3_with(bucket: str) -> Iterator[str]:
    """Serve moto's S3 over HTTP, with one bucket; return its address."""
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        address = "http://{}:{}".format(*server.get_host_and_port())
        client = boto3.client(
            "s3",
            endpoint_url=address,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        client.create_bucket(Bucket=bucket)
        client.close()
        yield address
    finally:
        server.stop()


def ending(client: SWFClient, domain: str, workflow_id: str) -> tuple[str, Any, list[str]]:
    """Wait for the end of a workflow; return how it ended, its value, and its activities' results.

    The value is what a completed workflow returned, or why another one ended.
    """

    def closed() -> Any:
        found = client.list_closed_workflow_executions(
            domain=domain,
            startTimeFilter={"oldestDate": "2000-01-01"},
            executionFilter={"workflowId": workflow_id},
        )["executionInfos"]
        return found[0] if found else None

    execution = until(closed, f"the end of {workflow_id}")["execution"]
    history = client.get_workflow_execution_history(domain=domain, execution=execution)["events"]
    results = [
        event["activityTaskCompletedEventAttributes"]["result"]
        for event in history
        if event["eventType"] == "ActivityTaskCompleted"
    ]
    last: Any = history[-1]
    if last["eventType"] == "WorkflowExecutionCompleted":
        text = last["workflowExecutionCompletedEventAttributes"]["result"]
        return "completed", json.loads(text), results
    return last["eventType"], last, results
