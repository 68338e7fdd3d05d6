"""Sources of modules for a scan, and what it finds."""

from __future__ import annotations

import sys
from typing import Any

from flowy.swf.scanner import Scanner

#: Python 3.10 says that a decorator is applied in the line of its class, later ones in its own.
CLASS_LINES = 0 if sys.version_info >= (3, 11) else 1

HEAD = """
from flowy import Activity, activity
"""

ECHO = """
@activity(name="{name}", version=1, task_list="list")
class {kind}(Activity):
    def run(self):
        return "{kind}"
"""


def echo(name: str = "echo", kind: str = "Echo") -> str:
    return ECHO.format(name=name, kind=kind)


def found(package: Any, ignore: Any = None) -> list[str]:
    """The names and versions that a scan finds, sorted."""
    return sorted(map(str, Scanner(package, ignore).scan()))
