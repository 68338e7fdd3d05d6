"""For people who test activities.

``ActivityEnvironment`` runs one activity in a unit test, with no SWF at all; ``LocalWorker``
serves activities on a local SWF, which ``flowy.testing.plugin`` gives to pytest.

Each name is imported on first use: pytest loads the plugin in every project that has Flowy
installed, so importing this package must be cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..importing import on_demand

if TYPE_CHECKING:
    from .environment import ActivityEnvironment
    from .outcomes import Answer, Canceled, HandedOver, Suspended, Unanswered
    from .worker import LocalWorker

__all__ = [
    "ActivityEnvironment",
    "Answer",
    "Canceled",
    "HandedOver",
    "LocalWorker",
    "Suspended",
    "Unanswered",
]

#: The module that defines each name.
_HOMES = {
    "ActivityEnvironment": "environment",
    "Answer": "outcomes",
    "Canceled": "outcomes",
    "HandedOver": "outcomes",
    "LocalWorker": "worker",
    "Suspended": "outcomes",
    "Unanswered": "outcomes",
}


__getattr__ = on_demand(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
