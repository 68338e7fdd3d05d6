"""Registration while SWF throttles: what is waited out, for how long, and what is said then."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest

from flowy.exception import TransientError
from flowy.swf.registration import PATIENCE_SECONDS, register
from tests.unit.clocks import SelfTurningClock
from tests.unit.stand_ins import THROTTLE, Line, ScriptedLayer1, implementation
from tests.unit.swf.registering import ECHO, OTHER, THERE, held, problems, registered


def test_a_throttle_is_waited_out(caplog: pytest.LogCaptureFixture) -> None:
    """After a pause the type is registered or compared; the first line has the client's text."""
    caplog.set_level(logging.INFO)
    layer1 = registered(THROTTLE, THERE, held(), {})
    assert layer1.methods == [
        "register_activity_type",
        "register_activity_type",
        "describe_activity_type",
        "register_activity_type",
    ]
    assert re.fullmatch(
        r"Registration waits 0\.\d s \(ThrottlingException\): Cannot register_activity_type: SWF "
        r"answered ThrottlingException: .*\.",
        caplog.messages[0],
    )


def test_a_throttle_that_lasts(caplog: pytest.LogCaptureFixture) -> None:
    """After the patience a warning names the types that are not registered; the worker starts.

    A hundred types do not wait a hundred times.
    """
    clock = SelfTurningClock()
    began_at = clock.time
    many = [implementation(name=f"echo{number}") for number in range(100)]
    registered(THROTTLE, types=many, clock=clock)
    assert PATIENCE_SECONDS - 5.0 <= clock.time - began_at <= PATIENCE_SECONDS
    assert max(clock.waits) <= 5.0
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "SWF did not answer: echo0 1, echo1 1, " in record.getMessage()
    assert "echo99 1. The worker starts" in record.getMessage()


def test_a_throttle_that_lasts_if_registration_is_all_there_is_to_do() -> None:
    """No type is registered, so an error names the types, and what SWF said."""
    layer1 = ScriptedLayer1({}, THROTTLE)
    with pytest.raises(TransientError) as caught:
        register(layer1.client(), "domain", [ECHO, OTHER], required=True, clock=SelfTurningClock())
    assert str(caught.value) == (
        "Cannot register or compare everything in domain 'domain': other 1 not done. Cannot "
        "register_activity_type: SWF answered ThrottlingException: Rate exceeded. "
        "Try again later."
    )
    assert caught.value.fault == "ThrottlingException"
    assert isinstance(caught.value.__cause__, TransientError)


def test_calls_that_hang_use_up_the_patience() -> None:
    """The other types are not even tried."""
    clock = SelfTurningClock()

    def hang(**_: Any) -> None:
        clock.time += PATIENCE_SECONDS
        raise THROTTLE

    assert len(registered(hang, clock=clock).calls) == 1


def test_problems_come_before_what_is_not_settled() -> None:
    """A difference is an error although another type could not be compared."""
    (problem,) = problems(THERE, held(task_list="elsewhere"), THROTTLE)
    assert problem.startswith("echo 1 ")


def test_patience_is_not_used_up_by_throttles_that_pass(caplog: pytest.LogCaptureFixture) -> None:
    """The pauses begin anew with each type: 20 that are throttled once take 10 s at most."""
    clock = SelfTurningClock()
    types = [implementation(name=f"type {number}") for number in range(20)]
    once_each: list[Line] = [THROTTLE, {}] * len(types)
    layer1 = registered(*once_each, types=types, clock=clock)
    assert layer1.methods == ["register_activity_type"] * 2 * len(types)
    assert len(clock.waits) == 20
    assert max(clock.waits) <= 0.5
    assert caplog.records == []
