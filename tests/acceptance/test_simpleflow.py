"""The format of simpleflow, against the code of simpleflow itself."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from cryptography.fernet import Fernet

from flowy import activity
from flowy.codecs.fernet import FernetCodec
from flowy.testing import LocalWorker
from flowy.transport import read
from flowy.transport.simpleflow import SimpleflowActivity
from tests.acceptance.processes import seeing_the_tests
from tests.deciders.simpleflow import ending, need_simpleflow, s3_with
from tests.patience import PATIENCE_SECONDS
from tests.python_process import PythonProcess

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from flowy.local import LocalSWF

#: Values that both write, as Python.
VALUES = """
import datetime, uuid
UTC = datetime.timezone.utc
ODD = datetime.timezone(datetime.timedelta(hours=-3, minutes=-30))
VALUES = [
    None, True, 1, 1.5, "text \\u00e4 \\U0001f600", float("nan"), float("inf"),
    {"b": [1, {"c": ()}], "a": {}}, {2: 1, 1: 2}, b"raw \\xff", {"in": [b"\\x00"]},
    datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, UTC), datetime.datetime(2026, 1, 2, tzinfo=UTC),
    datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, ODD), datetime.datetime(2026, 1, 2, 3, 4),
    datetime.date(2026, 1, 2), datetime.time(3, 4, 5, 678901), datetime.time(3, 4),
    uuid.UUID(int=7), {1}, frozenset({"x"}),
]
"""

#: What simpleflow writes: the values, an input, and the failures of its worker.
THEIRS = f"""
import json, sys
{VALUES}
from simpleflow.swf.process.worker import base
from simpleflow.utils import json_dumps

class Own(Exception): pass

def failing(error):
    def call(*args, **kwargs): raise error
    return call

class Poller:
    class domain: name = "domain"
    task_list = "list"
    def fail_with_retry(self, token, task, reason, details): self.failure = reason, details

class Runs:
    def __init__(self, call, *args, **kwargs): self.execute = call

base.ActivityTask = Runs
base.sanitize_activity_context = dict

class Task:
    input = json_dumps({{"args": [], "kwargs": {{}}}})
    context = {{}}
    activity_id = "1"

said = {{"values": [json_dumps(value) for value in VALUES], "failures": []}}
for error in (ValueError("why \\u00e4"), ValueError(), KeyError("order"), Own("own")):
    worker = base.ActivityWorker()
    worker.dispatch = lambda task: failing(error)
    poller = Poller()
    worker.process(poller, "token", Task())
    said["failures"].append(poller.failure)
print(json.dumps(said))
"""

#: What Flowy writes for the same.
OURS = f"""
import json
{VALUES}
from flowy.testing import ActivityEnvironment
from flowy.transport.simpleflow import SimpleflowActivity, encode_input

class Own(Exception): pass

class Raises(SimpleflowActivity):
    def run(self): raise errors[0]

values = [SimpleflowActivity._serialize_result(value) for value in VALUES]
said = {{"values": values, "failures": []}}
for error in (ValueError("why \\u00e4"), ValueError(), KeyError("order"), Own("own")):
    errors = [error]
    env = ActivityEnvironment(serialize_arguments=encode_input)
    try:
        env.run(Raises)
    except Exception:
        said["failures"].append((env.answer.reason, env.answer.details))
print(json.dumps(said))
"""


def test_flowy_writes_what_simpleflow_writes(
    tmp_path: Path, swf_environment: dict[str, str]
) -> None:
    """Results, reasons and details are the same, but for the lines of the traceback."""
    need_simpleflow()
    said = []
    for name, script in (("theirs", THEIRS), ("ours", OURS)):
        (tmp_path / f"{name}.py").write_text(script)
        process = PythonProcess([f"{name}.py"], env=seeing_the_tests(swf_environment), cwd=tmp_path)
        output, log = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0, log
        said.append(json.loads(output))
    theirs, ours = said
    assert ours["values"] == theirs["values"]
    assert len(ours["failures"]) == len(theirs["failures"]) == 4
    for (our_reason, our_text), (their_reason, their_text) in zip(
        ours["failures"], theirs["failures"], strict=True
    ):
        assert our_reason == their_reason
        our, their = json.loads(our_text), json.loads(their_text)
        assert our["traceback"][-1] == their["traceback"][-1]
        assert {**our, "traceback": 0} == {**their, "traceback": 0}
        assert list(our) == list(their)


#: A workflow of simpleflow's, whose activities Flowy runs.
ORDERS = """
from simpleflow import Workflow, activity, futures

