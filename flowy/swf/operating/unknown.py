"""What SWF does not know, and what it knows instead.

SWF answers UnknownResourceFault alike for a domain and for an execution that it does not have. A
mistyped domain is the likelier one, so the error lists those that there are.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager

from ...exception import SWFError, UnknownResourceError
from ..client import SWFClient

#: Domains that an error lists, at most.
MAX_DOMAINS_SHOWN = 20


@contextmanager
def explained(client: SWFClient, domain: str) -> Iterator[None]:
    """Let an UnknownResourceError of the block say that the domain is unknown, if it is.

    Raises:
        UnknownResourceError: the error lists the domains, those of a similar name first; or it is
            the block's own, because the domain is there or SWF does not list domains to this
            caller.
    """
    try:
        yield
    except UnknownResourceError as error:
        try:
            domains = list(client.list_domains())
        except SWFError:
            raise error from None
        if domain in domains:
            raise
        raise UnknownResourceError(
            f"Cannot find the domain {domain!r}.{client.place} {_there_are(domains, domain)}",
            fault=error.fault,
        ) from error


def _there_are(domains: list[str], wanted: str) -> str:
    if not domains:
        return "It has no domains. Check the region and the account."
    near = difflib.get_close_matches(wanted, domains, n=len(domains))
    shown = [*near, *(each for each in domains if each not in near)]
    more = len(shown) - MAX_DOMAINS_SHOWN
    rest = f", and {more:,} more" if more > 0 else ""
    return f"The domains there are: {', '.join(shown[:MAX_DOMAINS_SHOWN])}{rest}."
