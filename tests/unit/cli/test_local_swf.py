"""``flowy local`` and ``--local``: which local SWF, with which settings, for which command."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from flowy.cli import ExitCode, main
from flowy.cli.local_swf import POLL_SECONDS, led_to_local_swf, next_port, settings
from flowy.exception import RefusedError
from flowy.local import LocalSWF
from flowy.local.running import announced, running
from tests.ports import free_port

#: Prints what leads it to an SWF, and the domains there.
DOMAINS = """
import boto3, os
for name in ("AWS_ENDPOINT_URL_SWF", "AWS_SESSION_TOKEN", "FLOWY_DOMAIN"):
    print(name, os.environ.get(name))
infos = boto3.client("swf").list_domains(registrationStatus="REGISTERED")["domainInfos"]
print(*(info["name"] for info in infos))
"""

#: Polls once, and gives up after a moment that is shorter than the default.
POLL = """
import socket, os, json
from urllib.request import Request, urlopen
body = json.dumps({"domain": "local", "taskList": {"name": "none"}}).encode()
headers = {"X-Amz-Target": "SimpleWorkflowService.PollForActivityTask"}
try:
    print(urlopen(Request(os.environ["AWS_ENDPOINT_URL_SWF"], body, headers), timeout=0.3).read())
except TimeoutError:
    print("held")
"""


@pytest.fixture(autouse=True)
def bare(local_swf: LocalSWF, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings, no announcement and no proxy of the developer's own."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "FLOWY_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


def local(*options: str, script: str) -> int:
    return main(["local", *options, "--", sys.executable, "-c", script])


# flowy local -- COMMAND


def test_the_command_uses_the_local_swf(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its output stands alone on standard output; a session's token is not for this endpoint."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert local("--domain", "shop", "--domain", "test", script=DOMAINS) == ExitCode.FINE
    out, err = capfd.readouterr()
    endpoint, token, domain, domains = out.splitlines()
    assert endpoint.startswith("AWS_ENDPOINT_URL_SWF http://127.0.0.1:")
    assert (token, domain, domains) == (
        "AWS_SESSION_TOKEN None",
        "FLOWY_DOMAIN shop",
        "shop test",
    )
    about, page = err.splitlines()
    assert about == "flowy: An SWF on this machine. Domains: shop, test."
    assert page.startswith("flowy: Its web page: http://127.0.0.1:")


def test_the_exit_code_is_the_commands() -> None:
    """Also a code that has a meaning of its own in Flowy."""
    assert local("--no-page", script="raise SystemExit(8)") == 8


def test_a_command_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 3, before anything is started."""
    assert main(["local", "--", "no-such-program", "x"]) == ExitCode.REFUSED
    assert capsys.readouterr().err == (
        "flowy: Cannot run 'no-such-program': the program was not found. Check its name and the "
        "PATH.\n"
    )


def test_no_command_after_the_dashes(capsys: pytest.CaptureFixture[str]) -> None:
    """`flowy local -- $COMMAND` with an empty variable must not start a server, and so hang."""
    assert main(["local", "--no-page", "--"]) == ExitCode.USAGE
    assert "nothing follows --. Give COMMAND, or leave out --" in capsys.readouterr().err


