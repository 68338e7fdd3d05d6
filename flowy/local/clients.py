"""How programs reach a local SWF: boto3 clients and environment variables."""

from __future__ import annotations

import functools
import os
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import botocore.session
    from mypy_boto3_swf import SWFClient

#: boto3 needs credentials to sign requests; the local SWF does not check them.
_ACCESS_KEY_ID = "flowy-local"
_SECRET_ACCESS_KEY = "flowy-local"

#: Read timeout, in seconds: SWF keeps a poll open for up to 60 s and asks for at least 70.
_READ_TIMEOUT_SECONDS = 70

#: Connections that a client keeps open; botocore's default of 10 slows tests with many threads.
_CONNECTIONS = 50


def environment(endpoint_url: str, region: str) -> dict[str, str]:
    """Return the environment variables that make boto3 use the local SWF at *endpoint_url*."""
    return {
        "AWS_ENDPOINT_URL_SWF": endpoint_url,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": _ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": _SECRET_ACCESS_KEY,
    }


#: Guards the shared botocore session, which is not thread-safe.
_SESSION_LOCK = threading.Lock()


class Clients:
    """Makes boto3 ``swf`` clients that ignore the user's AWS settings.

    Args:
        region: the region of every client.
    """

    def __init__(self, region: str) -> None:
        self._region = region

    def make(self, endpoint_url: str, **config: Any) -> SWFClient:
        """Make a client of the local SWF at *endpoint_url*.

        Args:
            endpoint_url: where the local SWF listens.
            config: settings of ``botocore.config.Config`` that replace the defaults.
        """
        import boto3
        from botocore.config import Config

        settings: dict[str, Any] = {
            "read_timeout": _READ_TIMEOUT_SECONDS,
            "retries": {"mode": "standard", "total_max_attempts": 1},
            "max_pool_connections": _CONNECTIONS,
            "proxies": {},
            **config,
        }
        with _SESSION_LOCK:
            session = boto3.session.Session(botocore_session=_session_without_settings())
            client: SWFClient = session.client(
                "swf",
                endpoint_url=endpoint_url,
                region_name=self._region,
                aws_access_key_id=_ACCESS_KEY_ID,
                aws_secret_access_key=_SECRET_ACCESS_KEY,
                config=Config(**settings),
            )
        return client


@functools.cache
def _session_without_settings() -> botocore.session.Session:
    """Return a session that reads no AWS profile and no settings file.

    Its first client reads a megabyte of JSON, so all local SWFs of a process share it.
    """
    import botocore.session

    nothing = (None, None, None, None)
    no_file = (None, None, os.devnull, None)
    return botocore.session.Session(
        session_vars={"profile": nothing, "config_file": no_file, "credentials_file": no_file}
    )
