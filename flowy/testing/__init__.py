"""For people who test activities.

``ActivityEnvironment`` runs one activity in a unit test, with no SWF at all;
``flowy.testing.plugin`` gives pytest a local SWF with a worker in it.

The names are imported when they are first asked for: pytest loads the plugin in every project
where Flowy is installed, and what a project does not use must cost it nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .environment import ActivityEnvironment
    from .outcomes import Answer, Canceled, Suspended, Unanswered

__all__ = ["ActivityEnvironment", "Answer", "Canceled", "Suspended", "Unanswered"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "environment" if name == "ActivityEnvironment" else "outcomes"
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
