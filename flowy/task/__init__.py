"""What an author subclasses: ``Activity``, and ``AsyncActivity`` for coroutines."""

from __future__ import annotations

from .activity import Activity
from .async_activity import AsyncActivity

__all__ = ["Activity", "AsyncActivity"]
