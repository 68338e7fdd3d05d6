"""``flowy executions terminate`` and ``cancel``: what they ask, change and say."""

from __future__ import annotations

import pytest

from flowy.cli import ExitCode
from flowy.cli.execution_table import KEYS
from tests.unit.cli.conftest import Command
from tests.unit.cli.trading import trade
from tests.unit.shop import DOMAIN


def test_terminate(command: Command) -> None:
    """By workflow id; what it did is on standard output, the reason in the history."""
    shop = command.shop
    trade(shop)
    ran = command(
        "executions", "terminate", "order-7", "order-8", "--reason", "Ordered twice.",
        "--child-policy", "request-cancel", "--details", "secret", "--yes",
    )  # fmt: skip
    assert (ran.code, ran.out, ran.err) == (ExitCode.FINE, "Terminated 2 executions.\n", "")
    shown = command("executions", "show", "order-7", "--json", "--values").json
    assert (shown["status"], shown["reason"]) == ("terminated", "Ordered twice.")
    assert shown["details"] == "secret"
    events = shop.client.get_workflow_execution_history(DOMAIN, "order-7", shown["run_id"])
    said = events[-1]["workflowExecutionTerminatedEventAttributes"]
    assert said["childPolicy"] == "REQUEST_CANCEL"


def test_terminate_with_long_texts(command: Command) -> None:
    """Reason and details are cut to what SWF takes, rather than refused without a reason."""
    command.shop.start("order-7")
    long = ("--reason", "x" * 300, "--details", "x" * 40_000)
    assert command("executions", "terminate", "order-7", *long, "--yes").code == ExitCode.FINE
    shown = command("executions", "show", "order-7", "--values", "--json").json
    assert (len(shown["reason"]), len(shown["details"])) == (256, 32_768)


def test_terminate_by_filter(command: Command) -> None:
    """Closed executions are never among them; a dry run changes nothing."""
    trade(command.shop)
    dry = command("executions", "terminate", "--tag", "paid", "--dry-run")
    assert (dry.code, dry.rows) == (ExitCode.FINE, ["order-7"])
    assert dry.err == "flowy: A dry run: 1 execution would be changed.\n"
    (one,) = command("executions", "terminate", "--tag", "paid", "--dry-run", "--json").json
    assert (one["workflow_id"], one["status"], one["change"]) == ("order-7", "open", None)
    assert len(command("executions", "list", "--status", "open").rows) == 2

    (one,) = command("executions", "terminate", "--tag", "paid", "--json", "--yes").json
    assert tuple(one) == (*KEYS, "change")
    assert (one["workflow_id"], one["change"]) == ("order-7", "done")
    assert command("executions", "list", "--status", "open").rows == ["order-8"]
    none = command("executions", "terminate", "--tag", "paid", "--yes")
    assert (none.code, none.out) == (ExitCode.FINE, "")
    assert none.err == "flowy: Nothing to do: no open execution fits.\n"
    assert command("executions", "terminate", "--all", "--yes").out == "Terminated 1 execution.\n"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("y\n", ExitCode.FINE),
        ("YES\n", ExitCode.FINE),
        ("n\n", ExitCode.REFUSED),
        ("\n", ExitCode.REFUSED),
        ("", ExitCode.REFUSED),
    ],
)
def test_a_question_comes_first(command: Command, answer: str, code: ExitCode) -> None:
    """It shows what is to be changed; anything but yes, or nobody there, changes nothing."""
    for number in range(22):
        command.shop.start(f"order-{number}")
    ran = command("executions", "terminate", "--all", answer=answer)
    assert ran.code == code
    assert ran.err.count("order-") == 20
    assert "and 2 more executions\nTerminate 22 executions? [y/N] " in ran.err
    left = len(command("executions", "list", "--status", "open").rows)
    assert left == (0 if code == ExitCode.FINE else 22)
    assert ("Nothing was changed. Answer y, or give --yes." in ran.err) is (left == 22)


def test_cancel(command: Command) -> None:
    """It is a request: the execution stays open until its decider has answered."""
    shop = command.shop
    shop.start("order-7")
    ran = command("executions", "cancel", "order-7", answer="y\n")
    assert (ran.code, ran.out) == (ExitCode.FINE, "Requested to cancel 1 execution.\n")
    assert "Request to cancel 1 execution? [y/N] " in ran.err
    (one,) = command("executions", "list", "--json").json
    assert (one["status"], one["cancel_requested"]) == ("open", True)


def test_an_execution_that_closes_meanwhile(command: Command) -> None:
    """It needs no change any more; the others are changed all the same."""
    shop = command.shop
    shop.start("order-7")
    shop.swf.clock.turn(1)
    shop.start("order-8")

    class Hasty:
        """Whoever answers closes one of the two first."""

        def readline(self) -> str:
            shop.boto3.terminate_workflow_execution(domain=DOMAIN, workflowId="order-8")
            return "y\n"

    ran = command("executions", "cancel", "--all", stdin=Hasty())
    assert ran.code == ExitCode.FINE
    assert ran.out == "Requested to cancel 1 execution; 1 had closed already.\n"


def test_trouble_in_the_middle(command: Command) -> None:
    """How many were changed is told, also to programs, before the error."""
    shop = command.shop
    for number in range(3):
        shop.start(f"order-{number}")
        shop.swf.clock.turn(1)

    shop.swf.faults.fail("TerminateWorkflowExecution", count=100)
    ran = command("executions", "terminate", "--all", "--yes")
    assert ran.code == ExitCode.OUT_OF_REACH
    assert ran.out == "Terminated 0 executions; 3 not done.\n"
    assert "Cannot terminate_workflow_execution" in ran.err
    shop.swf.faults.clear()
