"""Fixtures for pytest: a local SWF, a worker on it, and calls of activities.

pytest loads this module in every project that has Flowy installed, so it imports nothing until a
fixture is used. All names begin with ``flowy_``.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..local import LocalSWF
    from ..local.clock import Clock
    from .worker import LocalWorker


#: How long the local SWF keeps a poll open, in seconds. SWF itself does so for 60, and a test whose
#: poll finds nothing would wait as long.
POLL_SECONDS = 1.0


@pytest.fixture(scope="session")
def flowy_local_swf() -> Iterator[LocalSWF]:
    """A running ``flowy.local.LocalSWF``, the same for the whole session."""
    from ..local import LocalSWF

    with LocalSWF(poll_seconds=POLL_SECONDS) as swf:
        yield swf


@pytest.fixture(scope="session")
def flowy_client(flowy_local_swf: LocalSWF) -> Any:
    """A boto3 ``swf`` client of the local SWF."""
    return flowy_local_swf.client()


@pytest.fixture
def flowy_domain(flowy_local_swf: LocalSWF) -> str:
    """The name of a new domain of the local SWF, for this test alone."""
    name = f"test-{uuid.uuid4()}"
    flowy_local_swf.register_domain(name)
    return name


@pytest.fixture
def flowy_aws_environment(
    flowy_local_swf: LocalSWF, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """The environment variables that lead boto3 to the local SWF; set while the test runs.

    With them, code that makes its own client or gives Flowy none uses the local SWF, also in child
    processes.
    """
    for name, value in flowy_local_swf.environment.items():
        monkeypatch.setenv(name, value)
    return flowy_local_swf.environment


@pytest.fixture
def flowy_clock(flowy_local_swf: LocalSWF) -> Iterator[Clock]:
    """The local SWF's clock, stopped: timeouts fire when the test turns it, by ``turn(3600)``.

    The worker's own clock goes on. At the test's end the local SWF's clock runs again, and stays
    ahead by the time it was turned.
    """
    clock = flowy_local_swf.clock
    clock.hold()
    yield clock
    clock.release()


@pytest.fixture
def flowy_activities(request: pytest.FixtureRequest) -> Any:
    """The activities for ``flowy_worker`` to serve: those that the test module defines or imports.

    To serve others, override it to return a module, a package, a dotted name, an activity's class,
    or a list of these.
    """
    from ..exception import ScanError
    from .worker import known_to

    found = known_to(request.module)
    if not found:
        raise ScanError(
            f"Cannot find any activity in {request.module.__name__}: it defines and imports none "
            "with @activity(...). Import them, or override the fixture flowy_activities "
            "to return what to serve, such as 'my.activities'."
        )
    return found


@pytest.fixture
def flowy_worker_options() -> Mapping[str, Any]:
    """Options of ``flowy.swf.worker.ActivityWorker`` for ``flowy_worker``; override it."""
    return {}


@pytest.fixture
def flowy_worker(
    flowy_local_swf: LocalSWF,
    flowy_domain: str,
    flowy_activities: Any,
    flowy_worker_options: Mapping[str, Any],
) -> Iterator[LocalWorker]:
    """A worker over ``flowy_activities`` in ``flowy_domain``, in threads of this process."""
    from .worker import LocalWorker

    with LocalWorker(
        flowy_local_swf, flowy_domain, flowy_activities, **flowy_worker_options
    ) as worker:
        yield worker


@pytest.fixture
def flowy_call_activity(flowy_worker: LocalWorker) -> Callable[..., Any]:
    """Call an activity that ``flowy_worker`` serves, and return its value or raise.

    ``flowy_call_activity(Echo, "x")`` or ``flowy_call_activity("echo", 1, "x")``; the keyword
    arguments are those of ``call_activity``, with a *timeout* of 30 s.
    """
    return flowy_worker.call
