"""Waits for the end of any process; imports little, because activities use it, too."""

from __future__ import annotations

import os
import select


def has_ended(pid: int, seconds: float) -> bool:
    """Wait until a process has ended, for *seconds* at most, without reaping it."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], max(0.0, seconds))[0])
    finally:
        os.close(descriptor)
