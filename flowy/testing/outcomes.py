"""The results of runs that ended without a value or an error, and the answers that SWF got."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Suspended:
    """The activity raised ``SuspendTask``: whoever has the *token* will answer."""

    token: str = field(repr=False)


@dataclass(frozen=True)
class HandedOver:
    """The activity raised ``HandOverTask``: other code answers by the *token*."""

    token: str = field(repr=False)


@dataclass(frozen=True)
class Canceled:
    """The activity gave up because its cancellation was requested."""

    details: str | None = None


@dataclass(frozen=True)
class Unanswered:
    """SWF gets no answer; *why* is the value of a ``flowy.invocation.TaskStatus``."""

    why: str


@dataclass(frozen=True)
class Answer:
    """The answer that SWF got, in wire text.

    Attributes:
        kind: ``"completed"``, ``"failed"`` or ``"canceled"``.
        result: of a completed task.
        reason: of a failed task, at most 256 characters.
        details: of a failed or canceled task, at most 32,768 characters; or None.
    """

    kind: str
    result: str | None = None
    reason: str | None = None
    details: str | None = None
