"""The trace id of an execution, which everybody who knows its run id can compute.

SWF passes no headers from a decider to a worker, and whatever is added to an input must be known to
both. But each task comes with the run id of its execution, which SWF has made up and never repeats.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ..context import current_or_none

#: How many bytes a trace id has.
_BYTES = 16

_run_id: ContextVar[str] = ContextVar("flowy_otel_run_id")


def trace_id_of(run_id: str) -> int:
    """Return the trace id of an execution, as ``RunIdGenerator`` makes it.

    It is the beginning of the SHA-256 hash of the run id. A backend shows it as
    ``f"{trace_id_of(run_id):032x}"``.
    """
    found = int.from_bytes(hashlib.sha256(run_id.encode()).digest()[:_BYTES], "big")
    return found or 1  # OpenTelemetry does not take 0


@contextmanager
def in_trace_of(run_id: str) -> Iterator[None]:
    """Put spans that start in the block without a parent into the trace of an execution.

    Use it in deciders, and in other code that works for an execution. The provider must have a
    ``RunIdGenerator``. Activities do not need the block.
    """
    mark = _run_id.set(run_id)
    try:
        yield
    finally:
        _run_id.reset(mark)


def run_id_here() -> str | None:
    """Return the run id of the block, or of the activity, that runs here; None outside both."""
    run_id = _run_id.get(None)
    if run_id is None:
        info = current_or_none()
        return None if info is None else info.run_id
    return run_id
