"""Whoever has no converter has none of its modules."""

from __future__ import annotations

import subprocess
import sys

#: Scans, serves and calls, and says what was imported for it.
_PROGRAM = """
import sys
from flowy import Activity, activity, async_scheduler, call_activity, start_activity_worker
from flowy.swf.scanner import declared_by
from flowy.testing import ActivityEnvironment
from flowy.tokens import Finisher

@activity("echo", 1, "list")
class Echo(Activity):
    def run(self, value: "Nowhere") -> "Nowhere":
        return value

declared_by([Echo])
assert ActivityEnvironment().run(Echo, 7) == 7
loaded = {name for name in sys.modules if name.startswith(("flowy.convert", "msgspec", "pydantic"))}
assert not loaded, loaded
"""


def test_nothing_is_imported() -> None:
    """Neither the package nor the libraries behind it, by an activity that only has annotations."""
    ran = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
