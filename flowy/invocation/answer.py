"""Answers: how a run ended, as a value, and so what to tell SWF.

``repr`` shows no result, reason, details or error, because these may contain secrets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from .status import TaskStatus


@dataclass(frozen=True)
class Completed:
    """The run returned a value; *result* is its wire text."""

    result: str = field(repr=False)


@dataclass(frozen=True)
class Failed:
    """The run failed.

    Attributes:
        reason: why, in any length.
        details: more, such as the traceback, or None.
        error: the exception behind the failure; None if Flowy itself found the fault.
        own_format: whether the activity wrote the details, in a format of its own, so that nothing
            may be added to them.
    """

    reason: str = field(repr=False)
    details: str | None = field(default=None, repr=False)
    error: BaseException | None = field(default=None, repr=False)
    own_format: bool = False


@dataclass(frozen=True)
class Canceled:
    """The activity gave up because its cancellation had been requested."""

    details: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Suspended:
    """The activity suspended its task: whoever has the token will answer."""


@dataclass(frozen=True)
class HandedOver:
    """The activity handed its task over: other code answers, or has answered already."""


@dataclass(frozen=True)
class NoAnswer:
    """SWF gets no answer, because the task is closed or the worker stops."""

    why: TaskStatus


Answer: TypeAlias = Completed | Failed | Canceled | Suspended | HandedOver | NoAnswer
