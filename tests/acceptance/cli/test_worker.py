"""``flowy worker``: what it registers, serves and refuses."""

from __future__ import annotations

import json
import re
import signal
from typing import TYPE_CHECKING

import pytest

from flowy.cli import ExitCode
from flowy.cli.check import KEYS
from tests.acceptance.cli.conftest import HASTY, Command, write_module
from tests.acceptance.flowy_command import Flowy, run_flowy

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient
    from mypy_boto3_swf.type_defs import ActivityTypeTypeDef


def _type_names(client: SWFClient, domain: str) -> list[str]:
    infos = client.list_activity_types(domain=domain, registrationStatus="REGISTERED")["typeInfos"]
    return sorted(info["activityType"]["name"] for info in infos)


def test_worker_ends_with_0_when_it_is_asked_to_stop(worker: Flowy) -> None:
    """SIGTERM is how process managers ask; it is not a failure."""
    worker.send(signal.SIGTERM)
    code, out, err = worker.end()
    assert (code, out) == (ExitCode.FINE, "")
    assert err.endswith("Worker stopped: 0 completed.\n")


def test_worker_scans_a_package_with_all_below_it(command: Command, client: SWFClient) -> None:
    """``--loop 0`` registers what was found, and no more."""
    assert command.worker("--loop", "0", "shop")[0] == ExitCode.FINE
    assert _type_names(client, command.domain) == ["echo", "hasty", "late"]


def test_worker_registers_nothing_where_it_is_told_so(command: Command, client: SWFClient) -> None:
    """``--no-register``; ``--loop 1`` ends after one empty poll."""
    assert command.worker("--loop", "1", "--no-register", "shop")[0] == ExitCode.FINE
    assert _type_names(client, command.domain) == []


@pytest.mark.parametrize(
    ("policy", "code", "said"),
    [
        ("fail", ExitCode.FAILED, "Unknown activity type: hasty 1"),
        ("abandon", ExitCode.TIMED_OUT, "START_TO_CLOSE"),
    ],
)
@pytest.mark.usefixtures("registered")
def test_worker_does_with_unknown_types_as_it_is_told(
    policy: str, code: ExitCode, said: str, command: Command
) -> None:
    """``--on-unknown fail`` fails the task, ``abandon`` leaves it to its timeout."""
    with command.start_worker("--on-unknown", policy, "shop.activities") as worker:
        worker.log_line_with("Worker started as")
        ended, _, err = command.call("hasty", "1")
    assert ended == code
    assert said in err


def test_worker_of_a_package_that_cannot_be_served_exits_with_3(command: Command) -> None:
    """One line says why, and where."""
    write_module(command.here / "twice.py", HASTY.replace("Hasty", "One") + HASTY)
    code, _, err = command.worker("twice")
    assert code == ExitCode.REFUSED
    assert "Cannot serve one type with two implementations" in err
    assert len(err.splitlines()) == 1


def _check(command: Command, *arguments: str) -> tuple[int, list[list[str]], str]:
    """Run ``flowy worker --check``, and return exit code, the cells of the table, and the rest."""
    code, out, err = run_flowy("worker", "--check", *arguments, cwd=command.here, env=command.env)
    return code, [re.split(" {2,}", line) for line in out.splitlines()], err


def test_check_compares_and_registers_nothing(command: Command, client: SWFClient) -> None:
    """New, the same, or different, which ends with 3."""
    domain = ("--domain", command.domain)
    code, rows, err = _check(command, *domain, "shop.activities")
    assert (code, err) == (ExitCode.FINE, "")
    assert all("new" in row for row in rows[1:])
    assert _type_names(client, command.domain) == []
    assert command.worker("--loop", "0", "shop")[0] == ExitCode.FINE
    write_module(
        command.here / "shop" / "hasty.py", HASTY.replace("start_to_close=1", "heartbeat=9")
    )
    client.deprecate_activity_type(
        domain=command.domain, activityType={"name": "late", "version": "1"}
    )
    code, rows, err = _check(command, *domain, "shop")
    assert code == ExitCode.REFUSED
    assert {row[0]: row[3] for row in rows[1:]} == {
        "echo": "the same",
        "hasty": "differs",
        "late": "differs",
    }
    late, hasty = sorted(err.splitlines(), reverse=True)
    assert late.startswith("flowy: late 1 at ")
    assert "it is deprecated at SWF" in late
    assert hasty.startswith("flowy: hasty 1 at ")
    assert "heartbeat is 9 here, None at SWF" in hasty
    assert "--no-register" in hasty
    arguments = ("worker", "--check", "--json", *domain, "shop")
    code, out, said = run_flowy(*arguments, cwd=command.here, env=command.env)
    assert (code, said) == (ExitCode.REFUSED, err)
    shown = {each["name"]: each for each in json.loads(out)}
    assert all(tuple(each) == KEYS for each in shown.values())
    assert [shown[name]["at_swf"] for name in ("echo", "hasty")] == ["the same", "differs"]
    assert shown["echo"]["differences"] == []
    assert shown["hasty"]["differences"][0].startswith("heartbeat is 9 here, None at SWF")


@pytest.mark.usefixtures("registered")
def test_worker_whose_types_swf_holds_otherwise_exits_with_3(
    command: Command, client: SWFClient
) -> None:
    """The same types again are fine; one that was changed is named, and stays as it was."""
    assert command.worker("--loop", "0", "shop")[0] == ExitCode.FINE
    held: ActivityTypeTypeDef = {"name": "hasty", "version": "1"}
    write_module(
        command.here / "shop" / "hasty.py", HASTY.replace("start_to_close=1", "heartbeat=9")
    )
    code, _, err = command.worker("--loop", "0", "shop")
    assert code == ExitCode.REFUSED
    assert "hasty 1 at" in err
    assert "heartbeat is 9 here, None at SWF; start_to_close is 300 here, 1 at SWF" in err
    assert "Traceback" not in err
    described = client.describe_activity_type(domain=command.domain, activityType=held)
    assert described["configuration"]["defaultTaskStartToCloseTimeout"] == "1"


def test_worker_in_an_unknown_domain_exits_with_3(command: Command) -> None:
    """Before the first poll, with the way out."""
    command.domain = "nowhere"
    code, _, err = command.worker("shop")
    assert code == ExitCode.REFUSED
    assert "aws swf register-domain --name nowhere" in err
    assert "Traceback" not in err


def test_worker_runs_as_many_at_once_as_it_is_told_to(command: Command) -> None:
    """``--concurrency 2``: of two activities each waits for the other; ``--pollers`` feed them."""
    with command.start_worker("--concurrency", "2", "--pollers", "1", "busy") as worker:
        worker.log_line_with("Worker started as")
        with command.start_call("meet", "1") as first, command.start_call("meet", "1") as second:
            assert [call.end()[:2] for call in (first, second)] == [(ExitCode.FINE, "null\n")] * 2
        worker.send(signal.SIGTERM)
        code, _, err = worker.end()
    assert code == ExitCode.FINE
    assert err.endswith("Worker stopped: 2 completed.\n")
