"""``pytest tests/contract --swf=aws``, as someone with an account runs it, at a local SWF."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from flowy.local import LocalSWF

ROOT = Path(__file__).resolve().parents[2]

#: How long a poll is held, in seconds: longer than the limit of a test that is set below.
POLL_SECONDS = 1.5

NODES = [
    "test_activity_tasks.py::test_an_identity_is_in_the_history",
    "test_cancellation.py::test_nothing_is_canceled_unasked",
    "test_decisions.py::test_a_deprecated_workflow_type_does_not_start",
    "test_decisions.py::test_a_type_that_cannot_be_scheduled_is_an_event",
    "test_histories.py::test_types_come_in_pages",
    "test_names.py::test_all_else_is_a_name",
    "test_names.py::test_executions_are_kept_for_days",
    "test_polls.py::test_an_empty_poll_is_held_and_has_no_token",
    "test_types.py",
]


def names(client: Any, status: str) -> set[str]:
    """The names of the domains."""
    domains = client.list_domains(registrationStatus=status)["domainInfos"]
    return {domain["name"] for domain in domains}


def test_a_run_leaves_nothing_behind_but_its_domains(swf_environment: dict[str, str]) -> None:
    """Each of two runs against the same SWF passes, with the same few domains."""
    with LocalSWF(poll_seconds=POLL_SECONDS) as swf:
        client: Any = swf.client()
        before = names(client, "REGISTERED")
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--swf=aws"]
        nodes = [f"tests/contract/{node}" for node in NODES]
        domains = []
        for _ in range(2):
            ran = subprocess.run(
                [*command, "-o", "timeout=1", *nodes],
                cwd=ROOT,
                env={**swf_environment, **swf.environment},
                capture_output=True,
                text=True,
                timeout=50,
            )
            assert ran.returncode == 0, ran.stdout + ran.stderr
            assert "3 skipped" in ran.stdout, "what AWS does not document, or would spoil the rest"
            domains.append(names(client, "REGISTERED") - before | names(client, "DEPRECATED"))
        assert domains[0] == domains[1]
        assert len(domains[0]) == 5
        for domain in domains[0]:
            counted = client.count_open_workflow_executions(
                domain=domain, startTimeFilter={"oldestDate": 0}
            )
            assert counted["count"] == 0
        closed = client.count_closed_workflow_executions(
            domain="flowy-contract", closeTimeFilter={"oldestDate": 0}
        )
        assert closed["count"] > 0