@activity.with_attributes(version="1", task_list="payments")
def card(order): ...

@activity.with_attributes(version="1", task_list="payments")
def charge(cards, amount=0): ...

@activity.with_attributes(version="1", task_list="payments")
def refund(order): ...

class OrderWorkflow(Workflow):
    name = "order"
    version = "1"
    task_list = "orders"
    execution_timeout = 300
    decision_tasks_timeout = 60

    def run(self, order):
        found = self.submit(card, order)
        charged = self.submit(charge, [found, found, found], amount=7)
        refunded = self.submit(refund, found)
        futures.wait(charged, refunded)
        return {"charged": charged.result, "refund": refunded.exception.reason}
"""

#: What the command ``simpleflow`` runs.
RUN = "from simpleflow.command import cli; cli(prog_name='simpleflow')"

SECRET = "4111-1111-1111-1111"
CODECS = (FernetCodec([Fernet.generate_key()]),)


class Encrypted(SimpleflowActivity):
    codecs = CODECS


@activity("orders.card", "1", "payments")
class Card(Encrypted):
    def run(self, order: str) -> Any:
        return {"number": SECRET, "of": order, "long": "x" * 9_000}


@activity("orders.charge", "1", "payments")
class Charge(Encrypted):
    def run(self, cards: Any, amount: int = 0) -> str:
        return f"{len(cards)} times {cards[2]['number']} paid {amount}"


@activity("orders.refund", "1", "payments")
class Refund(Encrypted):
    def run(self, card: Any) -> None:
        raise ValueError(f"nothing to refund of {card['of']}")


def test_its_decider_carries_encrypted_values(
    tmp_path: Path, swf_environment: dict[str, str], local_swf: LocalSWF, client: SWFClient,
    domain: str, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """It reads none of them, and puts several into a jumbo field; reasons it reads as before."""
    need_simpleflow()
    (tmp_path / "orders.py").write_text(ORDERS)
    with s3_with("jumbo-fields") as address:
        aws = {
            "AWS_ENDPOINT_URL_S3": address, "SIMPLEFLOW_JUMBO_FIELDS_BUCKET": "jumbo-fields/shop",
            "PYTHONPATH": ".", "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        }  # fmt: skip
        for name in aws.keys() - {"PYTHONPATH"}:
            monkeypatch.setenv(name, aws[name])
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        start = ["decider.start", "--domain", domain, "--task-list", "orders"]
        decider = PythonProcess(
            ["-c", RUN, *start, "--nb-processes", "1", "orders.OrderWorkflow"],
            env={**swf_environment, **aws},
            cwd=tmp_path,
        )
        try:
            with LocalWorker(local_swf, domain, [Card, Charge, Refund]):
                assert decider.stderr is not None
                assert "starting" in decider.stderr.readline()
                type_: Any = {"name": "order", "version": "1"}
                client.register_workflow_type(domain=domain, **type_)
                client.start_workflow_execution(
                    domain=domain,
                    workflowId="o-1",
                    workflowType=type_,
                    taskList={"name": "orders"},
                    childPolicy="TERMINATE",
                    taskStartToCloseTimeout="60",
                    executionStartToCloseTimeout="300",
                    input=json.dumps({"args": ["o-1"], "kwargs": {}}),
                )
                how, value, results = ending(client, domain, "o-1")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(decider.pid, signal.SIGKILL)
            decider.communicate()
    assert how == "completed"
    assert read(value["charged"], CODECS) == f"3 times {SECRET} paid 7"
    assert value["refund"] == "ValueError: nothing to refund of o-1"
    assert [list(json.loads(result)) for result in results] == [["$flowy", "chain", "data"]] * 2
    execution = client.list_closed_workflow_executions(
        domain=domain, startTimeFilter={"oldestDate": "2000-01-01"}
    )["executionInfos"][0]["execution"]
    history = client.get_workflow_execution_history(domain=domain, execution=execution)["events"]
    assert "simpleflow+s3://jumbo-fields/shop/" in str(history)
    assert SECRET not in str(history)
