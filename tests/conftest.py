"""What the suites share: one local SWF for all, and a domain of its own for each test."""

from __future__ import annotations

import functools
import gc
import importlib.util
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.environments import clean_environment
from tests.gates import Gate, new_gate
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from flowy.local import LocalSWF
    from tests.aws_services import AWSServices
    from tests.browser import Browser


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which SWF the contract tests are to hold to their word."""
    parser.addoption(
        "--swf",
        choices=("local", "moto", "aws"),
        default="local",
        help="what tests/contract runs against: the local SWF, plain moto, or Amazon SWF "
        "with the AWS settings of the environment (aws costs money)",
    )


def pytest_sessionstart() -> None:
    """Let no subprocess of a test inherit that Ctrl-C, Ctrl-\\ or a hang-up is ignored.

    ``nohup``, and a shell that starts a command in the background, ignore them for all below.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start first what takes longest, or all other workers end before it."""
    items.sort(key=lambda item: item.get_closest_marker("starts_first") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """Collect garbage between tests, not in them, before Python 3.12.

    Several tests exhaust Python's depth, by JSON that is nested without end. Up to 3.11 parsers in
    C share that depth, so a collection down there calls finalizers that fail with RecursionError.
    """
    if sys.version_info < (3, 12):
        gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _json_of_botocore_is_read_once() -> Iterator[None]:
    """Each of boto3's sessions would read a megabyte of JSON again; many tests have their own."""
    from botocore.loaders import JSONFileLoader

    read = functools.cache(JSONFileLoader().load_file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", lambda _, path: read(path))
        yield


@pytest.fixture(scope="session")
def local_swf(request: pytest.FixtureRequest) -> LocalSWF:
    """An SWF on this machine: the plugin's, as any project has it.

    If moto is not installed, the tests that need it are skipped, or fail if ``CI`` is set.
    """
    if importlib.util.find_spec("moto") is None and not os.environ.get("CI"):
        pytest.skip("moto is not installed: pip install '.[local]'")
    swf: LocalSWF = request.getfixturevalue("flowy_local_swf")
    return swf


@pytest.fixture
def domain(local_swf: LocalSWF, flowy_domain: str) -> str:
    """A domain that no other test knows; `local_swf` comes first, because it may skip."""
    return flowy_domain


@pytest.fixture(scope="session")
def client(local_swf: LocalSWF, flowy_client: SWFClient) -> SWFClient:
    """A boto3 client of the local SWF."""
    return flowy_client


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser for all tests that need one: it starts in seconds."""
    from tests.browser import Browser

    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture
def swf_environment(local_swf: LocalSWF, tmp_path: Path) -> dict[str, str]:
    """The environment of a subprocess that is to see the local SWF and nothing else of AWS."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    return {
        **clean_environment(),
        **local_swf.environment,
        "HOME": str(home),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.fixture(scope="session")
def _aws_services() -> Iterator[AWSServices]:
    from tests.aws_services import AWSServices

    services = AWSServices()
    yield services
    services.close()


@pytest.fixture
def aws(
    local_swf: LocalSWF, _aws_services: AWSServices, monkeypatch: pytest.MonkeyPatch
) -> AWSServices:
    """S3 and KMS over real HTTP, to which boto3's default session leads; moto is there, too."""
    import boto3

    _aws_services.reset()
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps what it has read
    for name, value in _aws_services.environment.items():
        monkeypatch.setenv(name, value)
    return _aws_services


@pytest.fixture
def patient_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Probes of this process wait for a busy machine; real ones give up after 5 s."""
    monkeypatch.setattr("flowy.health.client.TIMEOUT_SECONDS", PATIENCE_SECONDS)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """A gate in which activities wait, those of other processes too."""
    with new_gate(tmp_path) as gate:
        yield gate
