"""``flowy types``: lists types and deprecates versions of them, against a local SWF over HTTP."""

from __future__ import annotations

import re

import pytest

from flowy.cli import ExitCode
from flowy.cli.registered_types import KEYS
from tests.unit.cli.conftest import Command
from tests.unit.shop import DOMAIN


def _register(command: Command, *versions: str, name: str = "charge") -> None:
    for version in versions:
        command.shop.boto3.register_activity_type(
            domain=DOMAIN, name=name, version=version, description=f"Version {version}."
        )


def _status(command: Command, *options: str) -> dict[str, str]:
    listed = command("types", "list", "--json", *options).json
    return {f"{each['name']} {each['version']}": each["status"] for each in listed}


def test_list(command: Command) -> None:
    """Both kinds and both statuses, by kind, name and version."""
    command("types", "deprecate", "ship", "--yes")
    ran = command("types", "list")
    assert (ran.code, ran.err) == (ExitCode.FINE, "")
    lines = [re.split(r"  +", line) for line in ran.out.splitlines()]
    assert [line[:4] for line in lines] == [
        ["KIND", "NAME", "VERSION", "STATUS"],
        ["activity", "charge", "1", "registered"],
        ["activity", "ship", "1", "deprecated"],
        ["workflow", "order", "1", "registered"],
        ["workflow", "refund", "1", "registered"],
    ]
    assert [len(line) for line in lines[1:]] == [5, 6, 5, 5]


def test_list_some(command: Command) -> None:
    """By kind, status and name; JSON has the keys that the help names."""
    _register(command, "2")
    command("types", "deprecate", "charge", "1", "--yes")
    assert _status(command, "--kind", "workflow") == {
        "order 1": "registered",
        "refund 1": "registered",
    }
    assert _status(command, "--name", "charge", "--status", "registered") == {
        "charge 2": "registered"
    }
    old, new = command("types", "list", "--json", "--name", "charge").json
    assert tuple(old) == tuple(new) == KEYS
    assert (new["domain"], new["kind"], new["description"]) == (DOMAIN, "activity", "Version 2.")
    now = command.shop.swf.clock.now()
    assert (new["created_at"], new["deprecated_at"]) == (pytest.approx(now, abs=1), None)
    assert old["deprecated_at"] == pytest.approx(now, abs=1)


def test_deprecate_and_take_it_back(command: Command) -> None:
    """All versions, some of them, all but some; after a question, unless ``--yes`` is given."""
    _register(command, "2", "3")
    ran = command("types", "deprecate", "charge", "--except", "3", answer="y\n")
    assert (ran.code, ran.out) == (ExitCode.FINE, "Deprecated 2 activity types.\n")
    assert "Deprecate 2 activity types? [y/N] " in ran.err
    assert _status(command, "--name", "charge") == {
        "charge 1": "deprecated",
        "charge 2": "deprecated",
        "charge 3": "registered",
    }
    ran = command("types", "undeprecate", "charge", "1", "--yes")
    assert ran.out == "Undeprecated 1 activity type.\n"
    ran = command("types", "deprecate", "charge", "--dry-run")
    assert (ran.code, ran.out.count("charge")) == (ExitCode.FINE, 2)
    assert ran.err == "flowy: A dry run: 2 activity types would be changed.\n"
    changed = command("types", "undeprecate", "charge", "--yes", "--json").json
    assert [(each["version"], each["change"]) for each in changed] == [("2", "done")]
    assert set(_status(command, "--name", "charge").values()) == {"registered"}
    ran = command("types", "undeprecate", "charge", "--yes")
    assert (ran.code, ran.out) == (ExitCode.FINE, "")
    assert ran.err == "flowy: Nothing to do: these versions are not deprecated.\n"


def test_workflow_types(command: Command) -> None:
    """They are another kind, which may have the same names."""
    ran = command("types", "deprecate", "--kind", "workflow", "order", "1", "--yes")
    assert ran.out == "Deprecated 1 workflow type.\n"
    assert _status(command, "--kind", "workflow")["order 1"] == "deprecated"
    command("types", "undeprecate", "--kind", "workflow", "order", "--yes")
    assert _status(command, "--kind", "workflow")["order 1"] == "registered"


def test_an_unknown_type(command: Command) -> None:
    """What there is of it is listed, and nothing is changed."""
    _register(command, "2")
    ran = command("types", "deprecate", "charge", "1", "9", "--yes")
    assert (ran.code, ran.out) == (ExitCode.REFUSED, "")
    assert (
        "Cannot find activity type charge 9 in domain 'shop': SWF has 1, 2. Nothing was" in ran.err
    )
    ran = command("types", "deprecate", "nothing", "--yes")
    assert "Cannot find activity type nothing in domain 'shop': SWF has none." in ran.err
    assert set(_status(command, "--name", "charge").values()) == {"registered"}
    ran = command("types", "list", "--domain", "shoop")
    assert (ran.code, "The domains are: shop." in ran.err) == (ExitCode.REFUSED, True)


def test_somebody_else_was_faster(command: Command) -> None:
    """A type that was deprecated meanwhile needs no change."""

    class Slow:
        def readline(self) -> str:
            type_ = {"name": "charge", "version": "1"}
            command.shop.boto3.deprecate_activity_type(domain=DOMAIN, activityType=type_)  # type: ignore[arg-type]
            return "y\n"

    ran = command("types", "deprecate", "charge", stdin=Slow())
    assert ran.out == "Deprecated 0 activity types; 1 needed no change.\n"
