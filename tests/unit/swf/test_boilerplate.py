"""The seed's two functions, which put the parts together."""

from __future__ import annotations

import functools
import logging
import threading
from typing import Any

import pytest

from flowy import Activity, activity, async_scheduler, start_activity_worker
from flowy.cli.exit_codes import exit_code_of
from flowy.exception import ProcessError, RegistrationError, ScanError, TransientError
from flowy.observer import Observer
from flowy.swf import boilerplate
from flowy.swf.registration import register
from tests.patience import PATIENCE_SECONDS
from tests.unit.clocks import SelfTurningClock
from tests.unit.stand_ins import CLOSED, THROTTLE, ScriptedLayer1, fault, task_answer

EMPTY: dict[str, Any] = {"taskToken": "", "startedEventId": 0}


@activity("echo", 1, "somewhere else")
class Echo(Activity):
    """What a scan of this module, which calls, finds."""

    def run(self, value: int) -> int:
        return value


def started(layer1: ScriptedLayer1, **options: Any) -> list[str]:
    """Start a worker from this module, and return the calls it made."""
    start_activity_worker("domain", "list", layer1, **{"loop": 1, **options})
    return layer1.methods


def test_by_default_it_scans_the_module_that_calls() -> None:
    """Scan, register, poll, run, answer; every activity is served, whatever its default list."""
    layer1 = ScriptedLayer1({}, task_answer(), {})
    assert started(layer1) == [
        "register_activity_type",
        "poll_for_activity_task",
        "respond_activity_task_completed",
    ]
    assert layer1.calls[1][1]["taskList"] == {"name": "list"}
    assert layer1.calls[2][1] == {"taskToken": "token", "result": "1"}


def test_reg_remote_false() -> None:
    """Nothing is registered or compared."""
    assert started(ScriptedLayer1(EMPTY), reg_remote=False) == ["poll_for_activity_task"]


def test_loop_zero() -> None:
    """It registers only."""
    assert started(ScriptedLayer1({}), loop=0) == ["register_activity_type"]
    assert started(ScriptedLayer1({}), loop=0, reg_remote=False) == []


def test_loop_zero_that_cannot_register_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """It raises what the command line answers with exit code 7; a worker that serves goes on."""
    at_once = functools.partial(register, clock=SelfTurningClock())
    monkeypatch.setattr(boilerplate, "register", at_once)
    with pytest.raises(TransientError, match="echo 1 not done") as caught:
        started(ScriptedLayer1(THROTTLE), loop=0)
    assert exit_code_of(caught.value) == 7

    def throttle(**_: Any) -> dict[str, Any]:
        raise THROTTLE

    served = ScriptedLayer1()
    served.register_activity_type = throttle  # type: ignore[attr-defined]
    served.poll_for_activity_task = lambda **_: EMPTY  # type: ignore[attr-defined]
    assert start_activity_worker("domain", "list", served, loop=1).clean


def test_the_parameters_of_the_first_flowy_by_position() -> None:
    """Domain, list, client, registration, polls, what to scan and what to skip."""
    layer1 = ScriptedLayer1(task_answer(), {})
    start_activity_worker("domain", "list", layer1, False, 1, [__name__], ["nothing.of.ours"])
    assert layer1.methods == ["poll_for_activity_task", "respond_activity_task_completed"]


def test_names_are_text_or_numbers() -> None:
    """``str()`` of the domain and of the list is used; a float draws a warning there."""
    layer1 = ScriptedLayer1({})
    with pytest.warns(UserWarning, match="The task_list 2.5 is a float") as seen:
        start_activity_worker(1, 2.5, layer1, False, 1)
    assert {each.filename for each in seen} == {__file__}
    assert layer1.calls[0][1]["domain"] == "1"
    assert layer1.calls[0][1]["taskList"] == {"name": "2.5"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"loop": -2}, "Cannot use loop=-2"),
        ({"on_unknown": "ignore"}, "Cannot use on_unknown='ignore'"),
        ({"task_list": "a/b"}, "'a/b' as task_list"),
    ],
)
def test_options_that_cannot_be_used(wrong: dict[str, Any], said: str) -> None:
    """They fail before any call."""
    layer1 = ScriptedLayer1()
    options: dict[str, Any] = {"domain": "domain", "task_list": "list", "layer1": layer1, **wrong}
    with pytest.raises(ValueError, match=said):
        start_activity_worker(**options)
    assert layer1.calls == []


@pytest.mark.parametrize(
    ("args", "options", "said"),
    [
        (("domain",), {}, r"start_activity_worker\(\) missing a required argument: 'task_list'"),
        (
            ("domain", "list"),
            {"pools": 3},
            r"start_activity_worker\(\) got an unexpected .*'pools'",
        ),
        (("d", "l", None, False, 1, "json", None, 5), {}, "too many positional arguments"),
    ],
)
def test_a_call_that_does_not_fit(args: Any, options: dict[str, Any], said: str) -> None:
    """The error names the function that was called."""
    with pytest.raises(TypeError, match=said):
        start_activity_worker(*args, **options)


