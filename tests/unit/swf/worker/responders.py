"""Responders on a client that is scripted, and on a clock that only waiting moves."""

from __future__ import annotations

from typing import Any, TypeAlias

from flowy.concurrency.clock import Clock
from flowy.concurrency.stop import StopFlag
from flowy.invocation import Canceled, Completed, Failed
from flowy.swf.worker.responder import Responder, StopPolicy
from tests.suspended import an_info
from tests.unit.clocks import SelfTurningClock
from tests.unit.stand_ins import Line, ScriptedLayer1

#: The task that is answered for.
TASK = an_info(name="echo")

Sent: TypeAlias = Completed | Failed | Canceled


def responder(
    clock: Clock,
    flag: StopFlag,
    *script: Line,
    start_to_close: int | None = 300,
    grace: float | None = None,
) -> tuple[ScriptedLayer1, Responder]:
    """Return a responder, and the layer1 that it calls."""
    layer1 = ScriptedLayer1(*script)
    return layer1, Responder(
        layer1.client(),
        "token",
        subject=TASK,
        start_to_close_seconds=start_to_close,
        policy=StopPolicy(flag, grace),
        clock=clock,
    )


def scripted(
    clock: SelfTurningClock, *script: Line, **how: Any
) -> tuple[ScriptedLayer1, Responder]:
    """Return a responder on a clock that only waiting moves."""
    return responder(clock, clock.flag, *script, **how)
