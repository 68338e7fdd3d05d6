"""``--pdb``: Python's debugger at the first line of ``run``, and where ``run`` raises.

So does ``python -m pdb`` with a script. Flowy's own frames are skipped when the author steps out of
``run``.
"""

from __future__ import annotations

import asyncio
import bdb
import inspect
import pdb
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import CodeType
from typing import Any

from ..exception import CancelTask, HandOverTask, SuspendTask
from ..middleware import Middleware, Run
from .terminal import say

#: Modules in which stepping does not stop.
_SKIPPED = ("flowy", "flowy.*", "asyncio", "asyncio.*", "contextlib", "contextvars", "threading")

#: What ends a run without being an error.
_STEERING = (SuspendTask, HandOverTask, CancelTask, asyncio.CancelledError)


class Debugger(Middleware):
    """Stops at the first line of ``run``, and where it raises."""

    def run(self, run: Run, call_next: Callable[[Run], Any]) -> Any:
        """Run under the debugger."""
        with _debugged(run):
            return call_next(run)

    async def run_async(self, run: Run, call_next: Callable[[Run], Awaitable[Any]]) -> Any:
        """Run under the debugger."""
        with _debugged(run):
            return await call_next(run)


@contextmanager
def _debugged(run: Run) -> Iterator[None]:
    debugger = pdb.Pdb(skip=_SKIPPED)
    code = getattr(inspect.unwrap(type(run.activity).run), "__code__", None)
    trouble: str | None = "it is not a Python function"
    if code is not None:
        trouble = debugger.set_break(code.co_filename, _first_line(code), temporary=True)
    if trouble:
        say(f"Cannot stop at the first line of run ({trouble}); only where it raises.")
    before = sys.gettrace()
    debugger.botframe = sys._getframe()
    debugger.set_continue()
    try:
        sys.settrace(debugger.trace_dispatch)
        try:
            yield
        finally:
            sys.settrace(before)
    except bdb.BdbQuit:
        raise KeyboardInterrupt from None  # the author typed `quit`
    except _STEERING:
        raise
    except Exception as error:
        say(f"run() raised {type(error).__qualname__}. Post mortem:")
        pdb.post_mortem(error.__traceback__)
        raise


def _first_line(code: CodeType) -> int:
    """Return the line of the first statement of a function."""
    # The first line of the code is that of `def`, or of a decorator.
    lines = (line for _, _, line in code.co_lines() if line and line > code.co_firstlineno)
    return min(lines, default=code.co_firstlineno)
