"""A test that freezes time in the local SWF's process neither hangs it nor makes it spin."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from typing import Any

import pytest

from flowy.exception import LocalSWFError
from flowy.local import LocalSWF
from flowy.local.model.domain import LocalDomain
from tests.unit.local.conftest import Wire

#: The time at which the tests freeze: the 14th of January 2012.
FROZEN = 1326511294.0

TYPE: Any = {"name": "workflow", "version": "1"}
LIST: Any = {"name": "tasks"}


@contextlib.contextmanager
def like_freezegun() -> Iterator[None]:
    """Freeze ``time`` as freezegun does: a call with ``threading`` near it gets the real time."""

    def frozen(real: Callable[[], Any], value: Any) -> Callable[[], Any]:
        def tell() -> Any:
            frame = sys._getframe(1)
            for _ in range(5):
                if frame.f_globals.get("__name__") == "threading":
                    return real()
                if frame.f_back is None:
                    break
                frame = frame.f_back
            return value

        return tell

    with pytest.MonkeyPatch.context() as patch:
        for name in ("time", "monotonic", "perf_counter"):
            patch.setattr(time, name, frozen(getattr(time, name), FROZEN))
            patch.setattr(
                time, f"{name}_ns", frozen(getattr(time, f"{name}_ns"), int(FROZEN * 1e9))
            )
        yield


def freezegun() -> AbstractContextManager[Any]:
    """Freeze time by freezegun itself, if it is installed."""
    library = pytest.importorskip("freezegun")
    found: AbstractContextManager[Any] = library.freeze_time("2012-01-14 03:21:34")
    return found


@pytest.mark.parametrize("freeze", [like_freezegun, freezegun])
def test_frozen_time_changes_nothing(freeze: Callable[[], AbstractContextManager[Any]]) -> None:
    """By raw HTTP: an empty poll ends, timeouts fire by themselves and by a turn, all stops."""
    clock = time.clock_gettime
    began = clock(time.CLOCK_MONOTONIC)
    with freeze(), LocalSWF(poll_seconds=0.2) as swf:
        wire = Wire(swf)
        with closing(wire.connection):

            def call(action: str, **parameters: Any) -> Any:
                status, answer, _ = wire.call(action, json.dumps({"domain": "local", **parameters}))
                assert status == 200, answer
                return answer

            def timed_out(run: Any) -> bool:
                execution = {"workflowId": "w", **run}
                events = call("GetWorkflowExecutionHistory", execution=execution)["events"]
                assert abs(events[0]["eventTimestamp"] - clock(time.CLOCK_REALTIME)) < 3600 * 2
                return bool(events[-1]["eventType"] == "WorkflowExecutionTimedOut")

            assert "taskToken" not in call("PollForActivityTask", taskList=LIST)
            call("RegisterWorkflowType", **TYPE)
            settings: dict[str, Any] = {
                "workflowId": "w",
                "workflowType": TYPE,
                "taskList": LIST,
                "taskStartToCloseTimeout": "1",
                "childPolicy": "TERMINATE",
            }
            run = call("StartWorkflowExecution", **settings, executionStartToCloseTimeout="1")
            assert call("PollForDecisionTask", taskList=LIST)["taskToken"]
            while not timed_out(run):
                call("PollForActivityTask", taskList=LIST)
                assert clock(time.CLOCK_MONOTONIC) - began < 30
            swf.clock.hold()
            run = call("StartWorkflowExecution", **settings, executionStartToCloseTimeout="3600")
            swf.clock.turn(3600)
            assert timed_out(run)


def test_a_clock_that_goes_back_between_two_looks_does_not_spin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An execution that is due for the queue is due for itself: time is read once a step."""
    with LocalSWF(poll_seconds=0) as swf:
        client = swf.client()
        client.register_workflow_type(domain="local", **TYPE)
        client.start_workflow_execution(
            domain="local",
            workflowId="w",
            workflowType=TYPE,
            taskList=LIST,
            taskStartToCloseTimeout="NONE",
            executionStartToCloseTimeout="60",
            childPolicy="ABANDON",
        )
        real, looks = swf.clock.now, iter(range(1000))

        def now() -> float:
            return real() + (120 if next(looks) % 2 == 0 else 0)

        assert swf._service is not None
        backend = swf._service._backend
        with backend.lock:
            monkeypatch.setattr(swf.clock, "now", now)
            backend.fire_timeouts()
            monkeypatch.undo()
        domain: LocalDomain = backend.own_domain("local")
        assert not domain.open
        assert next(looks) < 20


def test_no_domain_need_be_registered() -> None:
    """``domain=None`` registers none, and says so when it is asked for the name."""
    with LocalSWF(domain=None) as swf:
        client = swf.client()
        assert client.list_domains(registrationStatus="REGISTERED")["domainInfos"] == []
        with pytest.raises(LocalSWFError, match="domain=None"):
            _ = swf.domain
