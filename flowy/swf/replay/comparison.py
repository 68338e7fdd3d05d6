"""How a task ended, then and now, and whether that is the same.

Results are compared as values, because two texts may be the same JSON. Tracebacks are not
compared: they have the paths of another machine, and the lines of another version.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replace_fields
from typing import Any

from ...exception import FlowyError
from ...invocation import TaskOutcome
from ...observer import TaskEnded
from ..values import ActivityImplementation
from .recording import RecordedTask

#: Outcomes by which SWF itself ended the task, and how a run ends that learns of it.
_CUT_OFF = (TaskOutcome.TIMED_OUT, TaskOutcome.EXECUTION_CLOSED)

#: Outcomes after which somebody else answers.
_ANSWERED_ELSEWHERE = (TaskOutcome.SUSPENDED, TaskOutcome.HANDED_OVER)


@dataclass(frozen=True)
class RunEnd:
    """How a task ended. Its texts are as the activity wrote them, decoded; ``repr`` has none.

    Attributes:
        outcome: how it ended; None if it had not ended when the history was read.
        seconds: how long it ran; None if that is not known.
        reason: the reason of a failure, the type of a timeout; or empty.
        result: the wire text of the result of a completed task, or None.
        details: the details of a failure or a cancellation, or of the last heartbeat if the task
            timed out; or None.
    """

    outcome: TaskOutcome | None
    seconds: float | None = None
    reason: str = field(default="", repr=False)
    result: str | None = field(default=None, repr=False)
    details: str | None = field(default=None, repr=False)

    @property
    def value(self) -> Any:
        """The value of the result, read as JSON if it is JSON; None without one."""
        return None if self.result is None else _value(self.result)

    def __str__(self) -> str:
        said = "had not ended" if self.outcome is None else self.outcome.value
        if self.seconds is not None:
            said += f" after {self.seconds:.3f} s"
        return f"{said}: {self.reason}" if self.reason else said


@dataclass(frozen=True)
class Replay:
    """One replay: how the task ended, then and now.

    Attributes:
        task: the recorded task.
        then: how it ended according to its history.
        now: how it ended in the replay.
        heartbeats: the details of each heartbeat of the replay, as the activity wrote them.
        error: the exception behind a failure of the replay, or None.
    """

    task: RecordedTask
    then: RunEnd
    now: RunEnd
    heartbeats: Sequence[str | None] = field(default=(), repr=False)
    error: BaseException | None = field(default=None, repr=False)

    @property
    def equal(self) -> bool | None:
        """Whether it ended now as it did then; None if the two cannot be compared.

        Completed tasks must have the same value, failed ones the same reason, canceled ones the
        same details. The two cannot be compared if the task had not ended then, or if the activity
        suspended it or handed it over now, because then somebody else answers.
        """
        difference = self._difference
        return None if difference is None else not difference

    @property
    def verdict(self) -> str:
        """One sentence that says whether it ended now as it did then, and what differs."""
        if self.then.outcome is None:
            if self.task.recording.lacks_end:
                return "Nothing to compare with: the history lacks its end."
            return "Nothing to compare with: the task had not ended when its history was read."
        if self.now.outcome in _ANSWERED_ELSEWHERE:
            return "Nothing to compare with: somebody else answers for the task."
        return self._difference or "Equal: it ends now as it did then."

    @property
    def _difference(self) -> str | None:
        """What differs, as a sentence; empty if nothing does; None if nothing can be compared."""
        then, now = self.then, self.now
        if then.outcome is None or now.outcome in _ANSWERED_ELSEWHERE:
            return None
        if then.outcome in _CUT_OFF and now.outcome is TaskOutcome.CLOSED:
            return ""
        if then.outcome is not now.outcome:
            outcome = "" if now.outcome is None else now.outcome.value
            return f"Not equal: {then.outcome.value} then, {outcome} now."
        if then.outcome is TaskOutcome.FAILED:
            return "" if then.reason == now.reason else "Not equal: the reasons differ."
        if then.outcome is TaskOutcome.CANCELED:
            return "" if then.details == now.details else "Not equal: the details differ."
        return _difference_of_results(then, now)

    def __str__(self) -> str:
        return "\n".join((str(self.task), f"Then: {self.then}", f"Now:  {self.now}", self.verdict))


def end_then(task: RecordedTask, implementation: ActivityImplementation) -> RunEnd:
    """Return how a recorded task ended."""
    record = task.record
    read = _Reader(implementation)
    return RunEnd(
        record.outcome,
        task.seconds,
        read(record.reason) or "",
        read(record.result),
        read(record.heartbeat if record.details is None else record.details),
    )


def end_now(
    ended: TaskEnded, answer: Mapping[str, str] | None, implementation: ActivityImplementation
) -> RunEnd:
    """Return how a replay ended.

    Args:
        ended: what the worker tells.
        answer: the texts that SWF would have got; None without an answer.
        implementation: the activity that ran.
    """
    sent = answer or {}
    read = _Reader(implementation)
    return RunEnd(
        ended.outcome,
        ended.run_seconds,
        read(sent.get("reason")) or "",
        read(sent.get("result")),
        read(sent.get("details")),
    )


class _Reader:
    """Reads texts from a history as those who can decode them do; what cannot be read stays."""

    def __init__(self, implementation: ActivityImplementation) -> None:
        envelope = implementation.envelope
        # A reader does not insist on encryption.
        self._envelope = (
            None if envelope is None else replace_fields(envelope, require_encryption=False)
        )
        self._fetched = getattr(implementation.factory, "_fetched", lambda text: text)

    def __call__(self, text: str | None) -> str | None:
        if text is None:
            return None
        with contextlib.suppress(FlowyError):
            text = str(self._fetched(text))
            return text if self._envelope is None else self._opened(text)
        return text

    def _opened(self, text: str) -> str:
        assert self._envelope is not None
        opened: str = self._envelope.opened(text)
        return opened


def _difference_of_results(then: RunEnd, now: RunEnd) -> str:
    if then.result == now.result:
        return ""
    try:
        found = next(_differences(then.value, now.value, "result"), None)
    except RecursionError:
        return "Not equal: the results differ."
    if found is None:
        return ""
    path, old, new = found
    return f"Not equal: {path} was {_short(old)} then, and is {_short(new)} now."


def _differences(old: Any, new: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield where two JSON values differ, with both values; the innermost place of each."""
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        for key in old:
            yield from _differences(old[key], new[key], f"{path}[{json.dumps(key)}]")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _differences(one, other, f"{path}[{index}]")
    elif old != new or isinstance(old, bool) is not isinstance(new, bool):
        yield path, old, new


#: How many characters of a value are shown of which something differs.
MAX_SHOWN_CHARS = 100


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN_CHARS else f"{text[: MAX_SHOWN_CHARS - 3]}..."


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
