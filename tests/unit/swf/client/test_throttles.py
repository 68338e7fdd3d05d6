"""A client that waits out throttles, for people's commands; workers have ways of their own."""

from __future__ import annotations

import logging

import pytest

from flowy.exception import TransientError
from flowy.swf.client import SWFClient
from tests.unit.clocks import SelfTurningClock
from tests.unit.stand_ins import THROTTLE, Line, ScriptedLayer1, fault

PAGE = {"domainInfos": [{"name": "shop"}]}


def domains(*script: Line, clock: SelfTurningClock, seconds: float) -> list[str]:
    layer1 = ScriptedLayer1(*script)
    client = SWFClient(layer1, layer1, clock=clock).waiting_out_throttles(seconds)
    return list(client.list_domains())


def test_a_throttle_is_waited_out(caplog: pytest.LogCaptureFixture) -> None:
    """The call is made again after pauses that grow; one line says so, however many there are."""
    clock = SelfTurningClock()
    assert domains(*[THROTTLE] * 3, PAGE, {}, clock=clock, seconds=60) == ["shop"]
    assert len(clock.waits) == 3
    assert 0.5 <= clock.waits[0] <= 1 < clock.waits[2] <= 4
    assert caplog.messages == ["SWF throttles ListDomains; trying again for up to 60 s."]
    assert caplog.records[0].levelno == logging.WARNING


def test_a_throttle_that_lasts_is_an_error() -> None:
    """The error is raised when the time is over."""
    clock = SelfTurningClock()
    with pytest.raises(TransientError) as caught:
        domains(THROTTLE, clock=clock, seconds=60)
    assert caught.value.fault == "ThrottlingException"
    assert 40 < sum(clock.waits) <= 60


@pytest.mark.parametrize(
    "trouble",
    [fault("InternalFailure", status=500), ConnectionResetError(), TimeoutError()],
    ids=repr,
)
def test_other_trouble_is_told_at_once(trouble: Line) -> None:
    """Whoever types a command wants to know that SWF is out of reach."""
    clock = SelfTurningClock()
    with pytest.raises(TransientError):
        domains(trouble, clock=clock, seconds=60)
    assert clock.waits == []


def test_a_client_does_not_wait_unless_it_is_told() -> None:
    """A worker has deadlines of its own for each call."""
    layer1 = ScriptedLayer1(THROTTLE)
    with pytest.raises(TransientError):
        list(layer1.client().list_domains())
    assert layer1.methods == ["list_domains"]
