"""Calls in a fork of the test's process."""

from __future__ import annotations

import os
import warnings
from typing import Any


def in_a_child(call: Any) -> Any:
    """Fork, call it in the child, and return its exit code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
        pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = int(not call())
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