def listed() -> type[Activity]:
    """Return an activity that no scan of this module finds."""

    @activity("listed", 1, "list")
    class Listed(Activity):
        def run(self, value: int) -> list[int]:
            return [value]

    return Listed


def test_listed_activities() -> None:
    """They are served instead of a scan."""
    layer1 = ScriptedLayer1(task_answer("a", "listed"), {}, task_answer("b", "echo"), {})
    start_activity_worker("domain", "list", layer1, False, 2, activities=[listed(), Echo])
    answers = [parameters for name, parameters in layer1.calls if "taskToken" in parameters]
    assert answers == [{"taskToken": "a", "result": "[1]"}, {"taskToken": "b", "result": "1"}]


def test_activities_that_are_not_listed() -> None:
    """They are unknown, although they stand in the module that calls."""
    layer1 = ScriptedLayer1(task_answer(name="echo"), {})
    start_activity_worker("domain", "list", layer1, False, 1, activities=[listed()])
    assert layer1.methods == ["poll_for_activity_task", "respond_activity_task_failed"]


def test_what_the_scan_finds_is_served() -> None:
    """``package`` says where to look, and the error of an empty scan comes before any call."""
    layer1 = ScriptedLayer1()
    with pytest.raises(ScanError, match="any activity in json"):
        started(layer1, package="json")
    with pytest.raises(ScanError, match="any activity in an empty list"):
        started(layer1, package=[])
    with pytest.raises(ScanError, match="any activity in json"):
        started(layer1, package=["json", __name__], ignore=lambda name: name.endswith(".Echo"))
    assert layer1.calls == []


def test_a_caller_that_is_no_module() -> None:
    """Code that was executed in a namespace of its own must name what to scan."""
    namespace: dict[str, Any] = {"start": start_activity_worker, "__name__": "nowhere"}
    with pytest.raises(ScanError, match="'nowhere' is not an imported module. Name what to scan"):
        exec("start('domain', 'list', object())", namespace)


class Unpicklable(Observer):
    def __init__(self) -> None:
        self.lock = threading.Lock()


CALLED: list[str] = []


def importable_client() -> ScriptedLayer1:
    def call(**_: Any) -> dict[str, Any]:
        CALLED.append("a call")
        return {}

    return ScriptedLayer1(call)


def test_what_worker_processes_cannot_get_is_found_first() -> None:
    """Before anything is registered."""
    for options in ({"observers": [Unpicklable()]}, {"ignore": lambda name: False}):
        given: dict[str, Any] = {"layer1": importable_client, "processes": 2, **options}
        with pytest.raises(ProcessError, match="observers as"):
            start_activity_worker("domain", "list", **given)
    assert CALLED == []


def test_a_registration_that_fails_starts_nothing() -> None:
    """An error before the first poll."""
    layer1 = ScriptedLayer1(CLOSED)
    with pytest.raises(RegistrationError, match="the domain does not exist"):
        started(layer1)
    assert layer1.methods == ["register_activity_type"]


def test_unknown_types() -> None:
    """``on_unknown`` reaches the worker."""
    other = task_answer(name="other")
    options: dict[str, Any] = {"reg_remote": False}
    assert len(started(ScriptedLayer1(other, {}), **options)) == 2
    assert len(started(ScriptedLayer1(other, {}), on_unknown="abandon", **options)) == 1


def test_a_worker_on_a_thread() -> None:
    """Outside the main thread a worker runs as well, and leaves signals alone."""
    layer1 = ScriptedLayer1(EMPTY)
    thread = threading.Thread(target=lambda: started(layer1, reg_remote=False, loop=2))
    thread.start()
    thread.join(PATIENCE_SECONDS)
    assert layer1.methods == ["poll_for_activity_task"] * 2


def test_async_scheduler() -> None:
    """What it returns makes its calls through the client passed in."""
    layer1 = ScriptedLayer1({})
    scheduler = async_scheduler("domain", layer1)
    assert scheduler.heartbeat("token") is True
    assert scheduler.complete("token", [1]) is True
    assert scheduler.fail("token", "why") is True
    assert layer1.calls == [
        ("record_activity_task_heartbeat", {"taskToken": "token"}),
        ("respond_activity_task_completed", {"taskToken": "token", "result": "[1]"}),
        ("respond_activity_task_failed", {"taskToken": "token", "reason": "why"}),
    ]


def test_async_scheduler_checks_the_domain() -> None:
    """A name that cannot be one fails at once."""
    with pytest.raises(ValueError, match="'a:b' as domain"):
        async_scheduler("a:b", ScriptedLayer1())


def test_async_scheduler_does_not_poll(caplog: pytest.LogCaptureFixture) -> None:
    """A client that is bad for polls is good enough, and draws no warning."""

    class Meta:
        class config:  # noqa: N801 - botocore's name
            read_timeout = 10
            retries = None

    layer1 = ScriptedLayer1({})
    layer1.meta = Meta  # type: ignore[attr-defined]
    async_scheduler("domain", layer1)
    assert caplog.records == []
    with pytest.raises(RegistrationError):
        layer1 = ScriptedLayer1(fault("UnknownResourceFault"))
        layer1.meta = Meta  # type: ignore[attr-defined]
        started(layer1)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "its read_timeout is 10 s" in caplog.text
