"""Flowy: the Amazon SWF activity layer for Python.

Subclass ``Activity``, mark it with ``activity``, and let ``start_activity_worker`` serve it; let
``async_scheduler`` finish later what raised ``SuspendTask``.
"""

from __future__ import annotations

import logging

from ._version import __version__
from .context import ActivityInfo
from .exception import CancelTask, FlowyError, SuspendTask
from .swf.boilerplate import async_scheduler, start_activity_worker
from .swf.scanner import activity
from .swf.starter import call_activity
from .task import Activity, AsyncActivity

__all__ = [
    "Activity",
    "ActivityInfo",
    "AsyncActivity",
    "CancelTask",
    "FlowyError",
    "SuspendTask",
    "__version__",
    "activity",
    "async_scheduler",
    "call_activity",
    "start_activity_worker",
]

logging.getLogger(__name__).addHandler(logging.NullHandler())
