"""What SWF would refuse is cut, or refused before it is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flowy.exception import TooLongError, ValidationError
from tests.unit.stand_ins import ScriptedLayer1


def test_what_is_too_long_is_cut() -> None:
    """Reasons at 256, heartbeats at 2,048, both at the end; details at 32,768, keeping the end."""
    layer1 = ScriptedLayer1()
    client = layer1.client()
    client.respond_activity_task_failed("token", "r" * 300, "d" * 40_000 + "end")
    client.respond_activity_task_canceled("token", "c" * 40_000 + "end")
    client.record_activity_task_heartbeat("token", "h" * 3_000)
    failed, canceled, heartbeat = (parameters for _, parameters in layer1.calls)
    assert failed["reason"] == "r" * 252 + " ..."
    assert len(failed["details"]) == len(canceled["details"]) == 32_768
    assert failed["details"].startswith("... d")
    assert failed["details"].endswith("end")
    assert canceled["details"].endswith("end")
    assert heartbeat["details"] == "h" * 2_044 + " ..."


def test_what_just_fits_is_not_cut() -> None:
    """The limits count to the character."""
    layer1 = ScriptedLayer1()
    client = layer1.client()
    client.respond_activity_task_failed("token", "r" * 256, "d" * 32_768)
    client.record_activity_task_heartbeat("token", "h" * 2_048)
    client.respond_activity_task_completed("token", "x" * 32_768)
    assert [parameters for _, parameters in layer1.calls] == [
        {"taskToken": "token", "reason": "r" * 256, "details": "d" * 32_768},
        {"taskToken": "token", "details": "h" * 2_048},
        {"taskToken": "token", "result": "x" * 32_768},
    ]


def test_a_result_is_never_cut() -> None:
    """A result that is too long is an error with both lengths, and no call is made."""
    layer1 = ScriptedLayer1()
    with pytest.raises(TooLongError, match="has 32,769 characters, SWF takes 32,768") as caught:
        layer1.client().respond_activity_task_completed("token", "x" * 32_769)
    assert (caught.value.length, caught.value.limit) == (32_769, 32_768)
    assert layer1.calls == []


def test_lone_surrogates_go_as_escapes() -> None:
    """Text that UTF-8 cannot encode would break the request: it is escaped."""
    layer1 = ScriptedLayer1()
    client = layer1.client()
    client.record_activity_task_heartbeat("token", "\ud800")
    client.respond_activity_task_failed("token", "\ud801", "\ud802")
    client.respond_activity_task_canceled("token", "\ud803")
    client.respond_activity_task_completed("token", "\ud804")
    texts = [text for _, call in layer1.calls for key, text in call.items() if key != "taskToken"]
    assert texts == ["\\ud800", "\\ud801", "\\ud802", "\\ud803", "\\ud804"]


def test_an_escape_counts_as_what_it_is_sent_as() -> None:
    """It is cut after that: SWF counts its six characters."""
    layer1 = ScriptedLayer1()
    layer1.client().respond_activity_task_failed("token", "\ud800" * 50)
    ((_, parameters),) = layer1.calls
    assert parameters["reason"] == ("\\ud800" * 50)[:252] + " ..."


@pytest.mark.parametrize("token", ["", "x" * 1_025, None, 5, b"token"])
def test_tokens_that_cannot_be_swfs(token: Any) -> None:
    """They are refused as SWF would refuse them, without a call, and are not repeated."""
    layer1 = ScriptedLayer1()
    client = layer1.client()
    calls: list[Callable[[], object]] = [
        lambda: client.record_activity_task_heartbeat(token),
        lambda: client.respond_activity_task_completed(token, "1"),
        lambda: client.respond_activity_task_failed(token, "why"),
        lambda: client.respond_activity_task_canceled(token),
    ]
    for call in calls:
        with pytest.raises(ValidationError, match="text of 1 to 1,024 characters") as caught:
            call()
        assert "xxx" not in str(caught.value)
    assert layer1.calls == []
