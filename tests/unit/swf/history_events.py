"""Events of a history, as SWF writes them."""

from __future__ import annotations

from typing import Any


def event(kind: str, **said: Any) -> dict[str, Any]:
    """Return an event of this type with these attributes."""
    return {"eventType": kind, f"{kind[0].lower()}{kind[1:]}EventAttributes": said}
