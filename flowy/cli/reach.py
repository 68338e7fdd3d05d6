"""How the verbs for people reach SWF: throttles waited out, unknown domains explained.

A worker goes on through trouble for as long as it lives. Whoever types a command waits for a
throttle, and wants to know everything else at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..swf.client import SWFClient, connect
from ..swf.operating import explained

#: How long each call is made again while SWF throttles it, in seconds.
PATIENCE_SECONDS = 60.0


@contextmanager
def swf_of(domain: str) -> Iterator[SWFClient]:
    """Yield a client; let an error of the block say so if SWF does not have the domain.

    Raises:
        SWFError: no client can be made, or a call of the block was refused or did not get through.
    """
    client = connect(polls=False).waiting_out_throttles(PATIENCE_SECONDS)
    with explained(client, domain):
        yield client
