"""One HTTP answer, and what may be wrong with one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

#: The longest head that is read, in bytes; that of ``http.client`` for one line.
MAX_HEAD_BYTES = 65_536

#: The longest body that is read, in bytes: a page of 1,000 events, each with 32,768 characters that
#: are all escaped, has less.
MAX_BODY_BYTES = 256 * 1024 * 1024

#: Returns the next bytes of a connection; none at its end.
Receive = Callable[[], bytes]


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        headers: names as they were sent, each once.
        reusable: whether the connection may be used for another request.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    reusable: bool


class BrokenAnswerError(Exception):
    """The connection ended within the answer, or this is no answer that can be read."""
