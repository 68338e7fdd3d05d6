"""An HTTP answer, its limits, and the error for a broken one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

#: The limit on the head of an answer, in bytes; ``http.client`` has the same for one line.
MAX_HEAD_BYTES = 65_536

#: The limit on the body of an answer, in bytes. The largest answer is smaller: a page of 1,000
#: events with 32,768 escaped characters each.
MAX_BODY_BYTES = 256 * 1024 * 1024

#: Returns the next bytes of a connection; empty bytes at its end.
Receive = Callable[[], bytes]


class HTTPAnswer(NamedTuple):
    """One HTTP answer.

    Attributes:
        headers: the headers, with their names as sent, each name once.
        reusable: whether the connection may be used for another request.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    reusable: bool


class BrokenAnswerError(Exception):
    """The connection ended within the answer, or the answer cannot be read."""
