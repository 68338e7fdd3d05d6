"""For people who test activities.

``ActivityEnvironment`` runs one activity in a unit test, with no SWF at all; ``LocalWorker``
serves activities on a local SWF, which ``flowy.testing.plugin`` gives to pytest; ``replay`` runs a
recorded task again.

Each name is imported on first use: pytest loads the plugin in every project that has Flowy
installed, so importing this package must be cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..importing import on_demand

if TYPE_CHECKING:
    from ..swf.replay import Replay
    from .environment import ActivityEnvironment
    from .outcomes import Answer, Canceled, HandedOver, Suspended, Unanswered
    from .replays import replay
    from .worker import LocalWorker

__all__ = [
    "ActivityEnvironment",
    "Answer",
    "Canceled",
    "HandedOver",
    "LocalWorker",
    "Replay",
    "Suspended",
    "Unanswered",
    "replay",
]

#: The module that defines each name.
_HOMES = {
    "ActivityEnvironment": "environment",
    "Answer": "outcomes",
    "Canceled": "outcomes",
    "HandedOver": "outcomes",
    "LocalWorker": "worker",
    "Replay": "replays",
    "Suspended": "outcomes",
    "Unanswered": "outcomes",
    "replay": "replays",
}


__getattr__ = on_demand(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
