"""The one place that says which version this is."""

from __future__ import annotations

__version__ = "1.0.0.dev0"
