"""Attempts under deciders that try again, in the styles of both Flowys and of simpleflow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from flowy import Activity, activity
from flowy.local import LocalSWF
from flowy.testing import LocalWorker
from tests.deciders.first_flowy import Decision, FirstFlowyDecider
from tests.deciders.retrying import RetryingDecider, Style, flowy_04, simpleflow

DOMAIN = "attempts"


@activity(
    name="step", version=1, task_list="steps", heartbeat=30, schedule_to_close=None,
    schedule_to_start=None, start_to_close=None, history="needed",
)  # fmt: skip
class Step(Activity):
    """Adds one at each attempt, and times out at the first two."""

    swf: ClassVar[LocalSWF]

    def run(self, name: str) -> Any:
        """Return the attempts, and how far they came."""
        done = self.previous_details or {"name": name, "steps": 0}
        if done["steps"] < 2:
            self.heartbeat({"name": name, "steps": done["steps"] + 1})
            self.swf.clock.turn(31)
            return "too late"
        return [name, self.attempt, done]


@pytest.fixture
def swf(local_swf: LocalSWF) -> Iterator[LocalSWF]:
    """A local SWF whose clock the activity turns, with throttle buckets."""
    with LocalSWF(domain=DOMAIN, poll_seconds=1, throttle=True) as swf:
        swf.clock.hold()
        Step.swf = swf
        with LocalWorker(swf, DOMAIN, Step, concurrency=1):
            yield swf


def found(name: str) -> Any:
    """What the third attempt returns."""
    return [name, 3, {"name": name, "steps": 2}]


def test_a_decider_of_flowy_02(swf: LocalSWF) -> None:
    """It retries under the next id, within those that the call has reserved."""

    def workflow(decision: Decision) -> Any:
        return [decision.activity("step", "1", "one"), decision.activity("step", "1", "two")]

    decider = FirstFlowyDecider(swf.client(), DOMAIN, workflow)
    assert decider.run("workflow") == [found("one"), found("two")]


@pytest.mark.parametrize("style", [flowy_04, simpleflow])
def test_other_deciders(swf: LocalSWF, style: Style) -> None:
    """Two calls of one type, which time out together, are told apart."""
    decider = RetryingDecider(swf.client(), DOMAIN, style)
    inputs = [json.dumps([[name], {}]) for name in ("one", "two")]
    results = decider.run("workflow", "step", inputs)
    assert [json.loads(each) for each in results] == [found("one"), found("two")]
