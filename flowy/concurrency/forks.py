"""Keep a process that an activity forks from going on as a second worker.

``os.fork``, and ``multiprocessing`` with its default start method up to Python 3.13, copy the
process with its connections, tokens and signal handlers. The child must not answer the parent's
task, stop the worker, or return from ``run``.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator

#: The file descriptor of standard error.
_STDERR = 2

#: How long a forked child may take to write what it has printed, in seconds. If another thread of
#: the parent was writing at the fork, the child has a copy of that thread's lock, held for ever.
_FLUSH_SECONDS = 1.0

#: The hooks that run before a fork, and after it in the parent and in the child.
_before: list[Callable[[], None]] = []
_in_parent: list[Callable[[], None]] = []
_in_child: list[Callable[[], None]] = []
_registered = False


class ProcessGuard:
    """Remembers the process that made it, and detects a forked child of that process."""

    def __init__(self) -> None:
        self._pid = os.getpid()

    @property
    def is_forked(self) -> bool:
        """Whether this process is a forked child of the one that made the guard."""
        return os.getpid() != self._pid

    def end_child(self, error: BaseException | None = None) -> None:
        """End this process if it is a forked child, without the exit hooks of its parent.

        Args:
            error: the exception that ended the child. A SystemExit sets the exit code. Any other
                exception makes it 1, and a line on standard error names its class. None makes it 0.
        """
        if not self.is_forked:
            return
        code = 0
        with contextlib.suppress(BaseException):
            if issubclass(type(error), SystemExit):
                given = getattr(error, "code", None)
                code = given if isinstance(given, int) else int(given is not None)
            elif error is not None:
                code = 1
                text = f"flowy: a forked child of an activity ended in {type(error).__name__}\n"
                os.write(_STDERR, text.encode())
        with contextlib.suppress(BaseException):
            flusher = threading.Thread(target=_flush, daemon=True)
            flusher.start()
            flusher.join(_FLUSH_SECONDS)
        os._exit(code & 0xFF)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):
            stream.flush()


@contextlib.contextmanager
def around_forks(
    before: Callable[[], None], in_parent: Callable[[], None], in_child: Callable[[], None]
) -> Iterator[None]:
    """Call these around each fork of this process while the block runs.

    Of nested blocks, the outer one is first before the fork, and last after it.

    Args:
        before: called in the process that forks, before it does.
        in_parent: called there after the fork.
        in_child: called in the child, before anything else runs in it.
    """
    _register()
    calls = ((_before, before), (_in_parent, in_parent), (_in_child, in_child))
    for hooks, call in calls:
        hooks.append(call)
    try:
        yield
    finally:
        for hooks, call in calls:
            with contextlib.suppress(ValueError):  # a forked child has removed them
                hooks.remove(call)


def _register() -> None:
    """Register with the interpreter, once, because it never removes a hook."""
    global _registered
    if not _registered and hasattr(os, "register_at_fork"):
        _registered = True
        os.register_at_fork(
            before=lambda: _call(_before),
            after_in_parent=lambda: _call(reversed(_in_parent)),
            after_in_child=_after_in_child,
        )


def _after_in_child() -> None:
    _call(reversed(_in_child))
    for hooks in (_before, _in_parent, _in_child):
        hooks.clear()  # the child's own forks are not the worker's


def _call(hooks: Iterable[Callable[[], None]]) -> None:
    for hook in list(hooks):
        hook()
