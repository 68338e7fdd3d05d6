"""The pytest plugin, as a project meets it: in a pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flowy.testing import plugin
from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).resolve().parents[3]

#: Runs a pytest over a test file of the given text, with the options; returns what it printed.
RunPytest = Callable[..., str]

ACTIVITIES = """
from flowy import Activity, activity

@activity("echo", 1, "echoes")
class Echo(Activity):
    def run(self, value):
        return value
"""


@pytest.fixture
def run_pytest(tmp_path: Path) -> RunPytest:
    def run(text: str, *options: str, passed: int = 0, code: int = 0, **files: str) -> str:
        for name, content in {"test_it": text, **files}.items():
            (tmp_path / f"{name}.py").write_text(content, encoding="utf-8")
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            # As the entry point does it, whether or not Flowy is installed.
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)]),
        }
        command = [sys.executable, "-W", "error", "-m", "pytest", "-p", "flowy.testing.plugin"]
        ran = subprocess.run(
            [*command, "-p", "no:cacheprovider", *options, str(tmp_path)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )
        said = ran.stdout + ran.stderr
        assert ran.returncode == code, said
        assert not passed or f"{passed} passed" in said
        return said

    return run


def test_costs_nothing_when_not_used(run_pytest: RunPytest) -> None:
    """A project that does not use the fixtures gets no boto3, moto or SWF side imported."""
    run_pytest(
        "import sys\n"
        "def test_it():\n"
        "    loaded = {name.split('.')[0] for name in sys.modules}\n"
        "    assert not loaded & {'boto3', 'botocore', 'moto', 'venusian'}\n"
        "    flowy = {name for name in sys.modules if name.startswith('flowy')}\n"
        "    assert flowy == {'flowy', 'flowy._version', 'flowy.testing',\n"
        "                     'flowy.testing.plugin'}\n",
        passed=1,
    )


def test_names_cannot_collide() -> None:
    """Every fixture's name begins with flowy_; there is no hook, option or marker."""
    public = [name for name in vars(plugin) if not name.startswith("_")]
    fixtures = [name for name in public if name.startswith("flowy_")]
    assert len(fixtures) >= 8
    assert not [name for name in public if name.startswith("pytest_")]


def test_call_activity_brings_all_along(run_pytest: RunPytest) -> None:
    """One fixture is enough: SWF, a fresh domain, and a worker over the module's activities."""
    run_pytest(
        ACTIVITIES
        + "def test_class(flowy_call_activity):\n"
        "    assert flowy_call_activity(Echo, 'x') == 'x'\n"
        "def test_name(flowy_call_activity):\n"
        "    assert flowy_call_activity('echo', 1, value='x', timeout=9) == 'x'\n".replace(
            "value='x'", "kwargs={'value': 'x'}"
        ),
        passed=2,
    )


def test_imported_activities_are_served_too(run_pytest: RunPytest) -> None:
    """What the test module imports counts as its own: activities seldom live in tests."""
    run_pytest(
        "from shop import Echo\n"
        "def test_it(flowy_call_activity):\n"
        "    assert flowy_call_activity(Echo, 1) == 1\n",
        passed=1,
        shop=ACTIVITIES,
    )


def test_domains_are_fresh(run_pytest: RunPytest) -> None:
    """Each test has a domain of its own, in one SWF for all."""
    run_pytest(
        ACTIVITIES + "import pytest\nseen = []\n"
        "@pytest.mark.parametrize('number', [1, 2])\n"
        "def test_it(number, flowy_worker, flowy_domain, flowy_client, flowy_local_swf):\n"
        "    assert flowy_worker.domain == flowy_domain\n"
        "    types = flowy_client.list_activity_types(\n"
        "        domain=flowy_domain, registrationStatus='REGISTERED')['typeInfos']\n"
        "    assert [each['activityType']['name'] for each in types] == ['echo']\n"
        "    seen.append((flowy_domain, flowy_local_swf.endpoint_url))\n"
        "    assert len({domain for domain, _ in seen}) == len(seen)\n"
        "    assert len({url for _, url in seen}) == 1\n",
        passed=2,
    )


