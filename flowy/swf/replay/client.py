"""What stands for SWF in a replay: a client that takes notes, and sends nothing.

There is no boto3 client behind it. SWF's limits apply all the same, because the methods that check
and cut texts are those of the client of a worker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...concurrency.clock import Clock
from ...context import ActivityInfo
from ...exception import UnknownResourceError
from ...invocation import StatusRecord
from ..client import SWFClient
from ..history import Event
from ..worker.heartbeats import Heartbeats

#: Called with each heartbeat: seconds since the start of the run, and its details.
OnHeartbeat = Callable[[float, str | None], object]


@dataclass(frozen=True)
class Timeline:
    """What happens to the task during the replay, in seconds after its start; None for never.

    Attributes:
        canceled_after: from here on, heartbeats learn of a request to cancel it.
        closed_after: from here on, it is closed.
    """

    canceled_after: float | None = None
    closed_after: float | None = None


class ReplayClient(SWFClient):
    """Notes the heartbeats and the answer of one task, and answers them by a timeline.

    Args:
        timeline: what happens to the task.
        on_heartbeat: called with each heartbeat.
        clock: measures the seconds, from now on.
        events: the history that it tells.
    """

    def __init__(
        self,
        timeline: Timeline,
        on_heartbeat: OnHeartbeat,
        clock: Clock,
        events: Sequence[Event] = (),
    ) -> None:
        super().__init__(None, None)
        self._events = events
        self._timeline = timeline
        self._on_heartbeat = on_heartbeat
        self._time = clock
        self._began_at = clock.now()
        self._closed = False
        #: The texts of the answer, by SWF's names; None without an answer.
        self.answer: dict[str, str] | None = None

    def heartbeat(self, details: str | None) -> bool:
        """Take a heartbeat whose details were not encoded."""
        seconds = self._seconds
        self._on_heartbeat(seconds, details)
        return self.record_activity_task_heartbeat("replay", details)

    @property
    def _seconds(self) -> float:
        return self._time.now() - self._began_at

    def _call(
        self, client: Any, method: str, deadline_seconds: float = 0.0, **parameters: Any
    ) -> Mapping[str, Any]:
        if method == "get_workflow_execution_history":
            newest_first = parameters.get("reverseOrder", False)
            return {"events": list(self._events)[:: -1 if newest_first else 1]}
        if self._closed or _reached(self._timeline.closed_after, self._seconds):
            raise UnknownResourceError(
                f"Cannot {method}: the task is closed in the replay.", fault="UnknownResourceFault"
            )
        if method == "record_activity_task_heartbeat":
            return {"cancelRequested": _reached(self._timeline.canceled_after, self._seconds)}
        del parameters["taskToken"]
        self.answer = parameters
        self._closed = True
        return {}


class ReplayHeartbeats(Heartbeats):
    """The heartbeats of a replay: all of them, or those that a worker would send.

    Args:
        client: takes them.
        info: the task.
        status: gets the answers.
        coalesce: whether to leave out, as a worker does, those that come too fast.
    """

    def __init__(
        self,
        client: ReplayClient,
        info: ActivityInfo,
        status: StatusRecord,
        *,
        coalesce: bool,
        clock: Clock,
    ) -> None:
        super().__init__(
            info,
            client.heartbeat,
            status,
            timeout_seconds=info.heartbeat,
            lost_after_seconds=None,
            pause=lambda _seconds: True,
            clock=clock,
        )
        self._coalesce = coalesce

    def beat(self, details: str | None = None, *, now: bool = False) -> None:
        """Report progress, and take a heartbeat."""
        super().beat(details, now=now or not self._coalesce)


def _reached(moment: float | None, seconds: float) -> bool:
    return moment is not None and seconds >= moment
