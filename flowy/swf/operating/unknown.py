"""Explains an UnknownResourceFault, if the domain is unknown.

SWF sends the same fault for an unknown domain and an unknown execution. A mistyped domain is
likelier, so the error lists the domains that exist.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager

from ...exception import SWFError, UnknownResourceError
from ..client import SWFClient

#: How many domains an error lists at most.
MAX_DOMAINS_SHOWN = 20


@contextmanager
def explained(client: SWFClient, domain: str) -> Iterator[None]:
    """Replace an UnknownResourceError of the block by one that says so if the domain is unknown.

    Raises:
        UnknownResourceError: the domain is unknown, and the error lists the others, those with a
            similar name first. Or it is the block's own error, because the domain exists or SWF
            does not list domains to this caller.
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
    return f"The domains are: {', '.join(shown[:MAX_DOMAINS_SHOWN])}{rest}."
