"""The files for deploying, and the commands of the page on health: they work, and fit together."""

from __future__ import annotations

import http.client
import json
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from flowy.cli import ExitCode, main
from flowy.cli.command import parser
from flowy.health import HealthOptions
from flowy.health.file import HealthFile
from flowy.health.options import listening
from flowy.health.server import HealthServer, serving
from tests.patience import PATIENCE_SECONDS
from tests.unit.health.healths import ILL, WELL, Patient

pytestmark = pytest.mark.usefixtures("patient_probes")

ROOT = Path(__file__).resolve().parents[3]
INDEPTH = ROOT / "docs" / "indepth"
FILES = ROOT / "examples" / "deploying"

#: The port of the recipes.
PORT = "8080"


def blocks(language: str, page: str) -> list[str]:
    """Return the blocks of a page in this language."""
    text = (INDEPTH / page).read_text(encoding="utf-8")
    found = re.findall(rf"code-block:: {language}\n\n((?: {{4}}.*\n|\n)+)", text)
    return [textwrap.dedent(block) for block in found]


def content(name: str) -> str:
    """Return what a file for deploying contains."""
    return (FILES / name).read_text(encoding="utf-8")


def load_yaml(text: str) -> list[Any]:
    yaml = pytest.importorskip("yaml")  # moto needs it
    return list(yaml.safe_load_all(text))


@pytest.fixture
def patient() -> Patient:
    return Patient()


@pytest.fixture
def server(patient: Patient) -> Iterator[HealthServer]:
    with serving(HealthOptions(http="0.0.0.0:0"), patient) as made:
        yield made


def options_of(command: list[str]) -> HealthOptions:
    """Parse the command of a worker, and return how its health is shown."""
    assert command[:2] == ["flowy", "worker"]
    given = parser().parse_args(command[1:])
    return HealthOptions(http=given.http, file=given.health_file)


def run_probe(
    command: list[str], patient: Patient, server: HealthServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Run the command of a probe against a worker that is live, and one that is not."""
    command = [word.replace(f":{PORT}", f":{server.port}") for word in command]
    assert command[0] == "flowy"
    patient.now = WELL
    assert main(command[1:]) == ExitCode.FINE
    patient.now = ILL
    assert main(command[1:]) == ExitCode.ERROR
    assert "poller 0 is dead" in capsys.readouterr().err


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """``systemd-analyze verify`` has nothing to say of it."""
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd is not installed")
    unit = content("flowy-worker.service")
    (command,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    program, *arguments = shlex.split(command)
    assert options_of(["flowy", *arguments]) == HealthOptions()  # NOTIFY_SOCKET is all it needs
    path = tmp_path / "flowy-worker.service"
    path.write_text(unit.replace(program, sys.executable), encoding="utf-8")
    ran = subprocess.run(
        [verify, "verify", path], capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_systemd_starts_nothing_again_that_cannot_work() -> None:
    """A command line or settings that are wrong stay wrong."""
    unit = content("flowy-worker.service")
    codes = re.findall(r"^RestartPreventExitStatus=(.*)$", unit, re.MULTILINE)
    assert codes == [f"{ExitCode.USAGE:d} {ExitCode.REFUSED:d}"]


def test_the_probes_of_kubernetes(server: HealthServer) -> None:
    """They ask paths of the server at the port that the worker listens on, by the pod's address."""
    _, deployment = load_yaml(content("kubernetes.yaml"))
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    options = options_of(container["command"] + container["args"])
    (port,) = container["ports"]
    assert options.http is not None
    address, number = listening(options.http)
    assert (address.answers_to("10.1.2.3:8080"), number) == (True, port["containerPort"])
    for probe, path in (("startup", "/live"), ("liveness", "/live"), ("readiness", "/ready")):
        asks = container[f"{probe}Probe"]["httpGet"]
        assert asks == {"path": path, "port": port["name"]}
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS)
        connection.request("GET", path, headers={"Host": f"10.1.2.3:{PORT}"})
        assert connection.getresponse().status == 200
        connection.close()


def test_the_file_probe_of_kubernetes(tmp_path: Path) -> None:
    """It reads the file that the worker writes."""
    (pod,) = load_yaml(blocks("yaml", "deploying.rst")[0])
    (container,) = pod["spec"]["containers"]
    command = container["livenessProbe"]["exec"]["command"]
    options = options_of(container["command"] + container["args"])
    assert str(options.file) in command
    path = str(tmp_path / "health")
    command = [path if word == str(options.file) else word for word in command]
    HealthFile(path).show(WELL)
    assert main(command[1:]) == ExitCode.FINE
    HealthFile(path).show(ILL)
    assert main(command[1:]) == ExitCode.ERROR


def test_the_health_check_of_ecs(
    patient: Patient, server: HealthServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """ECS's own model takes the file; the check asks the worker that the container starts."""
    definition = json.loads(content("ecs-task-definition.json"))
    model = botocore.session.get_session().get_service_model("ecs")
    shape = model.operation_model("RegisterTaskDefinition").input_shape
    assert shape is not None
    assert ParamValidator().validate(definition, shape).generate_report() == ""
    (container,) = definition["containerDefinitions"]
    assert options_of(container["command"]).http == PORT
    kind, *command = container["healthCheck"]["command"]
    assert kind == "CMD"
    run_probe(command, patient, server, capsys)


def test_the_health_check_of_docker(
    patient: Patient, server: HealthServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """As ECS's."""
    lines = re.findall(r"CMD (\[.*\])$", content("Dockerfile"), re.MULTILINE)
    check, command = map(json.loads, lines)
    assert options_of(command).http == PORT
    run_probe(check, patient, server, capsys)


def test_each_has_the_same_time_to_stop() -> None:
    """Each file says what the page promises, in its own way; none is a file that no page shows."""
    _, deployment = load_yaml(content("kubernetes.yaml"))
    (compose,) = load_yaml(content("compose.yaml"))
    (task,) = json.loads(content("ecs-task-definition.json"))["containerDefinitions"]
    assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 120
    assert compose["services"]["worker"]["stop_grace_period"] == "120s"
    assert task["stopTimeout"] == 120
    assert "\nTimeoutStopSec=120\n" in content("flowy-worker.service")
    page = (INDEPTH / "deploying.rst").read_text(encoding="utf-8")
    shown = re.findall(r"literalinclude:: ../../examples/deploying/(\S+)", page)
    assert {*shown} == {path.name for path in FILES.iterdir()}


@pytest.mark.parametrize("page", ["observability.rst", "deploying.rst"])
def test_the_commands_of_the_page(page: str) -> None:
    """Each line that begins with ``flowy`` can be pasted."""
    lines = [
        line.removeprefix("$ ")
        for block in blocks("text", page)
        for line in block.splitlines()
        if line.removeprefix("$ ").startswith("flowy ")
    ]
    assert lines
    for line in lines:
        parser().parse_args(shlex.split(line)[1:])
