"""What the contract tests run against, and the few steps that all of them take.

They state what Flowy relies on in SWF, through a boto3 client that sends its calls as Flowy's own
clients do, and know nothing of what answers:

- the local SWF, where all of them pass, and whose clock is turned where time has to pass;
- plain moto (``--swf=moto``), where the tests that are marked ``moto_gap`` have to fail;
- Amazon SWF (``--swf=aws``), with the AWS settings of the environment.  All tests share one
  domain, because SWF allows 100 in an account, deprecated ones included.  So whatever a test
  makes in it has a name that no other test knows (``own``), and what is still open in the end is
  terminated.  What AWS does not document is left out (``undocumented``).

What only the local SWF has, its clock, faults, file and page, belongs to
``tests/unit/local``.
"""

from __future__ import annotations

import functools
import re
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from flowy.local import LocalSWF
from flowy.local.quotas import Quotas
from flowy.swf.client.lean.choice import take_lean_way
from tests.contract.flows import SHARED_DOMAIN, Flow, NewClient, Own, PassTime, Starter, have_domain
from tests.contract.recordings import differences
from tests.overview import wait_for_polls

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient


#: Seconds for one test against moto, which holds no poll for longer than one; its setup does not
#: count, because the first one starts the server.
MOTO_SECONDS = 15

#: Seconds for one test against Amazon's, which holds an empty poll for sixty.
AWS_SECONDS = 600

#: How late Amazon's clocks may be, in seconds: a timeout happens when it is due, or soon after.
AWS_LATE_SECONDS = 0.5

#: How long it may take until Amazon's lists show what has happened, in seconds.
AWS_LISTED_SECONDS = 5

#: Seconds for which the local SWF holds a poll if all pollers get a task in the end.
PATIENT_SECONDS = 60

#: How many pollers of one task list are held: by Amazon's, and if a test must not make that many.
MOST_POLLERS_AT_AWS, MOST_POLLERS_HERE = 1_000, 3


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Expect moto's known gaps, and leave undocumented answers of AWS's alone."""
    swf = config.getoption("--swf")
    for item in items:
        if "tests/contract/" not in item.path.as_posix():
            continue
        gap = item.get_closest_marker("moto_gap")
        if swf == "moto":
            item.add_marker(pytest.mark.timeout(MOTO_SECONDS, func_only=True))
            if gap is not None and re.search(gap.kwargs.get("only", ""), item.name):
                item.add_marker(pytest.mark.xfail(strict=True, reason=gap.args[0]))
        elif swf == "aws":
            item.add_marker(pytest.mark.timeout(AWS_SECONDS))
            if item.get_closest_marker("undocumented") is not None:
                item.add_marker(pytest.mark.skip(reason="AWS documents no answer"))


@pytest.fixture(scope="session")
def swf_kind(pytestconfig: pytest.Config) -> str:
    """What the tests run against: ``local``, ``moto`` or ``aws``."""
    return str(pytestconfig.getoption("--swf"))


@pytest.fixture(scope="session")
def contract_swf(swf_kind: str) -> Iterator[LocalSWF | None]:
    """One local SWF for all; it holds an empty poll for half a second, SWF for sixty."""
    if swf_kind != "local":
        yield None
        return
    with LocalSWF(poll_seconds=0.5) as swf:
        yield swf


@pytest.fixture(scope="session")
def found_differences() -> list[str]:
    """How the answers since the last test differ from those that SWF was recorded with."""
    return []


@pytest.fixture(autouse=True)
def as_recorded(swf_kind: str, found_differences: list[str]) -> Iterator[None]:
    """Every answer of every test, and each event in it, has the shape in which SWF sent it."""
    found_differences.clear()
    yield
    if swf_kind != "moto":
        assert found_differences == []


def lean(client: SWFClient) -> SWFClient:
    """Let a client send its calls as Flowy's own clients do."""
    take_lean_way(client)
    return client


def compared(client: SWFClient, found: list[str]) -> SWFClient:
    """Compare every answer that the client gets with the recordings."""

    def compare(response_dict: dict[str, Any] | None, **kwargs: Any) -> None:
        if response_dict is not None and response_dict["status_code"] == 200:
            action = kwargs["event_name"].rpartition(".")[2]
            found.extend(differences(action, response_dict["body"]))

    client.meta.events.register("response-received.swf", compare)
    return client


@pytest.fixture(scope="session")
def new_client(
    swf_kind: str, contract_swf: LocalSWF | None, found_differences: list[str]
) -> Iterator[NewClient]:
    """Makes clients that send what they are given: SWF itself is to refuse what is wrong."""
    common: Any = {"read_timeout": 70, "parameter_validation": False}
    if contract_swf is not None:
        make = functools.partial(contract_swf.client, parameter_validation=False)
        yield lambda **config: compared(lean(make(**config)), found_differences)
    elif swf_kind == "aws":
        common["retries"] = {"mode": "standard", "total_max_attempts": 5}
        yield lambda **config: compared(
            lean(boto3.client("swf", config=Config(**{**common, **config}))), found_differences
        )
    else:
        from moto.server import ThreadedMotoServer

        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        common["retries"] = {"mode": "standard", "total_max_attempts": 1}
        common |= {"max_pool_connections": 50, "proxies": {}}
        make = functools.partial(
            boto3.client,
            "swf",
            endpoint_url=f"http://{host}:{port}",
            region_name="us-east-1",
            aws_access_key_id="moto",
            aws_secret_access_key="moto",
        )
        yield lambda **config: lean(make(config=Config(**{**common, **config})))
        server.stop()


