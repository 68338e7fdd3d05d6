"""``flowy local`` as a real process: an unchanged script runs against it."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import textwrap
from pathlib import Path

import boto3

from flowy.cli import ExitCode
from tests.acceptance.cli.conftest import write_module
from tests.acceptance.flowy_command import Flowy, run_flowy
from tests.patience import PATIENCE_SECONDS
from tests.python_process import PythonProcess

#: An unchanged script of a user's.
SCRIPT = """
    import boto3

    swf = boto3.client("swf")
    found = swf.list_domains(registrationStatus="REGISTERED")["domainInfos"]
    print(*(info["name"] for info in found))
    """


def _pasted(lines: list[str]) -> dict[str, str]:
    """Return what a shell's environment has after these lines."""
    words = [shlex.split(line) for line in lines if line.startswith("export ")]
    return dict(assignment.split("=", 1) for _, assignment in words)


def _lines(local: Flowy) -> list[str]:
    lines = [local.line_with("# Paste")]
    while "AWS_SECRET_ACCESS_KEY" not in lines[-1]:
        lines.append(local.line_with(""))
    return lines


def test_an_unchanged_script_runs_against_flowy_local(tmp_path: Path, bare: dict[str, str]) -> None:
    """The printed lines are all it needs, and a shell takes them as they are, comments and all."""
    with Flowy("local", "--domain", "shop", "--domain", "test", cwd=tmp_path, env=bare) as local:
        assert local.line_with("SWF") == "# An SWF on this machine. Domains: shop, test.\n"
        lines = _lines(local)
        shell = subprocess.run(
            ["sh", "-ec", "".join(lines) + 'echo "$AWS_ENDPOINT_URL_SWF $AWS_DEFAULT_REGION"'],
            env=bare,
            capture_output=True,
            text=True,
            check=True,
        )
        pasted = _pasted(lines)
        endpoint, region = pasted["AWS_ENDPOINT_URL_SWF"], pasted["AWS_DEFAULT_REGION"]
        assert shell.stdout.split() == [endpoint, region]
        script = PythonProcess(["-c", textwrap.dedent(SCRIPT)], env={**bare, **pasted})
        out, err = script.communicate(timeout=PATIENCE_SECONDS)
        assert (sorted(out.split()), err) == (["shop", "test"], "")
        local.send(signal.SIGINT)
        assert local.end() == (ExitCode.FINE, "", "")


def test_local_keeps_its_state_in_a_file(tmp_path: Path, bare: dict[str, str]) -> None:
    """With ``--state`` a domain registered before a kill is there after it."""
    arguments = ("local", "--no-page", "--state", "swf.state")
    with Flowy(*arguments, "--domain", "one", "--domain", "two", cwd=tmp_path, env=bare) as local:
        _lines(local)
        local.send(signal.SIGKILL)
    with Flowy(*arguments, "--domain", "one", cwd=tmp_path, env=bare) as local:
        exported = (line.split()[1].split("=") for line in _lines(local) if "export" in line)
        environment = dict(exported)
        client = boto3.client(
            "swf",
            endpoint_url=environment["AWS_ENDPOINT_URL_SWF"],
            region_name=environment["AWS_DEFAULT_REGION"],
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )
        known = client.list_domains(registrationStatus="REGISTERED")["domainInfos"]
        assert {info["name"] for info in known} == {"one", "two"}


def test_without_a_moto_that_was_tested_the_text_says_what_to_install(
    tmp_path: Path, bare: dict[str, str]
) -> None:
    """The extra ``local`` is missing or another one: exit code 3, one line."""
    write_module(
        tmp_path / "other" / "moto-4.0.dist-info" / "METADATA", "Name: moto\nVersion: 4.0\n"
    )
    env = {**bare, "PYTHONPATH": f"{tmp_path / 'other'}{os.pathsep}{bare.get('PYTHONPATH', '')}"}
    code, out, err = run_flowy("local", cwd=tmp_path, env=env)
    assert (code, out) == (ExitCode.REFUSED, "")
    assert "moto 4.0 is installed" in err
    assert ".[local]" in err
    assert len(err.splitlines()) == 1
