"""The ``activity`` decorator, and the scan that finds the classes that it marked.

The decorator only marks the class. Nothing is registered at import, and a worker can run only the
activities that a scan finds or that it was given as a list.
"""

from __future__ import annotations

from .collection import declared_by, one_each, run_types_of
from .decorator import activity
from .marks import declared
from .scan import Ignored, Package, Scanner, activities_in

__all__ = [
    "Ignored",
    "Package",
    "Scanner",
    "activities_in",
    "activity",
    "declared",
    "declared_by",
    "one_each",
    "run_types_of",
]
