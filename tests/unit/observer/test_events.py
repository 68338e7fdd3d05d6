"""The events, as classes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from flowy.context import ActivityInfo
from flowy.observer import (
    Observer,
    Observers,
    Starting,
    TaskEnded,
)
from tests.acceptance.flows import Ask, Flow
from tests.unit.observer.observed import (
    METHODS,
    Start,
)

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient


def test_who_supervises() -> None:
    """The process without a slot, if there are several."""
    assert Starting("domain", "list", 2).supervises
    assert not Starting("domain", "list", 2, 0).supervises
    assert not Starting("domain", "list").supervises


@pytest.mark.parametrize("kind", METHODS.values())
def test_events_are_frozen(kind: type) -> None:
    """An event is told to several observers: none may change it."""
    assert dataclasses.is_dataclass(kind)
    fields = [field.name for field in dataclasses.fields(kind)]
    event = kind(*fields)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(event, fields[0], None)


def test_each_method_does_nothing() -> None:
    """An observer overrides what it needs; the methods of the base class take any event."""
    for name, kind in METHODS.items():
        event = kind(*[field.name for field in dataclasses.fields(kind)])
        getattr(Observer(), name)(event)
        getattr(Observers([Observer()]), name)(event)
    assert set(METHODS) == {name for name in vars(Observer) if not name.startswith("_")}


def test_events_hold_no_secrets(
    start: Start, ask: Callable[..., Flow], client: SWFClient, domain: str
) -> None:
    """No event holds a token, an input, a result or the details of a heartbeat.

    The exception of a failure is the author's own; no ``repr`` shows it.
    """
    ask(*(Ask(name, '[["SECRET"], {}]') for name in ("echo", "coroutine")), "beat", "fail")
    running = start(loop=4)
    running.end()
    assert len(running.recorder.of(TaskEnded)) == 4
    for event in running.recorder.events:
        assert "SECRET" not in repr(event)
        assert "SECRET" not in repr({**vars(event), "error": None})
    names = {
        field.name
        for kind in (*METHODS.values(), ActivityInfo)
        for field in dataclasses.fields(kind)
    }
    assert not names & {"token", "task_token", "input", "args", "kwargs", "details"}
