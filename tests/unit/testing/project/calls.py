"""One fixture is enough: SWF, a fresh domain, and a worker over the module's activities."""

from __future__ import annotations

from typing import Any

from flowy import Activity, activity


@activity("shout", 1, "shouts")
class Shout(Activity):
    def run(self, value: str) -> str:
        return value.upper()


def test_by_class(flowy_call_activity: Any) -> None:
    assert flowy_call_activity(Shout, "x") == "X"


def test_by_name(flowy_call_activity: Any) -> None:
    assert flowy_call_activity("shout", 1, kwargs={"value": "x"}, timeout=60) == "X"
