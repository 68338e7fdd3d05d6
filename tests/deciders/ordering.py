"""Runs the workflow of docs/learn/decider by simpleflow's own decider."""

from __future__ import annotations

import importlib.util
import json
import os
from typing import Any

from flowy import activity
from flowy.local import LocalSWF
from flowy.testing import LocalWorker
from flowy.transport.simpleflow import SimpleflowActivity
from tests.deciders.simpleflow import ending
from tests.pages import Shell

_DOMAIN = "flow"
_START = f"simpleflow decider.start --domain {_DOMAIN} --task-list order-decisions --nb-processes 1"


@activity("charge", "1", "orders")
class _Charge(SimpleflowActivity):
    def run(self, order: str) -> str:
        return f"receipt for {order}"


@activity("ship", "1", "orders")
class _Ship(SimpleflowActivity):
    tries = 0

    def run(self, order: str) -> str:
        _Ship.tries += 1
        if _Ship.tries == 1:
            raise ConnectionError("The carrier does not answer.")
        return f"parcel with {order}"


def retried_by_simpleflow(shell: Shell, swf: LocalSWF) -> None:
    """Let ``order_workflow.py`` of a page end, with a retry; only compile it without simpleflow."""
    if importlib.util.find_spec("simpleflow") is None and not os.environ.get("CI"):
        shell.block("$ python -m py_compile order_workflow.py\n", [])
        return
    swf.register_domain(_DOMAIN)
    client = swf.client()
    type_: Any = {"name": "order", "version": "1"}
    client.register_workflow_type(domain=_DOMAIN, **type_)
    shell.export("PYTHONPATH", ".")
    shell.block(f"$ {_START} order_workflow.OrderWorkflow\n... starting ...\n", ["leave-running"])
    how: Any = {"childPolicy": "TERMINATE", "taskStartToCloseTimeout": "60"}
    with LocalWorker(swf, _DOMAIN, [_Charge, _Ship]):
        client.start_workflow_execution(
            domain=_DOMAIN,
            workflowId="order-7",
            workflowType=type_,
            taskList={"name": "order-decisions"},
            executionStartToCloseTimeout="300",
            input=json.dumps({"args": ["order-7"], "kwargs": {}}),
            **how,
        )
        ended = ending(client, _DOMAIN, "order-7")
    assert ended[:2] == ("completed", "parcel with order-7")
    assert _Ship.tries == 2
