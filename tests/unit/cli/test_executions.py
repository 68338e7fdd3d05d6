"""``flowy executions``: what it lists and shows, and its errors, against a local SWF over HTTP."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from flowy.cli import ExitCode
from flowy.cli.activity_table import KEYS as ACTIVITY_KEYS
from flowy.cli.execution_show import MORE_KEYS
from flowy.cli.execution_table import KEYS
from tests.unit.cli.conftest import Command
from tests.unit.cli.trading import trade
from tests.unit.shop import DOMAIN, scheduled

# list


def test_list(command: Command) -> None:
    """Open and closed executions, the latest first, without a value of theirs."""
    trade(command.shop)
    ran = command("executions", "list")
    assert (ran.code, ran.err) == (ExitCode.FINE, "")
    lines = [re.split(r"  +", line) for line in ran.out.splitlines()]
    assert lines[0] == ["WORKFLOW", "TYPE", "STATUS", "STARTED", "LASTED", "TAGS"]
    assert [[*line[:3], *line[5:]] for line in lines[1:]] == [
        ["order-8", "order 1", "open", "late"],
        ["order-7", "order 1", "open", "paid, late"],
        ["failed", "refund 1", "failed"],
        ["done", "order 1", "completed", "paid"],
    ]
    assert "secret" not in ran.out


def test_list_as_json(command: Command) -> None:
    """The keys are those that the help names; times are seconds since the epoch."""
    trade(command.shop)
    run_id = command.shop.start("order-9")
    ran = command("executions", "list", "--json", "--workflow-id", "order-9")
    (one,) = ran.json
    assert tuple(one) == KEYS
    assert (one["domain"], one["workflow_id"], one["run_id"]) == (DOMAIN, "order-9", run_id)
    assert (one["status"], one["closed_at"], one["tags"]) == ("open", None, [])
    assert one["started_at"] == pytest.approx(command.shop.swf.clock.now(), abs=1)


def test_list_some(command: Command) -> None:
    """Filters can be combined, words of a status be joined as one likes, times be given."""
    trade(command.shop)

    def rows(*options: str) -> list[str]:
        return command("executions", "list", *options).rows

    assert rows("--status", "open", "--tag", "paid") == ["order-7"]
    assert rows("--status", "closed") == ["failed", "done"]
    assert rows("--status", "TIMED_OUT") == rows("--status", "timed-out") == []
    assert rows("--type", "order", "--version", "1", "--status", "completed") == ["done"]
    assert rows("--since", "2020-01-31", "--until", "2020-01-31T10:30Z") == []
    assert rows("--since", "100000d", "--tag", "late") == ["order-8", "order-7"]
    assert rows("--since", "9" * 30, "--tag", "late") == ["order-8", "order-7"]
    assert rows("--until", "9" * 30) == rows("--closed-until", "9" * 30) == []
    assert rows("--closed-since", "2020-01-31") == ["failed", "done"]


def test_list_a_part(command: Command) -> None:
    """A list that is cut says of how many; ``--runs`` adds a column, because run ids are long."""
    trade(command.shop)
    ran = command("executions", "list", "--limit", "3", "--runs")
    assert ran.rows == ["order-8", "order-7", "failed"]
    note = "flowy: Only the {} listed. Give --limit, or more filters.\n"
    assert ran.err == note.format("latest 3 of 4 executions are")
    assert ran.out.splitlines()[0].endswith("TAGS        RUN")
    assert command("executions", "list", "--limit", "4").err == ""
    only = command("executions", "list", "--limit", "1", "--tag", "late", "--json")
    assert (len(only.json), only.err) == (1, note.format("latest of 2 executions is"))


@pytest.mark.parametrize(("counted", "total"), [(1, "more than 3"), (2, "4")])
def test_list_a_part_of_many(
    counted: int, total: str, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are counted up to a limit, because each thousand takes a call."""
    monkeypatch.setattr("flowy.cli.tables.MAX_COUNTED", counted)
    trade(command.shop)
    said = command("executions", "list", "--limit", "2").err
    assert f"latest 2 of {total} executions are listed" in said


# show


