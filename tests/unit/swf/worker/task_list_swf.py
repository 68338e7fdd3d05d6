"""An SWF of one task list, as a client's methods show it, for tests of workers."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

from flowy.swf.client import SWFClient
from tests.patience import PATIENCE_SECONDS
from tests.unit.stand_ins import fault, task_answer

#: The most that a hanging activity of a test waits, in real seconds.
HANG_SECONDS = 300.0

EMPTY: dict[str, Any] = {"taskToken": "", "startedEventId": 0}


class TaskListSWF:
    """An SWF of one task list: hands out tasks, and takes one answer for each.

    Args:
        polls: the answers of the first polls.
        beat: the answer of each heartbeat; None for one that asks for nothing.
        holds: whether later polls wait for ``give``, or come back empty.
    """

    def __init__(self, *polls: dict[str, Any], beat: Any = None, holds: bool = False) -> None:
        self._lines: queue.Queue[Any] = queue.Queue()
        for line in polls:
            self._lines.put(line)
        self._beat = {"cancelRequested": False} if beat is None else beat
        self._holds = holds
        self._tokens = 0
        self._changed = threading.Condition()
        #: The parameters of each poll.
        self.polls: list[dict[str, Any]] = []
        #: Each answer that was taken: completed, failed or canceled, and its parameters.
        self.answers: list[tuple[str, dict[str, Any]]] = []
        #: Each answer that was tried: its kind and the token.
        self.tried: list[tuple[str, str]] = []
        #: Called in each poll, with its number from 1.
        self.at_poll: Callable[[int], object] = lambda number: None
        #: Called in each answer, with the token, before SWF takes it.
        self.at_answer: Callable[[str], object] = lambda token: None

    def client(self) -> SWFClient:
        return SWFClient(self, self)

    def give(self, name: str = "work") -> str:
        """Answer a poll with a task of this type, and return its token."""
        self._tokens += 1
        token = f"token-{self._tokens}"
        self._lines.put(task_answer(token, name, activityId=token, input="[[], {}]"))
        return token

    def give_nothing(self, polls: int = 1) -> None:
        """Answer polls with nothing."""
        for _ in range(polls):
            self._lines.put(EMPTY)

    def break_poll(self, error: BaseException) -> None:
        """Let a poll raise this."""
        self._lines.put(error)

    def wait_for_polls(self, count: int) -> None:
        self.wait_until(lambda: len(self.polls) >= count)

    def wait_until(self, reached: Callable[[], bool]) -> None:
        """Wait for something that calls to SWF bring about."""
        with self._changed:
            assert self._changed.wait_for(reached, PATIENCE_SECONDS)

    def answers_of(self, token: str) -> list[tuple[str, str]]:
        """Return the kind of each answer for a task, and its result or reason."""
        return [
            (kind, answer.get("result") or answer.get("reason", ""))
            for kind, answer in self.answers
            if answer["taskToken"] == token
        ]

    # The client's methods

    def poll_for_activity_task(self, **parameters: Any) -> dict[str, Any]:
        with self._changed:
            self.polls.append(parameters)
            number = len(self.polls)
            self._changed.notify_all()
        self.at_poll(number)
        line = self._next_line()
        if isinstance(line, BaseException):
            raise line
        return dict(line)

    def _next_line(self) -> Any:
        while True:
            try:  # the main thread hears of a signal between two waits
                return self._lines.get(timeout=0.2 if self._holds else 0)
            except queue.Empty:
                if not self._holds:
                    return EMPTY

    def record_activity_task_heartbeat(self, **_: Any) -> dict[str, Any]:
        if isinstance(self._beat, Exception):
            raise self._beat
        return dict(self._beat)

    def respond_activity_task_completed(self, **parameters: Any) -> None:
        self._answer("completed", parameters)

    def respond_activity_task_failed(self, **parameters: Any) -> None:
        self._answer("failed", parameters)

    def respond_activity_task_canceled(self, **parameters: Any) -> None:
        self._answer("canceled", parameters)

    def _answer(self, kind: str, parameters: dict[str, Any]) -> None:
        token = parameters["taskToken"]
        with self._changed:
            self.tried.append((kind, token))
            self._changed.notify_all()
        self.at_answer(token)
        with self._changed:
            if any(answer["taskToken"] == token for _, answer in self.answers):
                raise fault("UnknownResourceFault")
            self.answers.append((kind, parameters))
            self._changed.notify_all()


class AnswerOnHold:
    """Holds answers back on their way to SWF, until the test lets them through."""

    def __init__(self, swf: TaskListSWF) -> None:
        self._came = threading.Event()
        self._go_on = threading.Event()
        swf.at_answer = self._hold

    def _hold(self, _token: str) -> None:
        self._came.set()
        assert self._go_on.wait(HANG_SECONDS)

    def wait(self) -> None:
        """Wait until an answer is on its way."""
        assert self._came.wait(PATIENCE_SECONDS)

    def let_through(self) -> None:
        self._go_on.set()


def subject(token: str, name: str = "work") -> str:
    """How the report names a task of this list."""
    return f"{name} 1 (activity {token} of workflow flow)"
