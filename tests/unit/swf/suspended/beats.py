"""What the tests of the keeper take: a clock and a client that counts."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from flowy.tokens import SuspendedTask, TokenStore

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient


class AheadClock:
    """The wall clock of the store, ahead of the true one by the seconds that the test says."""

    ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class Beats:
    """A client that counts the heartbeats it passes on."""

    def __init__(self, client: SWFClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self.count = 0

    def record_activity_task_heartbeat(self, **parameters: Any) -> Any:
        with self._lock:  # the keeper sends several at once
            self.count += 1
        return self._client.record_activity_task_heartbeat(**parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def kept(store: TokenStore, task: SuspendedTask) -> SuspendedTask:
    """Return *task* as the store has it now."""
    found = store.get(task.id)
    assert found is not None
    return found
