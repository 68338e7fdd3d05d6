"""Registration against a real SWF: new, again, changed, deprecated, unknown domain."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flowy import Activity, activity, start_activity_worker
from flowy.exception import RegistrationError
from tests.acceptance.processes import Process

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient


@activity("echo", 1, "list", heartbeat=30, schedule_to_start=None)
class Echo(Activity):
    """The one activity of this module."""

    def run(self) -> None:
        """Nothing."""


DEFAULTS: Any = {
    "defaultTaskList": {"name": "list"},
    "defaultTaskHeartbeatTimeout": "30",
    "defaultTaskScheduleToCloseTimeout": "420",
    "defaultTaskScheduleToStartTimeout": "NONE",
    "defaultTaskStartToCloseTimeout": "300",
}


def register(client: SWFClient, domain: str, **options: Any) -> None:
    """Scan this module and register; do not poll."""
    start_activity_worker(domain, "list", client, loop=0, **options)


def held(client: SWFClient, domain: str) -> list[str]:
    """The activity types that SWF holds."""
    answer = client.list_activity_types(domain=domain, registrationStatus="REGISTERED")
    return [each["activityType"]["name"] for each in answer["typeInfos"]]


def test_new(client: SWFClient, domain: str) -> None:
    """SWF holds the type with all its defaults."""
    register(client, domain)
    described = client.describe_activity_type(
        domain=domain, activityType={"name": "echo", "version": "1"}
    )
    assert described["configuration"] == DEFAULTS


def test_again(client: SWFClient, domain: str, caplog: pytest.LogCaptureFixture) -> None:
    """A second worker of the same code finds nothing to say."""
    register(client, domain)
    caplog.set_level(logging.INFO, "flowy")
    register(client, domain)
    assert caplog.records == []


def test_changed(client: SWFClient, domain: str) -> None:
    """All differences stand in one error, with the place of the decorator."""
    other = {"defaultTaskList": {"name": "other"}, "defaultTaskHeartbeatTimeout": "NONE"}
    client.register_activity_type(domain=domain, name="echo", version="1", **{**DEFAULTS, **other})
    with pytest.raises(RegistrationError) as caught:
        register(client, domain)
    (problem,) = caught.value.problems
    place, _, differences = problem.partition(": ")
    file, _, line = place.removeprefix("echo 1 at ").rpartition(":")
    assert file == __file__
    source = Path(__file__).read_text().splitlines()
    assert source[int(line) - 1].startswith(('@activity("echo"', "class Echo("))  # as of 3.10
    assert differences.startswith(
        "task_list is 'list' here, 'other' at SWF; heartbeat is 30 here, None at SWF. "
    )


def test_deprecated(client: SWFClient, domain: str) -> None:
    """A deprecated type is an error that says how it is revived."""
    register(client, domain)
    client.deprecate_activity_type(domain=domain, activityType={"name": "echo", "version": "1"})
    with pytest.raises(RegistrationError, match="flowy types undeprecate") as caught:
        register(client, domain)
    assert len(caught.value.problems) == 1
    client.undeprecate_activity_type(domain=domain, activityType={"name": "echo", "version": "1"})
    register(client, domain)


def test_unknown_domain(client: SWFClient) -> None:
    """A domain that is not there is one problem, with the command that makes it."""
    with pytest.raises(RegistrationError, match="aws swf register-domain --name nowhere"):
        register(client, "nowhere")


def test_reg_remote_false(client: SWFClient, domain: str) -> None:
    """Nothing is registered, and nothing asked: not even the domain need exist."""
    register(client, domain, reg_remote=False)
    register(client, "nowhere", reg_remote=False)
    assert held(client, domain) == []


def test_a_module_inside_a_package(
    write: Callable[..., Path],
    process: Callable[..., Process],
    client: SWFClient,
    domain: str,
) -> None:
    """By default the module that calls is scanned, and not the others of its package."""
    body = """
    import os
    from flowy import Activity, activity, start_activity_worker

    @activity('{name}', 1, 'list')
    class Echo(Activity):
        def run(self):
            pass

    def main():
        start_activity_worker(os.environ['DOMAIN'], 'list', loop=0)
    """
    write("app/__init__.py", "")
    write("app/other.py", body.format(name="other"))
    write("app/activities.py", body.format(name="mine"))
    write("app/__main__.py", "import app.other\nfrom app.activities import main\nmain()\n")
    ran = process("-m", "app")
    assert ran.wait() == 0, ran.output
    assert held(client, domain) == ["mine"]


def test_a_script(
    write: Callable[..., Path],
    process: Callable[..., Process],
    client: SWFClient,
    domain: str,
) -> None:
    """A script is scanned as ``__main__``; a class that it imports is not its own."""
    write("library.py", "from flowy import Activity, activity\n"
          "@activity('imported', 1, 'list')\nclass Imported(Activity):\n"
          "    def run(self):\n        pass\n")  # fmt: skip
    script = write(
        "script.py",
        """
        import os
        from flowy import Activity, activity, start_activity_worker
        from library import Imported

        @activity('scripted', 1, 'list')
        class Echo(Activity):
            def run(self):
                pass

        start_activity_worker(os.environ['DOMAIN'], 'list', loop=0)
        """,
    )
    ran = process(script)
    assert ran.wait() == 0, ran.output
    assert held(client, domain) == ["scripted"]
