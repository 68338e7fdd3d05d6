"""The format of simpleflow, against the code of simpleflow itself."""

from __future__ import annotations

import json
from pathlib import Path

from tests.acceptance.processes import seeing_the_tests
from tests.deciders.simpleflow import need_simpleflow
from tests.patience import PATIENCE_SECONDS
from tests.python_process import PythonProcess

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
