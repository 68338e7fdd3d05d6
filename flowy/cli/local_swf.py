"""The local SWF of a command: how to reach it, how to find one that runs, how to start one.

boto3 finds an SWF by environment variables. They are printed for other shells, given to a command,
or set in this process.
"""

from __future__ import annotations

import logging
import os
import shlex
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from typing import TextIO
from urllib.parse import urlsplit
from urllib.request import getproxies

from ..exception import AlreadyExistsError, RefusedError
from ..local import LocalSWF
from ..local.clients import environment
from ..local.running import announced, running
from ..loopback.address import Address
from ..swf.client import connect
from ..swf.client.error_texts import on_loopback
from .terminal import say
from .waiting import waiting

logger = logging.getLogger(__name__)

#: How long a local SWF holds a poll, in seconds. SWF's own holds it for 60, and whoever stops a
#: worker waits for its polls.
POLL_SECONDS = 2.0

#: The domain if none is given.
DOMAIN = "local"

#: How long closed executions are kept in a domain that is registered: SWF's longest time.
RETENTION_DAYS = 90

#: How long to wait for a local SWF to take a connection, in seconds.
_CONNECT_SECONDS = 2.0

#: Variables by which boto3 is led to an endpoint, the one that counts first.
_ENDPOINTS = ("AWS_ENDPOINT_URL_SWF", "AWS_ENDPOINT_URL")

#: Variables that would lead boto3 past the endpoint, or send a real session's token to it.
_DROPPED = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_SESSION_TOKEN")


def settings(url: str) -> dict[str, str]:
    """Return the environment variables that lead boto3 to a local SWF, past any proxy."""
    return {**environment(url, LocalSWF.region), **_past_proxies()}


def environment_for(url: str, domain: str) -> dict[str, str]:
    """Return all environment variables for a command that is to use a local SWF.

    Args:
        url: its endpoint.
        domain: what ``FLOWY_DOMAIN`` is set to.
    """
    mine = {name: value for name, value in os.environ.items() if name not in _DROPPED}
    return {**mine, "FLOWY_DOMAIN": domain, **settings(url)}


def print_settings(url: str, file: TextIO | None = None) -> None:
    """Print the variables so that a shell can evaluate them, on standard output by default."""
    for name, value in settings(url).items():
        print(f"export {name}={shlex.quote(value)}", file=file)
    (file or sys.stdout).flush()


def next_port(host: str, port: int) -> int:
    """Return the port after *port* if it is free, else 0: the page's port stays the same then.

    Args:
        host: where to listen; not an address counts as not free.
        port: 0 for a free one.
    """
    if not 0 < port < 65535:
        return 0
    with suppress(ValueError, OSError):
        address = Address(host, [host])
        with closing(socket.socket(address.family)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address.host, port + 1))
            return port + 1
    logger.warning("Port %d is not free: the page has another one.", port + 1)
    return 0


@contextmanager
def led_to_local_swf(domain: str) -> Iterator[None]:
    """Lead this process to a local SWF that has a domain, while the block runs.

    It is the one that the environment leads to, or the one of this user that runs, or one that
    runs only as long as the block. Standard error says which, with the lines for other shells.

    Args:
        domain: registered if the local SWF does not have it.

    Raises:
        RefusedError: several run.
        LocalSWFError: none can be started.
    """
    if (url := _found()) is not None:
        say(f"Using the local SWF that runs at {url}. Domain: {domain}.")
        with _led_to(url):
            with suppress(AlreadyExistsError):
                connect(polls=False).register_domain(domain, RETENTION_DAYS)
            yield
        return
    swf = LocalSWF(domain=domain, poll_seconds=POLL_SECONDS, page_port=0)
    with started(swf), announced(swf.endpoint_url), _led_to(swf.endpoint_url):
        say(f"Started an SWF that ends with this worker. Domain: {domain}.")
        say(f"Its web page: {swf.page_url}")
        say("Paste these lines into the shell of your program:")
        print_settings(swf.endpoint_url, sys.stderr)
        yield


@contextmanager
def _led_to(url: str) -> Iterator[None]:
    wanted: Mapping[str, str | None] = {**dict.fromkeys(_DROPPED), **settings(url)}
    before = {name: os.environ.get(name) for name in wanted}
    _set_variables(wanted)
    try:
        yield
    finally:
        _set_variables(before)


def _set_variables(values: Mapping[str, str | None]) -> None:
    """Set environment variables; None takes one away."""
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@contextmanager
def started(swf: LocalSWF) -> Iterator[LocalSWF]:
    """Start a local SWF, which may have a long state to read, and stop it after the block."""
    with waiting("Starting an SWF"):
        swf.start()
    with swf:
        yield swf


def _found() -> str | None:
    """Return the endpoint of the local SWF that runs; None if none does."""
    for url in filter(None, map(os.environ.get, _ENDPOINTS)):
        if on_loopback(url) and _answers(url):
            return url
    found = sorted(filter(_answers, running()))
    if len(found) > 1:
        raise RefusedError(
            f"Cannot tell which local SWF: {len(found)} run, at {', '.join(found)}. Set "
            "AWS_ENDPOINT_URL_SWF to one of them.",
            fault="SeveralLocalSWFs",
        )
    return found[0] if found else None


def _answers(url: str) -> bool:
    with suppress(ValueError, OSError):
        place = urlsplit(url)
        where = (place.hostname or "", place.port or 80)
        socket.create_connection(where, timeout=_CONNECT_SECONDS).close()
        return True
    return False


def _past_proxies() -> dict[str, str]:
    """Return settings that avoid proxies, which cannot reach this machine's loopback."""
    if not getproxies():
        return {}
    past = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    value = ",".join(filter(None, [past, "127.0.0.1"]))
    return {"NO_PROXY": value, "no_proxy": value}