def test_show(command: Command) -> None:
    """How it stands, and its activities with outcome, reason, times and worker; no values."""
    shop = command.shop
    run_id = shop.start("order-7", "paid")
    shop.decide("order-7", *map(scheduled, ("1", "2", "3", "4")))
    tokens = [shop.take() for _ in range(3)]
    shop.swf.clock.turn(10)
    shop.boto3.respond_activity_task_completed(taskToken=tokens[0], result="secret result")
    shop.boto3.respond_activity_task_failed(
        taskToken=tokens[1], reason="No stock.", details="secret details"
    )
    shop.boto3.record_activity_task_heartbeat(taskToken=tokens[2], details="secret beat")
    shop.swf.clock.turn(31)
    shop.boto3.request_cancel_workflow_execution(domain=DOMAIN, workflowId="order-7")

    ran = command("executions", "show", "order-7")
    assert (ran.code, ran.err) == (ExitCode.FINE, "")
    head, table = ran.out.split("\n\n")
    fields = dict(re.split(r"  +", line, maxsplit=1) for line in head.splitlines())
    assert (fields["Run"], fields["Type"], fields["Tags"]) == (run_id, "order 1", "paid")
    assert fields["Status"] == "open, cancel requested"
    assert fields["Timeout"] == "1.0 h; children: terminate"
    assert fields["Decisions"] == "from task list order-7, no limit each"
    assert fields["Open"] == "activities: 1, decisions: 1"
    rows = [re.split(r"  +", line) for line in table.splitlines()]
    assert [row[:4] for row in rows[1:3]] == [
        ["1", "charge 1", "completed", rows[1][3]],
        ["2", "charge 1", "failed", "No stock."],
    ]
    assert rows[1][4:] == ["0 s", "10 s", "worker-1"]
    assert [*rows[3][:4], *rows[3][5:]] == (
        ["3", "charge 1", "timed out", "HEARTBEAT", "0 s", "40 s", "worker-1"]
    )
    assert rows[4][:3] == ["4", "charge 1", "waiting on work"]
    assert "secret" not in ran.out
    assert "input of" not in ran.out

    values = command("executions", "show", "order-7", "--values").out
    assert values.startswith(f"Workflow   order-7\nRun        {run_id}\n")
    assert "\nInput:\n  secret input\n" in values
    assert "\nActivity 1, charge 1\nInput:\n  input of 1\nResult:\n  secret result\n" in values
    assert "Details:\n  secret details\n" in values
    assert "Heartbeat:\n  secret beat\n" in values
    for text in (values, command("executions", "show", "order-7", "--values", "--json").out):
        assert not any(token in text for token in tokens)


def test_show_as_json(command: Command) -> None:
    """The keys are those that the help names; values are null unless they are asked for."""
    shop = command.shop
    run_id = shop.start("order-7")
    shop.decide("order-7", scheduled("1"))
    shop.boto3.respond_activity_task_completed(taskToken=shop.take(), result="secret")
    shop.close("order-7", "Complete", result="secret result")
    shop.start("order-7")

    shown = command("executions", "show", "order-7", "--run-id", run_id, "--json").json
    assert tuple(shown) == (*KEYS, *MORE_KEYS)
    (activity,) = shown["activities"]
    assert tuple(activity) == ACTIVITY_KEYS
    assert (shown["status"], shown["timeout"], shown["decision_timeout"]) == (
        "completed",
        3600,
        None,
    )
    assert shown["open_counts"] == dict.fromkeys(shown["open_counts"], 0)
    assert shown["events"] == 11
    assert "secret" not in str(shown)
    assert (activity["state"], activity["worker"]) == ("completed", "worker-1")
    given = command("executions", "show", "order-7", "--run-id", run_id, "--json", "--values").json
    assert (given["input"], given["result"]) == ("secret input", "secret result")
    assert (given["activities"][0]["input"], given["activities"][0]["result"]) == (
        "input of 1",
        "secret",
    )
    assert command("executions", "show", "order-7", "--json").json["status"] == "open"


def test_show_how_it_closed(command: Command) -> None:
    """The reason is shown, also that of a termination; the run that goes on is named."""
    shop = command.shop
    shop.start("failed")
    shop.close("failed", "Fail", reason="No stock.", details="secret details")
    ran = command("executions", "show", "failed")
    assert "Status     failed\nReason     No stock.\n" in ran.out
    assert re.search(r"^Closed     .*, after 0 s$", ran.out, re.MULTILINE)
    shop.start("again")
    shop.close("again", "ContinueAsNew", executionStartToCloseTimeout="60", childPolicy="ABANDON",
               taskStartToCloseTimeout="NONE", taskList={"name": "again"})  # fmt: skip
    first = command("executions", "list", "--status", "continued-as-new", "--json").json[0]
    ran = command("executions", "show", "again", "--run-id", first["run_id"])
    second = command("executions", "show", "again", "--json").json
    assert f"Next run   {second['run_id']}\n" in ran.out


