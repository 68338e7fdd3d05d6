"""An activity of the project."""

from __future__ import annotations

from flowy import Activity, activity


@activity("echo", 1, "echoes")
class Echo(Activity):
    def run(self, value: object) -> object:
        return value
