"""A worker over nothing is an error that says what to do."""

from __future__ import annotations

from typing import Any


def test_it(flowy_worker: Any) -> None: ...
