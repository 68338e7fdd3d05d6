"""Keeps other instrumentations quiet while the worker itself makes calls.

A worker polls all the time, and most polls bring nothing: the instrumentation of botocore would
make a span of each, in a trace of its own.
"""

from __future__ import annotations

import threading
from typing import Any

from opentelemetry import context
from opentelemetry.context import Context

from ..context import current_or_none

#: By these keys instrumentations know that they are not wanted: in the API, without a public name,
#: and as older instrumentations have it.
_KEYS = (
    getattr(context, "_SUPPRESS_INSTRUMENTATION_KEY", "suppress_instrumentation"),
    getattr(context, "_SUPPRESS_HTTP_INSTRUMENTATION_KEY", "suppress_http_instrumentation"),
    "suppress_instrumentation",
)


class Suppression:
    """Suppresses from one event to another of the same thread; thread-safe."""

    def __init__(self) -> None:
        self._local = threading.local()

    def begin(self) -> None:
        """Suppress until ``end``, unless an activity makes the call itself."""
        inside = current_or_none() is not None
        self._tokens().append(None if inside else context.attach(_suppressed()))

    def end(self) -> None:
        """End what the last ``begin`` of this thread has begun, if anything."""
        tokens = self._tokens()
        token = tokens.pop() if tokens else None
        if token is not None:
            context.detach(token)

    def end_all(self) -> None:
        """End what an interruption has left in this thread."""
        while self._tokens():
            self.end()

    def _tokens(self) -> list[Any]:
        found: list[Any] | None = getattr(self._local, "tokens", None)
        if found is None:
            found = self._local.tokens = []
        return found


def _suppressed() -> Context:
    found = context.get_current()
    for key in _KEYS:
        found = context.set_value(key, True, found)
    return found
