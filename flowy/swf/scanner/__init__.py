"""Finding activities: the ``activity`` decorator, and the scan that collects what it marked.

The decorator only leaves a mark on the class: nothing is registered at import, and a worker can
run only what a scan finds, or what it was given as a list.
"""

from __future__ import annotations

from .collection import declared_by, one_each
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
]
