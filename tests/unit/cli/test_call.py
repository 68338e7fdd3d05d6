"""``flowy call`` in the test's own process: calls that are refused, and what they leave."""

from __future__ import annotations

import socket
from datetime import datetime, timezone

import pytest

from flowy.cli import ExitCode
from tests.unit.cli.conftest import Command
from tests.unit.shop import DOMAIN


def _open_executions(command: Command) -> int:
    counted = command.shop.boto3.count_open_workflow_executions(
        domain=DOMAIN, startTimeFilter={"oldestDate": datetime(2000, 1, 1, tzinfo=timezone.utc)}
    )
    return counted["count"]


@pytest.mark.parametrize("options", [(), ("--no-wait",)])
def test_an_unknown_type(options: tuple[str, ...], command: Command) -> None:
    """Exit code 3: it says what SWF says, and what the domain has. No execution stays open."""
    ran = command("call", *options, "nothing", "1")
    assert (ran.code, ran.out) == (ExitCode.REFUSED, "")
    assert "ACTIVITY_TYPE_DOES_NOT_EXIST. The domain has: charge 1, ship 1\n" in ran.err
    assert _open_executions(command) == 0


def test_an_unknown_domain(command: Command) -> None:
    """Exit code 3: the domain is named, and no traceback is shown."""
    ran = command("call", "--domain", "nowhere", "charge", "1")
    assert ran.code == ExitCode.REFUSED
    assert "nowhere" in ran.err
    assert "Traceback" not in ran.err


def test_an_swf_out_of_reach(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 7: nobody listens there, and the same command may work later."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # held, but nobody listens
        monkeypatch.setenv("AWS_ENDPOINT_URL_SWF", f"http://127.0.0.1:{held.getsockname()[1]}")
        ran = command("call", "charge", "1")
    assert (ran.code, ran.out) == (ExitCode.OUT_OF_REACH, "")
    assert "no answer from SWF" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("given", ["7", ""])
def test_standard_input_without_arguments(given: str, command: Command) -> None:
    """Only a list or an object holds arguments; exit code 2, and nothing is called."""
    ran = command("call", "charge", "1", "-", answer=given)
    assert (ran.code, ran.out) == (ExitCode.USAGE, "")
    assert "standard input has no JSON list" in ran.err
    assert _open_executions(command) == 0
