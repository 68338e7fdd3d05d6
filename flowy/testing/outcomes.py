"""The results of runs that ended without a value or an error, and the answers that SWF got."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..envelope import Envelope


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


def opened_result(envelope: Envelope | None, text: str) -> str:
    """Return a result as its caller reads it, who does not require encryption."""
    return text if envelope is None else replace(envelope, require_encryption=False).opened(text)


def opened_details(envelope: Envelope | None, text: str | None) -> str | None:
    """Return details as their reader gets them; those that were not encrypted stay as they are."""
    encrypted = text is not None and envelope is not None and envelope.encrypts
    return opened_result(envelope, text) if text and encrypted else text
