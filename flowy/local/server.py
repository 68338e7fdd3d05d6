"""LocalSWF: starts and stops a local SWF and tells programs how to reach it."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..exception import LocalSWFError
from ..loopback.address import Address
from .clients import Clients, environment
from .clock import Clock
from .endpoint import Endpoint
from .fault_injection import Faults
from .moto_loader import load_service
from .page import Page
from .quotas import Quotas
from .state_file import close_service, open_service
from .throttle import Throttle
from .wire_faults import THROTTLED, Answer

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from .model.service import LocalService

logger = logging.getLogger(__name__)

_EXPOSED = (
    "The local SWF listens on %s: everybody who can reach this address can read and change all of "
    "its data, without a password or encryption. Use it only in a network that you trust."
)


class LocalSWF:
    """An SWF on this machine: an emulator for laptops and tests, not to be deployed.

    It speaks SWF's protocol over HTTP, on 127.0.0.1 by default. Its state is in memory or in a
    file, separate from every other LocalSWF and from moto's ``mock_aws()``. After stop() and
    start(), it has the same port and the same state. Its timeouts keep running meanwhile.

    Args:
        port: the port to listen on, 1 to 65535; 0 takes a free one.
        domain: a domain to register before the first request; None registers none.
        poll_seconds: how long a poll stays open if there is no task, in seconds; 0 or more. SWF
            itself keeps polls open for 60.
        state: a file for the state, created if it is missing. Everything that was confirmed to a
            client survives a restart and a kill. None keeps the state in memory.
        throttle: True throttles actions, decisions, executions and task lists as AWS does
            (``flowy.local.quotas``). A mapping throttles the actions and decisions that it names:
            each has the size of a bucket, and the calls that it regains per second.
        quotas: the limits of what the local SWF keeps; by default AWS's quotas.
        lose_to_gone_pollers: True also sends tasks to pollers that have hung up, as SWF does.
        page_port: the port of a web page that shows the state, 1 to 65535; 0 takes a free one. None
            serves no page.
        host: the IP address to listen on. If it is not a loopback address, anyone who can reach it
            can do anything: use it only for containers on this machine, in a network that you
            trust. Each start logs a warning.
        allowed_hosts: the names that programs may use for this machine, without ports, such as
            ``["host.docker.internal"]``; needed if ``host`` is not a loopback address.

    Attributes:
        clock: SWF's clock, a ``flowy.local.Clock``, which can be held, turned and set.
        faults: adds faults, as ``flowy.local.Faults``.

    Raises:
        ValueError: a port, a time or a bucket is out of range, or ``host`` needs allowed_hosts.

    Example::

        with LocalSWF() as swf:
            swf.client().list_domains(registrationStatus="REGISTERED")
    """

    #: The region of every local SWF.
    region = "us-east-1"

    def __init__(
        self,
        port: int = 0,
        *,
        domain: str | None = "local",
        poll_seconds: float = 60.0,
        state: str | os.PathLike[str] | None = None,
        throttle: bool | Mapping[str, tuple[float, float]] = False,
        quotas: Quotas | None = None,
        lose_to_gone_pollers: bool = False,
        page_port: int | None = None,
        host: str = "127.0.0.1",
        allowed_hosts: Iterable[str] = (),
    ) -> None:
        for name, number in (("port", port), ("page_port", page_port or 0)):
            if not 0 <= number <= 65535:
                raise ValueError(f"Cannot use {name}={number}: give 0 to 65535.")
        if not poll_seconds >= 0:
            raise ValueError(f"Cannot use poll_seconds={poll_seconds}: give 0 or more.")
        self._domain = domain
        self._port = port
        self._address = Address(host, allowed_hosts)
        self.clock = Clock()
        self.faults = Faults()
        self._throttle = Throttle(throttle, self.clock)
        self._poll_seconds = poll_seconds
        self._state = None if state is None else Path(state)
        self._quotas = quotas or Quotas()
        self._lose_to_gone_pollers = lose_to_gone_pollers
        self._lock = threading.Lock()
        self._service: LocalService | None = None
        self._endpoint: Endpoint | None = None
        self._page_port = page_port
        self._page: Page | None = None
        self._clients = Clients(self.region)

    def __enter__(self) -> LocalSWF:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = f"at {self.endpoint_url}" if self._endpoint else "stopped"
        return f"<LocalSWF {state}>"

    def start(self) -> None:
        """Serve in its own threads; do nothing if it already serves.

        Raises:
            LocalSWFError: moto is missing or was not tested, a port is in use, or the state cannot
                be read or kept.
        """
        with self._lock:
            if self._endpoint is not None:
                return
            if not self._address.loopback:
                logger.warning(_EXPOSED, self._address.host)
            if self._service is None:
                self._service = self._load()
            endpoint, page = self._listen(self._service)
            self._port = endpoint.port
            self._service.open()
            endpoint.start()
            self._endpoint = endpoint
            if page is not None:
                self._page_port = page.port
                page.start()
                self._page = page

    def _listen(self, service: LocalService) -> tuple[Endpoint, Page | None]:
        endpoint, port = None, self._port
        try:
            endpoint = Endpoint(self._address, port, self._answer)
            if self._page_port is None:
                return endpoint, None
            port = self._page_port
            return endpoint, Page(self._address, port, service.page_data, self._act)
        except OSError as error:
            if endpoint is not None:
                endpoint.server_close()
            self._release_state()
            raise LocalSWFError(
                f"Cannot start the local SWF: port {port} of {self._address.host} is not "
                f"available ({error.strerror}). Stop the program that uses it, or pass port 0 for "
                "a free one."
            ) from error

    def _load(self) -> LocalService:
        service_class, settings_class = load_service()
        settings = settings_class(
            region=self.region,
            poll_seconds=self._poll_seconds,
            lose_to_gone_pollers=self._lose_to_gone_pollers,
            quotas=self._quotas,
            throttle=self._throttle,
            state=self._state,
        )
        return open_service(lambda: service_class(settings, self.clock), self._domain, self._state)

    def _release_state(self) -> None:
        if self._state is not None and self._service is not None:
            # Another process may use the file next, so start() must read it again.
            close_service(self._service, self._state)
            self._service = None

    def _answer(self, action: str, body: bytes, gone: Callable[[], bool]) -> Answer | None:
        """Answer a request, subject to throttle and faults; None closes the connection."""
        assert self._service is not None
        if not self._throttle.admits(action):
            return THROTTLED
        goes_on, refusal = self.faults.before(action)
        if not goes_on:
            return refusal
        answer = self._service.answer(action, body, gone)
        return None if self.faults.drops(action, answer[1]) else answer

    def _act(self, action: str, parameters: Mapping[str, str]) -> Answer:
        """Carry out the action of a button on the page, without throttle and faults."""
        assert self._service is not None
        return self._service.answer(action, json.dumps(parameters).encode(), lambda: False)

    def stop(self) -> None:
        """Answer the open polls without a task, and close the port; do nothing if it is stopped.

        The state is kept for the next ``start``.
        """
        with self._lock:
            if self._endpoint is None:
                return
            assert self._service is not None
            self._service.close()
            self._endpoint.stop()
            self._endpoint = None
            if self._page is not None:
                self._page.stop()
                self._page = None
            self._release_state()

    def release_polls(self) -> None:
        """Answer the open polls without a task, so that a stopping worker need not wait for them.

        Later polls wait again. If the local SWF is stopped, do nothing.
        """
        with self._lock:
            if self._service is not None:
                self._service.release_polls()

    @property
    def domain(self) -> str:
        """The domain that it registered before the first request; LocalSWFError without one."""
        if self._domain is None:
            raise LocalSWFError(
                "Cannot tell the domain of this local SWF: it was made with domain=None. Use the "
                "name of a domain that you registered."
            )
        return self._domain

    @property
    def endpoint_url(self) -> str:
        """The URL it listens on, such as ``http://127.0.0.1:34567``.

        Raises:
            LocalSWFError: the port is 0 and start() was not called yet.
        """
        if not self._port:
            raise LocalSWFError(
                "Cannot tell the endpoint of this local SWF: it takes a free port when it starts. "
                "Call start(), or use it in a with statement."
            )
        return self._address.url(self._port)

    @property
    def page_url(self) -> str:
        """The URL of the page, such as ``http://127.0.0.1:45678/``.

        Raises:
            LocalSWFError: it has no page, or its port is 0 and start() was not called yet.
        """
        if not self._page_port:
            raise LocalSWFError(
                "Cannot tell the page of this local SWF: it has none, or takes a free port when "
                "it starts. Make it with LocalSWF(page_port=0), and call start()."
            )
        return f"{self._address.url(self._page_port)}/"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that make boto3 in another process use this SWF."""
        return environment(self.endpoint_url, self.region)

    def client(self, **config: Any) -> SWFClient:
        """Make a boto3 ``swf`` client for it, which ignores the user's AWS settings.

        Args:
            config: settings of ``botocore.config.Config`` that replace the defaults: a read
                timeout of 70 s, one attempt, 50 connections, no proxies.
        """
        return self._clients.make(self.endpoint_url, **config)

    def register_domain(self, name: str) -> None:
        """Register another domain; do nothing if it is registered already.

        Args:
            name: 1 to 256 characters.

        Raises:
            LocalSWFError: start() was not called yet, or SWF refuses the name.
        """
        if self._service is None:
            raise LocalSWFError(
                f"Cannot register the domain {name!r}: the local SWF was not started. Call "
                "start() first."
            )
        self._service.register_domain(name)
