"""Chooses between lean connections and botocore's own for the clients that Flowy makes.

Lean connections support neither proxies nor client certificates. A client that needs either uses
botocore's connections for all its calls.
"""

from __future__ import annotations

import functools
import os
import select
from typing import Any

from ....safe_logging import get_logger
from . import signer
from .opening import Opener
from .origin import Origin, origin_of
from .pool import ConnectionPool
from .session import LeanSession, can_replace
from .tls import tls_context

logger = get_logger(__name__)

#: The environment variable, and its value, that force botocore's own connections.
SETTING = "FLOWY_HTTP"
BOTOCORE = "botocore"


def take_lean_way(*clients: Any) -> None:
    """Let boto3 clients of one endpoint share lean connections, unless a client cannot use them.

    If they cannot, the reason is logged.
    """
    setting = os.environ.get(SETTING, "")
    if setting not in ("", BOTOCORE):
        logger.warning(
            "%s is %r, which is ignored: set it to %s, or leave it out.", SETTING, setting, BOTOCORE
        )
    reason = next(filter(None, map(reason_against, clients)), None)
    if reason is not None:
        logger.info("Calls to SWF go through botocore's own HTTP connections, because %s.", reason)
        return
    pools: dict[tuple[Origin, Any], ConnectionPool] = {}
    for client in clients:
        origin = origin_of(client.meta.endpoint_url)
        assert origin is not None  # otherwise there is a reason against it
        endpoint, config = client._endpoint, client.meta.config
        verify = endpoint.http_session._verify
        pool = pools.get((origin, verify))
        if pool is None:
            opener = Opener(
                origin,
                connect_timeout=config.connect_timeout,
                keep_alive=config.tcp_keepalive,
                context=functools.partial(tls_context, verify),
            )
            opener.prepare()
            pool = pools[origin, verify] = ConnectionPool(opener.open, config.max_pool_connections)
        endpoint.http_session = LeanSession(
            endpoint.http_session, pool, origin, config.read_timeout
        )
        signer.plug_in(client.meta.events)
    logger.debug("Calls to SWF go through Flowy's own HTTP connections.")


def reason_against(client: Any) -> str | None:
    """Return why a client must use botocore's connections, as the end of a sentence, or None."""
    if os.environ.get(SETTING) == BOTOCORE:
        return f"{SETTING} is {BOTOCORE}"
    if not _is_as_tested(client):
        from botocore import __version__

        return f"botocore {__version__} is not built like those that were tested"
    if not hasattr(select, "poll"):
        return "this system has no poll()"
    config, url = client.meta.config, client.meta.endpoint_url
    origin = origin_of(url)
    if origin is None:
        return "the endpoint is not just a host that speaks http or https"
    if config.client_cert:
        return "a client certificate is configured"
    if config.proxies_config:
        return "proxies_config is set"
    from botocore.utils import get_environ_proxies

    proxies = get_environ_proxies(url) if config.proxies is None else config.proxies
    if proxies.get(origin.scheme):
        return "a proxy applies to the endpoint"
    return None


def _is_as_tested(client: Any) -> bool:
    """Return whether the parts of botocore that this package uses are there and work as tested."""
    from botocore import endpoint, httpsession, utils

    try:
        session = client._endpoint.http_session
        return (
            type(client._endpoint) is endpoint.Endpoint
            and type(session) is httpsession.URLLib3Session
            and hasattr(session, "_verify")
            and callable(httpsession.create_urllib3_context)
            and callable(httpsession.get_cert_path)
            and callable(utils.get_environ_proxies)
            and can_replace(session)
            and signer.is_as_tested()
        )
    except (AttributeError, ImportError, TypeError):  # a part is missing, or is called differently
        return False
