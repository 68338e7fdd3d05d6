"""A decider that tries a failed activity again, under the id that its style gives.

The styles are those of Flowy 0.4, whose ids end with the number of the retry, and of simpleflow,
which repeats the id. That of Flowy 0.2 is in ``first_flowy``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tests.deciders.decision_tasks import decision_tasks

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

#: The activity id of a call, from its name, its number, and the number of the retry, both from 0.
Style = Callable[[str, int, int], str]


def flowy_04(name: str, call: int, retry: int) -> str:
    """Return the id that Flowy 0.4 gives."""
    return f"{name}-{call}-{retry}"


def simpleflow(name: str, call: int, retry: int) -> str:
    """Return the id that simpleflow gives."""
    return f"activity-{name}-{call + 1}"


class RetryingDecider:
    """Runs one workflow in the thread of the test: all calls at once, each until it completes.

    Args:
        client: a boto3 client.
        domain: a domain.
        style: names the activities.
    """

    def __init__(self, client: SWFClient, domain: str, style: Style) -> None:
        self._client = client
        self._domain = domain
        self._style = style
        client.register_workflow_type(domain=domain, name="retrying", version="1")

    def run(self, workflow_id: str, name: str, inputs: Sequence[str]) -> list[str]:
        """Call an activity with each input, and return the results."""
        tasks = decision_tasks(self._client, self._domain, workflow_id, "retrying")
        while True:
            task = next(tasks)
            results, decisions = self._decide(name, inputs, task["events"])
            self._client.respond_decision_task_completed(
                taskToken=task["taskToken"], decisions=decisions
            )
            if len(results) == len(inputs):
                return [results[text] for text in inputs]

    def _decide(
        self, name: str, inputs: Sequence[str], events: Sequence[Mapping[str, Any]]
    ) -> tuple[dict[str, str], list[Any]]:
        """Return the results so far, by input, and what is to be scheduled."""
        tries, scheduled = dict.fromkeys(inputs, 0), dict[int, str]()
        waiting, results = set[str](), dict[str, str]()
        for event in events:
            kind = event["eventType"]
            said = event.get(f"{kind[0].lower()}{kind[1:]}EventAttributes", {})
            if kind == "ActivityTaskScheduled":
                scheduled[event["eventId"]] = said["input"]
                waiting.add(said["input"])
                tries[said["input"]] += 1
            elif kind in ("ActivityTaskTimedOut", "ActivityTaskFailed"):
                waiting.remove(scheduled[said["scheduledEventId"]])
            elif kind == "ActivityTaskCompleted":
                text = scheduled[said["scheduledEventId"]]
                waiting.remove(text)
                results[text] = said["result"]
        decisions = [
            {
                "decisionType": "ScheduleActivityTask",
                "scheduleActivityTaskDecisionAttributes": {
                    "activityId": self._style(name, number, tries[text]),
                    "activityType": {"name": name, "version": "1"},
                    "input": text,
                },
            }
            for number, text in enumerate(inputs)
            if text not in waiting and text not in results
        ]
        return results, decisions
