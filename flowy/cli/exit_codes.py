"""The exit codes of ``flowy``, so that scripts and process managers can tell what happened."""

from __future__ import annotations

import enum

from ..exception import (
    ActivityCanceledError,
    ActivityFailedError,
    ActivityTimedOutError,
    CallError,
    FlowyError,
    OutOfReachError,
)


class ExitCode(enum.IntEnum):
    """One table for all verbs; ``flowy --help`` shows it."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> ExitCode:
        """Make a number that knows its meaning."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    FINE = 0, "it went well; a worker that was asked to stop has stopped"
    ERROR = 1, "an unexpected error, or a demo whose history is not what it should be"
    USAGE = 2, "the command line cannot be used"
    REFUSED = 3, "refused or set up wrongly: the text says what to mend"
    FAILED = 4, "the activity that was called failed"
    TIMED_OUT = 5, "the activity that was called timed out"
    CANCELED = 6, "the activity that was called was canceled"
    OUT_OF_REACH = 7, "SWF is out of reach: the same command may work later"
    LEFT_OVER = 8, "reserved: a stop that left something undone"
    INTERRUPTED = 130, "interrupted by Ctrl-C or SIGTERM"


#: The first class that fits decides.
_CODES: tuple[tuple[type[FlowyError], ExitCode], ...] = (
    (ActivityFailedError, ExitCode.FAILED),
    (ActivityTimedOutError, ExitCode.TIMED_OUT),
    (ActivityCanceledError, ExitCode.CANCELED),
    (OutOfReachError, ExitCode.OUT_OF_REACH),
    (FlowyError, ExitCode.REFUSED),
)

#: What SWF calls the timeout of a whole workflow execution, its only one.
_EXECUTION_TIMEOUT = "START_TO_CLOSE"


def exit_code_of(error: FlowyError) -> ExitCode:
    """Return the exit code that tells of *error*."""
    if type(error) is CallError and error.reason == _EXECUTION_TIMEOUT:
        return ExitCode.TIMED_OUT  # the call's own --timeout closed the execution
    return next(code for kind, code in _CODES if isinstance(error, kind))


def exit_code_table() -> str:
    """Return the table for ``flowy --help``."""
    lines = [f"  {code:>3}  {code.meaning}" for code in ExitCode]
    return "\n".join(["exit codes:", *lines])
