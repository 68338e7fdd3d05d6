"""The table of exit codes."""

from __future__ import annotations

import pytest

from flowy import exception
from flowy.cli.exit_codes import ExitCode, exit_code_of, exit_code_table


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (exception.ScanError("x"), ExitCode.REFUSED),
        (exception.RegistrationError("x"), ExitCode.REFUSED),
        (exception.LocalSWFError("x"), ExitCode.REFUSED),
        (exception.TooLongError("x", length=2, limit=1), ExitCode.REFUSED),
        (exception.UnknownResourceError("x", fault="UnknownResourceFault"), ExitCode.REFUSED),
        (exception.CredentialsError("x", fault="NoCredentialsError"), ExitCode.REFUSED),
        (exception.CallError("x", reason="ACTIVITY_TYPE_DOES_NOT_EXIST"), ExitCode.REFUSED),
        (exception.ActivityFailedError("x", reason="no"), ExitCode.FAILED),
        (exception.ActivityFailedError("x", reason="START_TO_CLOSE"), ExitCode.FAILED),
        (exception.ActivityTimedOutError("x", reason="HEARTBEAT"), ExitCode.TIMED_OUT),
        (exception.CallTimedOutError("x", reason="timed out"), ExitCode.TIMED_OUT),
        (exception.ActivityCanceledError("x", reason=""), ExitCode.CANCELED),
        (exception.TransientError("x", fault="ReadTimeoutError"), ExitCode.OUT_OF_REACH),
        (exception.LimitExceededError("x", fault="LimitExceededFault"), ExitCode.OUT_OF_REACH),
    ],
)
def test_every_error_of_flowys_has_an_exit_code(
    error: exception.FlowyError, code: ExitCode
) -> None:
    """The class decides; the timeout of a whole call is a timeout, too."""
    assert exit_code_of(error) is code


def test_the_codes_do_not_change() -> None:
    """Scripts and process managers rely on the numbers."""
    assert [int(code) for code in ExitCode] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130]


def test_the_table_tells_the_meaning_of_each_code() -> None:
    """One line a code."""
    lines = exit_code_table().splitlines()[1:]
    assert [line.split(maxsplit=1) for line in lines] == [
        [str(int(code)), code.meaning] for code in ExitCode
    ]
