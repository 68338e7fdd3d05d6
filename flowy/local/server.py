"""LocalSWF: start, stop, and the ways to call it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from flowy.exception import LocalSWFError
from flowy.local.clients import Clients, environment
from flowy.local.clock import Clock
from flowy.local.endpoint import Endpoint
from flowy.local.extra import load_service
from flowy.local.faults import Faults, throttled
from flowy.local.loopback import ADDRESS
from flowy.local.page import Page
from flowy.local.quotas import Quotas
from flowy.local.throttle import Throttle

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from flowy.local.model.service import Answer, LocalService


class LocalSWF:
    """An SWF on this machine, for laptops and tests; an emulator, never an engine.

    It speaks SWF's HTTP on 127.0.0.1 and keeps its state in memory, or in a file, apart
    from every other LocalSWF and from moto's ``mock_aws()``.  Stopped and started again it
    has the same port and the same state, and its clocks have run on meanwhile.

    Args:
        port: the port to listen on, 1 to 65535; 0 takes a free one.
        domain: a domain that is registered before the first request.
        poll_seconds: how long a poll is held where there is no task, in seconds, 0 or
            more; SWF's own is 60.
        state: a file that keeps the state, made where there is none: all that a client
            was told of survives a restart, a kill too.  None keeps it in memory.
        throttle: True throttles each action, decision, execution and task list as AWS
            does (``flowy.local.quotas``); a mapping throttles the actions, and the
            decisions ScheduleActivityTask and StartTimer, that it names: to how many
            a bucket holds, and how many drip in again a second.
        quotas: how much of everything there may be; the default is AWS's.
        lose_to_gone_pollers: True hands tasks to pollers that have hung up, as SWF does;
            by default they get none.
        page_port: the port of a web page that shows what goes on, 1 to 65535; 0 takes a
            free one, None shows no page.

    Attributes:
        clock: SWF's clock, to be held and turned (:class:`flowy.local.Clock`).
        faults: to ask for faults (:class:`flowy.local.Faults`).

    Raises:
        ValueError: a port, a time or a bucket out of range.
        LocalSWFError: at the start: moto is missing or was not tested, the port is in
            use, or the state can't be read or kept.

    Example::

        with LocalSWF() as swf:
            swf.client().list_domains(registrationStatus="REGISTERED")
    """

    #: The region to name; one local SWF is one region.
    region = "us-east-1"

    def __init__(
        self,
        port: int = 0,
        *,
        domain: str = "local",
        poll_seconds: float = 60.0,
        state: str | os.PathLike[str] | None = None,
        throttle: bool | Mapping[str, tuple[float, float]] = False,
        quotas: Quotas | None = None,
        lose_to_gone_pollers: bool = False,
        page_port: int | None = None,
    ) -> None:
        for name, number in (("port", port), ("page_port", page_port or 0)):
            if not 0 <= number <= 65535:
                raise ValueError(f"{name} must be 0 to 65535, not {number}")
        if not poll_seconds >= 0:
            raise ValueError(f"poll_seconds must be 0 or more, not {poll_seconds}")
        self.domain = domain
        self._port = port
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

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = f"at {self.endpoint_url}" if self._endpoint else "stopped"
        return f"<LocalSWF {state}>"

    def start(self) -> None:
        """Serve, on threads of its own; does nothing where it serves already.

        Raises:
            LocalSWFError: moto is missing or was not tested, or the port is in use.
        """
        with self._lock:
            if self._endpoint is not None:
                return
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
            endpoint = Endpoint(port, self._answer)
            if self._page_port is None:
                return endpoint, None
            port = self._page_port
            return endpoint, Page(port, service.look_at)
        except OSError as error:
            if endpoint is not None:
                endpoint.server_close()
            self._let_go()
            raise LocalSWFError(
                f"Cannot start the local SWF: port {port} of {ADDRESS} cannot be had "
                f"({error.strerror}). Stop what uses it, or take port 0 for a free one."
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
        service = service_class(settings, self.clock)
        try:
            service.register_domain(self.domain)
        except LocalSWFError:
            service.let_go()
            raise
        return service

    def _let_go(self) -> None:
        if self._state is not None and self._service is not None:
            # The file has it all, and may be another process's next.
            self._service.let_go()
            self._service = None

    def _answer(self, action: str, body: bytes, gone: Callable[[], bool]) -> Answer | None:
        """What SWF answers, and what becomes of it on the way; None breaks the connection."""
        assert self._service is not None
        if not self._throttle.admits(action):
            return throttled()
        goes_on, refusal = self.faults.before(action)
        if not goes_on:
            return refusal
        answer = self._service.answer(action, body, gone)
        return None if self.faults.drops(action, answer[1]) else answer

    def stop(self) -> None:
        """Answer the polls that are held, with nothing, and close the port.

        Does nothing where it is stopped already.  The state stays: see :meth:`start`.
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
            self._let_go()

    def release_polls(self) -> None:
        """Answer the polls that are held, with nothing, so that a worker's stop waits for none.

        Later polls are held as ever.  Does nothing where it is stopped.
        """
        with self._lock:
            if self._service is not None:
                self._service.release_polls()

    @property
    def endpoint_url(self) -> str:
        """Where it listens, as in ``http://127.0.0.1:34567``.

        Raises:
            LocalSWFError: it takes a free port, and was not started yet.
        """
        if not self._port:
            raise LocalSWFError(
                "Cannot tell the endpoint of a local SWF that was not started. "
                "Call start(), or use it in a with statement."
            )
        return f"http://{ADDRESS}:{self._port}"

    @property
    def page_url(self) -> str:
        """Where the page is that shows what goes on, as in ``http://127.0.0.1:45678/``.

        Raises:
            LocalSWFError: it has no page, or takes a free port and was not started yet.
        """
        if not self._page_port:
            raise LocalSWFError(
                "Cannot tell the page of this local SWF: it shows one when it was made with "
                "page_port, as in LocalSWF(page_port=0), and was started."
            )
        return f"http://{ADDRESS}:{self._page_port}/"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that lead a process's boto3 here."""
        return environment(self.endpoint_url, self.region)

    def client(self, **config: Any) -> SWFClient:
        """A boto3 ``swf`` client for it, which reads none of the user's AWS settings.

        Args:
            config: overrides what stands in its ``botocore.config.Config``: a read
                timeout of 70 s, one attempt, 50 connections, no proxies.
        """
        return self._clients.make(self.endpoint_url, **config)

    def register_domain(self, name: str) -> None:
        """Register one more domain; does nothing where it is registered already.

        Args:
            name: 1 to 256 characters.

        Raises:
            LocalSWFError: it was not started yet, or SWF takes no such name.
        """
        if self._service is None:
            raise LocalSWFError(
                f"Cannot register the domain {name!r}: the local SWF was not started yet."
            )
        self._service.register_domain(name)
