"""Makes boto3 clients whose timeouts fit SWF.

Three clients are best. SWF keeps a poll open for up to 60 s, so polls need a socket timeout of 70
s. They have one attempt, because SWF may send a task to the broken connection of a poll that
botocore repeats. Answers need the opposite: a short timeout and several attempts. Heartbeats have a
still shorter timeout and one attempt, because an activity must not hang in its heartbeat.

boto3 is only imported when a client is made.
"""

from __future__ import annotations

import contextlib
import weakref
from typing import Any

from ...aws import make_client
from ...concurrency.clock import SYSTEM_CLOCK, Clock
from ...observer import Observers
from ...safe_logging import get_logger
from .actions import SWFClient
from .caller import Layer1
from .errors import translated
from .genuine import check_bodies
from .setup_errors import MAKE_A_CLIENT, check_endpoint

logger = get_logger(__name__)

#: SWF keeps a poll open for up to 60 s, and its API reference asks for a socket timeout of at least
#: 70 s (PollForActivityTask).
POLL_READ_TIMEOUT_SECONDS = 70

#: A client that was passed in cuts polls short if its read timeout is below this, in seconds.
LEAST_POLL_READ_TIMEOUT_SECONDS = 65

#: Answers are small: a call that takes longer than this, in seconds, is tried again.
ANSWER_READ_TIMEOUT_SECONDS = 10
ANSWER_ATTEMPTS = 4

#: Short, because an activity waits for its heartbeat, and its sender tries again; in seconds.
HEARTBEAT_READ_TIMEOUT_SECONDS = 4


def connect(
    layer1: Layer1 | None = None,
    *,
    polls: bool = True,
    calls_at_once: int = 1,
    observers: Observers | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> SWFClient:
    """Return a client of SWF.

    Args:
        layer1: a boto3 ``swf`` client, or any object with its methods, used as it is for polls and
            answers; or a callable that returns one. None makes three clients from the default
            session: for polls, for heartbeats, and for everything else.
        polls: whether polls will be made; without polls one client is enough.
        calls_at_once: how many calls may be made at once, for the size of the connection pools.
        observers: told about each call.
        clock: measures the calls.

    Raises:
        RefusedError: boto3 cannot make a client, because no region is set, for example.
    """
    if callable(layer1) and not hasattr(layer1, "poll_for_activity_task"):
        layer1 = layer1()
    if layer1 is None:
        clients = _own_clients(max(10, calls_at_once + 2), polls=polls)
    else:
        if polls:
            _warn_of_polls(layer1)
        clients = (layer1, layer1)
    return SWFClient(*clients, observers=observers, clock=clock)


def _own_clients(pool: int, *, polls: bool) -> tuple[Layer1, ...]:
    """Make the clients for polls, for everything else, and for heartbeats.

    Args:
        pool: the size of their connection pools.
        polls: if False, one client does everything.
    """
    answers = _boto3_client(
        read_timeout=ANSWER_READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ANSWER_ATTEMPTS},
        max_pool_connections=pool,
    )
    if not polls:
        _take_lean_way(answers)
        return answers, answers
    once = {"mode": "standard", "total_max_attempts": 1}
    heartbeats, poll_client = (
        _boto3_client(read_timeout=seconds, retries=once, max_pool_connections=pool)
        for seconds in (HEARTBEAT_READ_TIMEOUT_SECONDS, POLL_READ_TIMEOUT_SECONDS)
    )
    _take_lean_way(answers, heartbeats, poll_client)
    return poll_client, answers, heartbeats


def _boto3_client(**config: Any) -> Layer1:
    try:
        # This package builds the parameters, from values with known types.
        client: Layer1 = make_client("swf", parameter_validation=False, **config)
    except Exception as error:
        raise translated(error, MAKE_A_CLIENT) from error
    check_endpoint(client.meta.endpoint_url)
    check_bodies(client)
    return client


def _take_lean_way(*clients: Layer1) -> None:
    from .lean.choice import take_lean_way

    take_lean_way(*clients)


#: The clients that were passed in and about which a warning was logged.
_warned_of: weakref.WeakSet[Any] = weakref.WeakSet()


def _warn_of_polls(layer1: Layer1) -> None:
    """Warn once about a client that cuts polls short or repeats them by itself."""
    with contextlib.suppress(TypeError):  # an object without weak references: warn each time
        if layer1 in _warned_of:
            return
        _warned_of.add(layer1)
    config = getattr(getattr(layer1, "meta", None), "config", None)
    if config is None:
        return  # not a botocore client
    problems = []
    read_timeout = getattr(config, "read_timeout", None)
    if isinstance(read_timeout, int | float) and read_timeout < LEAST_POLL_READ_TIMEOUT_SECONDS:
        problems.append(
            f"its read_timeout is {read_timeout:g} s, but SWF keeps a poll open for up to 60 s"
        )
    retries = getattr(config, "retries", None) or {}
    attempts = retries.get("total_max_attempts", retries.get("max_attempts", 2) + 1)
    if attempts > 1:
        problems.append(
            "it repeats a broken poll by itself, but SWF may send a task to the broken one"
        )
    if problems:
        logger.warning(
            "The client passed in may lose tasks: %s. Make it with botocore.config.Config("
            "read_timeout=70, retries={'total_max_attempts': 1}), or pass none.",
            "; ".join(problems),
        )
