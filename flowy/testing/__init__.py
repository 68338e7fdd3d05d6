"""For people who test activities.

``ActivityEnvironment`` runs one activity in a unit test, with no SWF at all; ``LocalWorker``
serves activities on a local SWF, which ``flowy.testing.plugin`` gives to pytest.

Each name is imported on first use: pytest loads the plugin in every project that has Flowy
installed, so importing this package must be cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .environment import ActivityEnvironment
    from .outcomes import Answer, Canceled, Suspended, Unanswered
    from .worker import LocalWorker

__all__ = [
    "ActivityEnvironment",
    "Answer",
    "Canceled",
    "LocalWorker",
    "Suspended",
    "Unanswered",
]

#: The module that defines each name.
_HOMES = {
    "ActivityEnvironment": "environment",
    "Answer": "outcomes",
    "Canceled": "outcomes",
    "LocalWorker": "worker",
    "Suspended": "outcomes",
    "Unanswered": "outcomes",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