def test_a_script_that_is_not_executable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is there, so that its name is not what is wrong."""
    script = tmp_path / "worker.py"
    script.write_text("1")
    assert main(["local", "--", str(script)]) == ExitCode.REFUSED
    assert capsys.readouterr().err.startswith(
        f"flowy: Cannot run '{script}': the file is not executable. Run `chmod +x` on it, or "
    )


def test_how_long_a_poll_is_held(capfd: pytest.CaptureFixture[str]) -> None:
    """Two seconds by default, so that a worker stops soon; another time on request."""
    assert POLL_SECONDS == 2
    assert local("--no-page", script=POLL) == ExitCode.FINE
    assert capfd.readouterr().out == "held\n"
    assert local("--no-page", "--poll-seconds", "0", script=POLL) == ExitCode.FINE
    assert capfd.readouterr().out == "b'{\"startedEventId\": 0}'\n"


def test_the_page_has_the_next_port(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """So its address stays the same; another one if that port is taken, and a line says so."""
    port = free_port()
    assert local("--port", str(port), script="") == ExitCode.FINE
    assert f"flowy: Its web page: http://127.0.0.1:{port + 1}/\n" in capfd.readouterr().err
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port + 1))
        taken.listen()
        assert local("--port", str(port), script="") == ExitCode.FINE
    assert caplog.messages[-1] == f"Port {port + 1} is not free: the page has another one."
    assert f":{port + 1}/" not in capfd.readouterr().err
    assert next_port("127.0.0.1", 0) == next_port("127.0.0.1", 65535) == 0


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 3, and one line that says which port."""
    with LocalSWF() as taken:
        port = taken.endpoint_url.rpartition(":")[2]
        # A page would warn too, if another test has the port after this one.
        assert main(["local", "--no-page", "--port", port]) == ExitCode.REFUSED
    out, err = capsys.readouterr()
    assert out == ""
    assert f"port {port}" in err
    assert len(err.splitlines()) == 1


def test_the_settings_lead_past_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy cannot reach this machine's loopback; what was excepted stays so."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.test:3128")
    monkeypatch.setenv("NO_PROXY", "intra.test")
    found = settings("http://127.0.0.1:7933")
    assert found["NO_PROXY"] == found["no_proxy"] == "intra.test,127.0.0.1"


# --local


@pytest.fixture
def runs() -> Iterator[LocalSWF]:
    """A local SWF that runs already."""
    with LocalSWF(domain="other") as swf:
        yield swf


def domains() -> list[str]:
    """The domains of the SWF that this process is led to."""
    infos = boto3.client("swf").list_domains(registrationStatus="REGISTERED")["domainInfos"]
    return [info["name"] for info in infos]


def test_the_one_of_the_environment(
    runs: LocalSWF, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is used, and the domain is registered there; the environment is as it was afterwards."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SWF", runs.endpoint_url)
    before = dict(os.environ)
    for _ in range(2):
        with led_to_local_swf("shop"):
            assert domains() == ["other", "shop"]
    said = f"flowy: Using the local SWF that runs at {runs.endpoint_url}. Domain: shop.\n"
    assert capsys.readouterr().err == said * 2
    assert dict(os.environ) == before


def test_the_one_that_is_announced(runs: LocalSWF, capsys: pytest.CaptureFixture[str]) -> None:
    """``flowy local`` in another terminal is found without a word."""
    with announced(runs.endpoint_url), led_to_local_swf("shop"):
        assert domains() == ["other", "shop"]
    assert f"runs at {runs.endpoint_url}. Domain: shop." in capsys.readouterr().err


def test_several_are_announced(runs: LocalSWF) -> None:
    """Nobody can tell which one is meant, unless the environment says so."""
    with (
        LocalSWF() as second,
        announced(runs.endpoint_url),
        announced(second.endpoint_url),
        pytest.raises(RefusedError, match="Cannot tell which local SWF: 2 run, at http://.* and|,"),
        led_to_local_swf("shop"),
    ):
        pass


@pytest.mark.parametrize("url", ["https://swf.us-east-1.amazonaws.com", "http://127.0.0.1:1", "x"])
def test_none_runs(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One is started, for as long as it is needed; other commands find it meanwhile."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SWF", url)
    with led_to_local_swf("shop"):
        assert domains() == ["shop"]
        (found,) = running()
        assert os.environ["AWS_ENDPOINT_URL_SWF"] == found
        with led_to_local_swf("test"):
            assert domains() == ["shop", "test"]
    assert running() == []
    assert os.environ["AWS_ENDPOINT_URL_SWF"] == url
    err = capsys.readouterr().err
    assert "flowy: Started an SWF that ends with this worker. Domain: shop.\n" in err
    assert f"export AWS_ENDPOINT_URL_SWF={found}\n" in err
