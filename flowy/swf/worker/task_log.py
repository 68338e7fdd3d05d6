"""Logs the start and the end of a task.

Workers use it, and supervisors for the tasks of processes that died, so both log the same lines.
"""

from __future__ import annotations

import logging

from ...context import ActivityInfo, replaying
from ...invocation import TaskOutcome
from ...logs import LogEvent, log_keys
from ...reasons import constant_of
from ...safe_logging import SafeLogger

#: The outcomes that are logged as errors.
_ERRORS = (TaskOutcome.FAILED, TaskOutcome.FAILED_BY_STOP, TaskOutcome.UNANSWERED)

#: What the line of such a task ends with.
_HANDED_OVER = "; SWF gets its answer from other code"


def log_about(
    logger: SafeLogger,
    level: int,
    info: ActivityInfo,
    event: LogEvent,
    text: str,
    *args: object,
    fault: str | None = None,
) -> None:
    """Log a *text*; its first argument is the task."""
    logger.log(level, text, info, *args, extra=log_keys(event, info, fault=fault), stacklevel=2)


def log_start(logger: SafeLogger, info: ActivityInfo, level: int) -> None:
    """Log that a task is about to run."""
    if logger.isEnabledFor(level):
        logger.log(level, "Activity %s: started.", info, extra=log_keys("task_started", info))


def log_end(
    logger: SafeLogger,
    info: ActivityInfo,
    outcome: TaskOutcome,
    seconds: float,
    *,
    reason: str | None = None,
    error: BaseException | None = None,
) -> None:
    """Log how a task ended.

    If the reason of a failure is one of Flowy's own, its constant is logged. The author's text is
    not logged, because it may contain input, which must stay out of logs.

    Args:
        logger: the logger.
        info: the task.
        outcome: how the task ended.
        seconds: how long the task took, from the poll to its answer.
        reason: the reason of the failure, or None.
        error: the exception behind the failure, or None.
    """
    level = logging.ERROR if outcome in _ERRORS else logging.INFO
    if replaying() or not logger.isEnabledFor(level):  # whoever replays prints the end
        return
    fault, why = _fault_of(reason, error)
    if outcome is TaskOutcome.HANDED_OVER:
        why = _HANDED_OVER
    logger.log(
        level,
        "Activity %s: %s after %.3f s%s.",
        info,
        outcome.value,
        seconds,
        why,
        extra=log_keys(
            "task_ended", info, outcome=outcome.name.lower(), seconds=seconds, fault=fault
        ),
    )


def _fault_of(reason: str | None, error: BaseException | None) -> tuple[str | None, str]:
    """Return the fault of a task for the log's keys, and what the line says of it."""
    if reason and (constant := constant_of(reason)):
        return constant, f" ({constant})"
    if error is None:
        return None, ""
    name = type(error).__qualname__
    return name, f" ({name}); SWF gets the reason"
