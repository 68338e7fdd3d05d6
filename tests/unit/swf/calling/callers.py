"""What the tests of ``call_activity`` take: activities, and a client that lets things happen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flowy.local import LocalSWF
from flowy.swf.scanner import activity
from flowy.task import Activity


@activity("echo", 1, "list")
class Echo(Activity):
    def run(self, *args: Any, **kwargs: Any) -> Any:
        return [args, kwargs]


@activity("otherwise", 1, "list")
class Otherwise(Activity):
    """Says its result in no JSON."""

    def run(self) -> int:
        return 1

    @staticmethod
    def _serialize_result(result: Any) -> str:
        return f"<{result}>"


#: What happens at a call of the caller's, told by the number of that call, from 1 on.
Happens = Callable[[int], object]


class Between:
    """A client that notes its calls, and lets something happen before or after one."""

    def __init__(
        self,
        client: Any,
        *,
        before: dict[str, Happens] | None = None,
        after: dict[str, Happens] | None = None,
    ) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._client = client
        self._before = before or {}
        self._after = after or {}

    def __getattr__(self, method: str) -> Any:
        called = getattr(self._client, method)
        if method not in self._client.meta.method_to_api_mapping:
            return called

        def call(**parameters: Any) -> Any:
            self.calls.append((method, parameters))
            number = self.methods.count(method)
            self._before.get(method, int)(number)
            answer = called(**parameters)
            self._after.get(method, int)(number)
            return answer

        return call

    @property
    def methods(self) -> list[str]:
        """The names of the methods called, in order."""
        return [method for method, _ in self.calls]

    def parameters(self, method: str) -> list[dict[str, Any]]:
        """The parameters of each call of one method."""
        return [parameters for name, parameters in self.calls if name == method]


def raises(error: BaseException) -> Happens:
    """What ends the first such call."""

    def happen(number: int) -> None:
        raise error

    return happen


def at(wanted: int, happens: Callable[[], object]) -> Happens:
    """What happens at the call of this number only."""
    return lambda number: happens() if number == wanted else None


def open_executions(swf: LocalSWF) -> int:
    """How many there are."""
    client: Any = swf.client()
    counted = client.count_open_workflow_executions(
        domain="local", startTimeFilter={"oldestDate": 0}
    )
    return int(counted["count"])


def terminate(swf: LocalSWF) -> None:
    """Close the execution ``mine`` from outside."""
    swf.client().terminate_workflow_execution(domain="local", workflowId="mine")


def register_for_nobody(client: Any) -> None:
    """Register ``echo``, for no worker and without any timeout."""
    timeouts = ("Heartbeat", "ScheduleToClose", "ScheduleToStart", "StartToClose")
    client.register_activity_type(
        domain="local",
        name="echo",
        version="1",
        defaultTaskList={"name": "nobody"},
        **{f"defaultTask{each}Timeout": "NONE" for each in timeouts},
    )