def test_a_terminal_obeys_nothing_that_an_execution_says(command: Command) -> None:
    """Control characters in ids, tags, reasons and values are shown as escapes."""
    shop = command.shop
    shop.start("red", "\x1b[31m")
    shop.boto3.terminate_workflow_execution(
        domain=DOMAIN, workflowId="red", reason="\x1b]0;owned\x07", details="\x1b[2J"
    )
    for ran in (
        command("executions", "list"),
        command("executions", "list", "--json"),
        command("executions", "show", "red", "--values"),
        command("executions", "show", "red", "--values", "--json"),
    ):
        assert "\x1b" not in ran.out
        assert "1b[31m" in ran.out


# Errors


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["terminate"], "Give WORKFLOW ids, filters, or --all"),
        (["cancel", "order-7", "--all"], "Give WORKFLOW ids, filters, or --all"),
        (["cancel", "order-7", "--tag", "x"], "Give WORKFLOW ids, filters, or --all"),
        (["terminate", "a", "b", "--run-id", "x"], "Cannot use --run-id"),
        (["list", "--since", "yesterday"], "such as 2026-01-31 or 2026-01-31T10:30, or how long"),
        (["list", "--status", "finished"], "invalid choice"),
        (["list", "--limit", "0"], "1 or more"),
        (["show", "a:b"], "SWF takes"),
    ],
)
def test_a_command_line_that_cannot_be_used(command: Command, argv: list[str], said: str) -> None:
    """Exit code 2, and no call."""
    ran = command("executions", *argv)
    assert (ran.code, ran.out) == (ExitCode.USAGE, "")
    assert said in ran.err


def test_an_unknown_execution(command: Command) -> None:
    """Exit code 3, and nothing is changed, not even the others that were named."""
    run_id = command.shop.start("order-7")
    ran = command("executions", "show", "order-8")
    assert (ran.code, ran.out) == (ExitCode.REFUSED, "")
    assert "Cannot find an execution of workflow order-8 in domain 'shop'" in ran.err
    ran = command("executions", "show", "order-7", "--run-id", "other")
    assert "Cannot find an execution of workflow order-7 with run id other" in ran.err
    ran = command("executions", "terminate", "order-7", "order-8", "--yes")
    assert (ran.code, ran.out) == (ExitCode.REFUSED, "")
    assert "Cannot find an open execution of workflow order-8 in domain 'shop'" in ran.err
    assert "Nothing was changed" in ran.err
    ran = command("executions", "terminate", "order-7", "--run-id", "other", "--yes")
    assert (ran.code, "order-7 with run id other in domain" in ran.err) == (ExitCode.REFUSED, True)
    (one,) = command("executions", "list", "--json").json
    assert (one["run_id"], one["status"]) == (run_id, "open")


@pytest.mark.parametrize("verb", ["list", "show x", "terminate x --yes", "cancel --all --yes"])
def test_an_unknown_domain(command: Command, verb: str) -> None:
    """The error lists the domains that there are, and says where it looked."""
    ran = command("executions", *verb.split(), "--domain", "shoop")
    assert (ran.code, ran.out) == (ExitCode.REFUSED, "")
    assert ran.err == (
        "flowy: Cannot find the domain 'shoop'. Region us-east-1, endpoint "
        f"{command.shop.swf.endpoint_url}. The domains are: shop.\n"
    )


def test_no_credentials(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Exit code 3, and the way out."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    ran = command("executions", "list")
    assert (ran.code, ran.out) == (ExitCode.REFUSED, "")
    assert "no AWS credentials were found. Set AWS_ACCESS_KEY_ID" in ran.err


def test_out_of_reach(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 7: the same command may work later."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # held, but nobody listens
        monkeypatch.setenv("AWS_ENDPOINT_URL_SWF", f"http://127.0.0.1:{held.getsockname()[1]}")
        ran = command("executions", "list")
    assert (ran.code, ran.out) == (ExitCode.OUT_OF_REACH, "")
    assert "no answer from SWF" in ran.err


def test_a_throttle_is_waited_out(command: Command) -> None:
    """boto3 tries four times by itself; after that the command waits, and says so."""
    fault = command.shop.swf.faults.throttle("ListOpenWorkflowExecutions", count=5)
    ran = command("executions", "list", "--status", "open")
    assert (ran.code, ran.rows) == (ExitCode.FINE, [])
    assert fault.happened == 5
