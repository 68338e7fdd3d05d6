"""A worker in the test's own process, on a client that is not boto3's: what came of its tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flowy import start_activity_worker
from flowy.swf.worker.report import StopReport

EMPTY: dict[str, Any] = {"taskToken": "", "startedEventId": 0}


class TaskList:
    """Hands out the answers to polls that it was given, then empty ones; keeps what it is told.

    Args:
        polls: the answers to the first polls; whatever a client may have made of a body.
        cancel_requested: what each heartbeat says.
    """

    def __init__(self, *polls: Any, cancel_requested: bool = False) -> None:
        self._polls = list(polls)
        self._cancel_requested = cancel_requested
        #: What each token was answered: the kind, and the parameters of the call.
        self.answers: list[tuple[Any, str, Mapping[str, Any]]] = []

    def poll_for_activity_task(self, **_: Any) -> Any:
        return self._polls.pop(0) if self._polls else EMPTY

    def record_activity_task_heartbeat(self, **_: Any) -> dict[str, Any]:
        return {"cancelRequested": self._cancel_requested}

    def __getattr__(self, method: str) -> Callable[..., None]:
        kind = method.removeprefix("respond_activity_task_")
        if kind == method:
            raise AttributeError(method)
        return lambda **given: self.answers.append((given["taskToken"], kind, given))

    def kinds(self, token: Any) -> list[str]:
        """Return the kinds of answers that *token* had."""
        return [kind for answered, kind, _ in self.answers if answered == token]

    def answer(self, token: Any) -> Mapping[str, Any]:
        """Return the one answer that *token* had."""
        (answer,) = [given for answered, _, given in self.answers if answered == token]
        return answer


def serve(tasks: TaskList, package: str, *, loop: int = 1, **options: Any) -> StopReport:
    """Serve the activities of *package* until *loop* polls were answered."""
    return start_activity_worker("domain", "tasks", tasks, False, loop, package, **options)