@pytest.fixture(scope="session")
def swf_client(new_client: NewClient) -> SWFClient:
    """The client of most tests."""
    return new_client()


@pytest.fixture
def pass_time(swf_kind: str, contract_swf: LocalSWF | None) -> PassTime:
    """Lets time pass at SWF: at once if its clock can be turned."""
    if contract_swf is not None:
        return contract_swf.clock.turn
    # There is no other way to make Amazon's clock go forward.
    late = AWS_LATE_SECONDS if swf_kind == "aws" else 0
    return lambda seconds: time.sleep(seconds + late)


@pytest.fixture
def lists_settle(swf_kind: str) -> Callable[[], None]:
    """Waits until the lists of executions show all: Amazon's are "eventually consistent"."""
    return lambda: time.sleep(AWS_LISTED_SECONDS if swf_kind == "aws" else 0)


@pytest.fixture
def own() -> Own:
    """Makes a name that no other test knows: ``own("list")``, the same for the same word."""
    mark = uuid.uuid4().hex[:12]
    return lambda word: f"{word}-{mark}"


@pytest.fixture(scope="session")
def shared_domain(swf_kind: str, new_client: NewClient) -> str | None:
    """The one domain of all tests at Amazon's; it stays, for the next run and others' at once."""
    if swf_kind != "aws":
        return None
    have_domain(new_client(), SHARED_DOMAIN)
    return SHARED_DOMAIN


@pytest.fixture
def domain(swf_kind: str, swf_client: SWFClient, shared_domain: str | None) -> str:
    """A domain: one that no other test knows, if domains cost nothing."""
    if shared_domain is not None:
        return shared_domain
    if swf_kind == "moto":
        # What moto takes without a word may break every later call, so each test begins anew.
        url = f"{swf_client.meta.endpoint_url}/moto-api/reset"
        with urllib.request.urlopen(urllib.request.Request(url, method="POST")):
            pass
    name = f"flowy-test-{uuid.uuid4()}"
    swf_client.register_domain(name=name, workflowExecutionRetentionPeriodInDays="1")
    return name


@pytest.fixture
def start(
    swf_kind: str, swf_client: SWFClient, domain: str, pass_time: PassTime, own: Own
) -> Iterator[Starter]:
    """Starts an execution: ``start("workflow id", **more parameters)``."""
    starter = Starter(swf_client, domain, pass_time, own)
    yield starter
    if swf_kind == "aws":
        starter.terminate()


@pytest.fixture(scope="session")
def most_pollers(swf_kind: str) -> int:
    """How many pollers of one task list ``patient_start``'s SWF holds."""
    return MOST_POLLERS_AT_AWS if swf_kind == "aws" else MOST_POLLERS_HERE


@pytest.fixture
def patient_swf(swf_kind: str, most_pollers: int) -> Iterator[LocalSWF | None]:
    """A local SWF that holds a poll for longer than a test takes, as the others do."""
    if swf_kind != "local":
        yield None
        return
    quotas = Quotas(pollers=most_pollers)
    with LocalSWF(poll_seconds=PATIENT_SECONDS, quotas=quotas, page_port=0) as swf:
        yield swf


@pytest.fixture
def new_patient_client(new_client: NewClient, patient_swf: LocalSWF | None) -> NewClient:
    """Makes clients of an SWF that holds a poll for longer than a test takes."""
    if patient_swf is None:
        return new_client
    make = functools.partial(patient_swf.client, parameter_validation=False)
    return lambda **config: lean(make(**config))


@pytest.fixture
def wait_for_pollers(patient_swf: LocalSWF | None) -> Callable[[int], None]:
    """Waits until this number of polls is held, if anything tells of that."""

    def wait(count: int) -> None:
        if patient_swf is not None:
            wait_for_polls(patient_swf, count)

    return wait


@pytest.fixture
def patient_start(
    swf_kind: str, new_patient_client: NewClient, domain: str, own: Own
) -> Iterator[Starter]:
    """Starts an execution there; its clock is never turned."""
    client = new_patient_client()
    if swf_kind == "local":
        have_domain(client, domain)
    starter = Starter(client, domain, time.sleep, own)
    yield starter
    if swf_kind == "aws":
        starter.terminate()


@pytest.fixture
def flow(start: Starter) -> Flow:
    """An execution that waits for its first decision."""
    return start()


@pytest.fixture
def task(flow: Flow) -> dict[str, Any]:
    """An activity task of ``flow`` that was handed out."""
    flow.schedule()
    return flow.poll_activity()