def test_what_is_served_and_how_may_be_overridden(run_pytest: RunPytest) -> None:
    """flowy_activities names other activities, flowy_worker_options sets the worker up."""
    run_pytest(
        "import pytest\n"
        "@pytest.fixture\n"
        "def flowy_activities():\n"
        "    return 'shop'\n"
        "@pytest.fixture\n"
        "def flowy_worker_options():\n"
        "    return {'concurrency': 1}\n"
        "def test_it(flowy_call_activity):\n"
        "    assert flowy_call_activity('echo', 1, 2) == 2\n",
        passed=1,
        shop=ACTIVITIES,
    )


def test_a_module_without_activities_is_told_so(run_pytest: RunPytest) -> None:
    """A worker over nothing is an error that says what to do."""
    said = run_pytest("def test_it(flowy_worker): pass\n", code=1)
    assert "Cannot find any activity in test_it" in said
    assert "override the fixture flowy_activities" in said


def test_default_clients_find_the_local_swf(run_pytest: RunPytest) -> None:
    """With flowy_aws_environment, code that names no client uses the local SWF."""
    run_pytest(
        ACTIVITIES + "from flowy import call_activity, start_activity_worker\n"
        "def test_it(flowy_aws_environment, flowy_domain):\n"
        "    assert set(flowy_aws_environment) >= {'AWS_ENDPOINT_URL_SWF'}\n"
        "    start_activity_worker(flowy_domain, 'echoes', loop=0)\n"
        "    start_activity_worker(flowy_domain, 'echoes', loop=1)\n",
        passed=1,
    )


def test_the_clock_is_held_while_a_test_has_it(run_pytest: RunPytest) -> None:
    """An hour's timeout fires when the test turns the clock, not before; after it time runs on."""
    run_pytest(
        ACTIVITIES + "import pytest\n"
        "from flowy import call_activity\n"
        "from flowy.exception import ActivityTimedOutError\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "def test_held(flowy_clock, flowy_domain, flowy_client):\n"
        "    flowy_client.register_activity_type(domain=flowy_domain, name='nobody', version='1',\n"
        "        defaultTaskList={'name': 'nobody'}, defaultTaskHeartbeatTimeout='NONE',\n"
        "        defaultTaskScheduleToCloseTimeout='NONE',\n"
        "        defaultTaskStartToCloseTimeout='NONE',\n"
        "        defaultTaskScheduleToStartTimeout='3600')\n"
        "    before = flowy_clock.now()\n"
        "    with ThreadPoolExecutor(1) as pool:\n"
        "        call = pool.submit(call_activity, flowy_domain, 'nobody', 1,\n"
        "                           layer1=flowy_client, timeout=9999)\n"
        "        while not flowy_client.count_pending_activity_tasks(\n"
        "            domain=flowy_domain, taskList={'name': 'nobody'})['count']:\n"
        "            pass\n"
        "        assert flowy_clock.now() == before\n"
        "        flowy_clock.turn(3599)\n"
        "        assert flowy_client.count_pending_activity_tasks(\n"
        "            domain=flowy_domain, taskList={'name': 'nobody'})['count'] == 1\n"
        "        flowy_clock.turn(1)\n"
        "        with pytest.raises(ActivityTimedOutError, match='SCHEDULE_TO_START'):\n"
        "            call.result()\n"
        "    assert flowy_clock.now() == before + 3600\n"
        "def test_runs_again(flowy_local_swf):\n"
        "    clock = flowy_local_swf.clock\n"
        "    before = clock.now()\n"
        "    while clock.now() == before:\n"
        "        pass\n",
        passed=2,
    )


def test_examples_pass() -> None:
    """The example project's tests pass, and fast."""
    project = ROOT / "examples" / "parcels"
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "flowy.testing.plugin", "-p", "no:cacheprovider"],
        cwd=project,
        env={
            **os.environ,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "skipped" not in ran.stdout
