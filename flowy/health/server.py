"""The HTTP server that shows the health of a worker to probes, Prometheus, and operators.

It listens on loopback unless told otherwise. Requests cannot change anything.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..concurrency.forks import around_forks
from ..exception import HealthError
from ..loopback.address import UnixAddress
from ..loopback.server import LoopbackHandler, LoopbackServer
from ..safe_logging import get_logger
from .options import HealthOptions, listening
from .vitals import Watched, full_status

logger = get_logger(__name__)

#: How long a client may take to send its request, in seconds.
REQUEST_SECONDS = 10.0

#: How many connections are served at once; a further one closes the oldest.
MAX_CONNECTIONS = 32

#: The module whose observers count for Prometheus.
PROMETHEUS = "flowy.metrics.prometheus"

_TEXT = "text/plain; charset=utf-8"

Answer = tuple[int, bytes, str]


class HealthServer(LoopbackServer):
    """Serves the health of one worker.

    Args:
        options: where to listen, and the limits for a live worker.
        watched: the worker.

    Raises:
        HealthError: the server cannot listen on the address.
    """

    subject = "The health server"
    name = "flowy-health-http"

    def __init__(self, options: HealthOptions, watched: Watched) -> None:
        assert options.http is not None
        address, port = listening(options.http)
        try:
            super().__init__(address, port, _Probe)
        except OSError as error:
            raise HealthError(
                f"Cannot serve the health on {options.http}: {error.strerror or error}. "
                "Give another address."
            ) from error
        self.options = options
        self.watched = watched

    @property
    def url(self) -> str:
        """The URL by which programs on this machine reach the server."""
        return self.address.url(self.port)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection, and close the oldest one if there are too many.

        A probe takes milliseconds. Clients that are slow, or say nothing, must not keep it away: a
        worker whose probe fails is restarted.
        """
        if len(self._connections) >= MAX_CONNECTIONS:
            self.cut_oldest()
        super().process_request(request, client_address)


@contextmanager
def serving(options: HealthOptions, watched: Watched) -> Iterator[HealthServer]:
    """Serve the health of a worker while the block runs.

    Raises:
        HealthError: the server cannot listen on the address.
    """
    server = HealthServer(options, watched)

    def nothing() -> None:
        """Do nothing in the process that forks."""

    # Otherwise a forked child would keep the port open after the worker has ended.
    with around_forks(nothing, nothing, server.socket.close):
        server.start()
        logger.info("Health is served on %s.", server.url)
        try:
            yield server
        finally:
            server.stop()
            if isinstance(server.address, UnixAddress):
                Path(server.address.path).unlink(missing_ok=True)


class _Probe(LoopbackHandler):
    """One connection, for one request."""

    server: HealthServer
    timeout = REQUEST_SECONDS

    def do_GET(self) -> None:  # noqa: N802 - http.server's name
        """Answer a probe, a look at the status, or a scrape."""
        self.close_connection = True
        answer = _ANSWERS.get(self.path.partition("?")[0])
        if answer is None:
            paths = ", ".join(_ANSWERS)
            self.send_error(404, f"This server has {paths}.")
            return
        self.send(*answer(self.server), Cache_Control="no-store", X_Content_Type_Options="nosniff")

    do_HEAD = do_GET  # noqa: N815

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse a request, in one line of text."""
        self.close_connection = True
        self.send(int(code), f"{message}\n".encode(), _TEXT)


def _live(server: HealthServer) -> Answer:
    return _probe("live", server.watched.vitals(server.options).not_live)


def _ready(server: HealthServer) -> Answer:
    return _probe("ready", server.watched.vitals(server.options).not_ready)


def _probe(what: str, problems: tuple[str, ...]) -> Answer:
    text = f"not {what}: {'; '.join(problems)}" if problems else what
    return 503 if problems else 200, f"{text}\n".encode(), _TEXT


def _status(server: HealthServer) -> Answer:
    status = full_status(server.watched, server.options)
    return 200, f"{json.dumps(status)}\n".encode(), "application/json"


def _metrics(server: HealthServer) -> Answer:
    # If an observer is configured, its module has been imported.
    module = sys.modules.get(PROMETHEUS)
    if module is None:
        text = (
            "No Prometheus observer is configured: start the worker with "
            "--observer flowy.metrics.prometheus:OBSERVER.\n"
        )
        return 404, text.encode(), _TEXT
    body, content_type = module.render()
    return 200, body, content_type


_ANSWERS: dict[str, Callable[[HealthServer], Answer]] = {
    "/live": _live,
    "/ready": _ready,
    "/status": _status,
    "/metrics": _metrics,
}
