"""How a run ended, as a value: what is to be said to SWF, if anything.

No ``repr`` shows a result, a reason, details or an error: they may hold the author's secrets.
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
        details: more, such as the traceback; None for none.
        error: the exception behind it; None if Flowy itself found what is wrong.
    """

    reason: str = field(repr=False)
    details: str | None = field(default=None, repr=False)
    error: BaseException | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Canceled:
    """The activity gave up because its cancellation had been requested."""

    details: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Suspended:
    """The activity suspended its task: whoever has the token will answer."""


@dataclass(frozen=True)
class NoAnswer:
    """There is nothing to say to SWF: the task is closed, or the worker stops."""

    why: TaskStatus


Answer: TypeAlias = Completed | Failed | Canceled | Suspended | NoAnswer
