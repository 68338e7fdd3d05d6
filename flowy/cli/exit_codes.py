"""The exit codes of ``flowy``, by which scripts and process managers tell what happened."""

from __future__ import annotations

import enum

from ..exception import (
    ActivityCanceledError,
    ActivityFailedError,
    ActivityTimedOutError,
    CallTimedOutError,
    FlowyError,
    TransientError,
    UnavailableError,
)


class ExitCode(enum.IntEnum):
    """The exit codes of all verbs, as ``flowy --help`` shows them."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> ExitCode:
        """Make an exit code with its meaning, a text for the table."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    FINE = 0, "success; a worker that was asked to stop has stopped"
    ERROR = 1, "an unexpected error, lost output, a demo that went wrong, or an unhealthy worker"
    USAGE = 2, "the command line cannot be used"
    REFUSED = 3, "a refusal or a wrong setting: the text says what to fix"
    FAILED = 4, "the called activity failed"
    TIMED_OUT = 5, "the called activity timed out"
    CANCELED = 6, "the called activity was canceled"
    OUT_OF_REACH = 7, "SWF, KMS or a store is out of reach: try the same command later"
    LEFT_OVER = 8, "a worker did not stop cleanly: its last log line says what it left"
    DIFFERS = 9, "the replayed task ended differently than recorded"
    INTERRUPTED = 130, "interrupted by Ctrl-C or SIGTERM"


#: The exit code of each class of error; the first class that matches decides.
_CODES: tuple[tuple[type[FlowyError], ExitCode], ...] = (
    (ActivityFailedError, ExitCode.FAILED),
    (ActivityTimedOutError, ExitCode.TIMED_OUT),
    (CallTimedOutError, ExitCode.TIMED_OUT),
    (ActivityCanceledError, ExitCode.CANCELED),
    (TransientError, ExitCode.OUT_OF_REACH),
    (UnavailableError, ExitCode.OUT_OF_REACH),
    (FlowyError, ExitCode.REFUSED),
)


def exit_code_of(error: FlowyError) -> ExitCode:
    """Return the exit code for *error*."""
    return next(code for kind, code in _CODES if isinstance(error, kind))


def exit_code_table() -> str:
    """Return the table of exit codes for ``flowy --help``."""
    lines = [f"  {code:>3}  {code.meaning}" for code in ExitCode]
    return "\n".join(["exit codes:", *lines])
