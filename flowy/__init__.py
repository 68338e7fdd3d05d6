"""Flowy: the Amazon SWF activity layer for Python.

Subclass ``Activity``, mark it with ``activity``, serve it with ``start_activity_worker``, and
finish with ``async_scheduler`` what raised ``SuspendTask``.

Each name is imported on first use. pytest loads ``flowy.testing.plugin``, and with it this package,
in every project that has Flowy installed, so importing it must be cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._version import __version__
from .importing import on_demand

if TYPE_CHECKING:
    from .context import ActivityInfo
    from .exception import CancelTask, FlowyError, HandOverTask, SuspendTask
    from .swf.boilerplate import async_scheduler, start_activity_worker
    from .swf.calling import call_activity
    from .swf.scanner import activity
    from .task import Activity, AsyncActivity

__all__ = [
    "Activity",
    "ActivityInfo",
    "AsyncActivity",
    "CancelTask",
    "FlowyError",
    "HandOverTask",
    "SuspendTask",
    "__version__",
    "activity",
    "async_scheduler",
    "call_activity",
    "start_activity_worker",
]

#: The module that defines each public name.
_HOMES = {
    "Activity": "task",
    "ActivityInfo": "context",
    "AsyncActivity": "task",
    "CancelTask": "exception",
    "FlowyError": "exception",
    "HandOverTask": "exception",
    "SuspendTask": "exception",
    "activity": "swf.scanner",
    "async_scheduler": "swf.boilerplate",
    "call_activity": "swf.calling",
    "start_activity_worker": "swf.boilerplate",
}


__getattr__ = on_demand(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
