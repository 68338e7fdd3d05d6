"""A limit on threads, as containers have one: RLIMIT_NPROC does not bind root."""

from __future__ import annotations

import threading

_start = threading.Thread.start
_lock = threading.Lock()
_most: int | None = None


def limit_threads(most: int | None) -> None:
    """Let no more than *most* threads run beside the main one; None for no limit."""
    global _most
    _most = most
    threading.Thread.start = _start_within_limit  # type: ignore[method-assign, assignment]


def _start_within_limit(thread: threading.Thread) -> None:
    with _lock:
        if _most is not None and threading.active_count() - 1 >= _most:
            raise RuntimeError("can't start new thread")
        _start(thread)
