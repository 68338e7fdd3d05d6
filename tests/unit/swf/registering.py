"""Registration at a scripted SWF, by a clock whose waits pass at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from flowy.exception import RegistrationError
from flowy.swf.registration import register
from flowy.swf.values import ActivityImplementation
from tests.unit.clocks import SelfTurningClock
from tests.unit.stand_ins import Line, ScriptedLayer1, fault, implementation

THERE = fault("TypeAlreadyExistsFault")
ECHO = implementation()
OTHER = implementation(name="other", line=20)


def held(status: str = "REGISTERED", **changed: str) -> dict[str, Any]:
    """What SWF describes: as ECHO declares it, but for what is *changed*."""
    return {
        "typeInfo": {"status": status},
        "configuration": {
            "defaultTaskList": {"name": changed.pop("task_list", "list")},
            "defaultTaskHeartbeatTimeout": "NONE",
            "defaultTaskScheduleToCloseTimeout": "420",
            "defaultTaskScheduleToStartTimeout": "120",
            "defaultTaskStartToCloseTimeout": "300",
            **changed,
        },
    }


def registered(
    *script: Line,
    types: Sequence[ActivityImplementation] = (ECHO, OTHER),
    clock: SelfTurningClock | None = None,
) -> ScriptedLayer1:
    """Register types by a clock whose waits pass at once, and return what was called."""
    layer1 = ScriptedLayer1(*script)
    register(layer1.client(), "domain", types, clock=clock or SelfTurningClock())
    return layer1


def problems(*script: Line) -> tuple[str, ...]:
    with pytest.raises(RegistrationError) as caught:
        registered(*script)
    for problem in caught.value.problems:
        assert f"\n- {problem}" in str(caught.value)
    assert str(caught.value).startswith("Cannot register the activities in domain 'domain':")
    return caught.value.problems
