"""What a worker can be told: declared once, and seen in signature, documentation and command."""

from __future__ import annotations

import inspect
import logging
import math
import re
from dataclasses import MISSING, fields
from typing import Any

import pytest

from flowy import Activity, activity, start_activity_worker
from flowy.cli import main
from flowy.exception import ScanError
from flowy.middleware import Middleware
from flowy.observer import Observer
from flowy.options import explained
from flowy.swf.values import ActivityType
from flowy.swf.worker import ActivityWorker, ServingOptions, WorkerOptions
from flowy.swf.worker.serving_options import DEFAULT_POLLERS
from tests.unit.stand_ins import ScriptedLayer1

#: The parameters of the first Flowy, in its order.
SEED = ("domain", "task_list", "layer1", "reg_remote", "loop", "package", "ignore")

OPTIONS = {option.name: option for option in fields(WorkerOptions)}
SIGNATURE = inspect.signature(start_activity_worker)


@activity("one", 1, "list")
class One(Activity):
    def run(self) -> None:
        """Do nothing."""


@activity("two", 1, "list")
class Two(Activity):
    def run(self) -> None:
        """Do nothing."""


# One declaration


def test_the_seeds_parameters_come_first_in_their_order() -> None:
    """They can be given by position, everything else by keyword only."""
    by_position = [
        each.name
        for each in SIGNATURE.parameters.values()
        if each.kind is not inspect.Parameter.KEYWORD_ONLY
    ]
    assert tuple(by_position) == SEED


def test_the_parameters_are_the_options() -> None:
    """All of them, with the same defaults."""
    assert set(SIGNATURE.parameters) == set(OPTIONS)
    for name, parameter in SIGNATURE.parameters.items():
        default = OPTIONS[name].default
        assert parameter.default == (inspect.Parameter.empty if default is MISSING else default)


def test_the_docstring_describes_each_option() -> None:
    """In the order of the signature."""
    described = re.findall(
        r"^ {4}(\w+): ", inspect.getdoc(start_activity_worker) or "", re.MULTILINE
    )
    assert [name for name in described if name in OPTIONS] == list(SIGNATURE.parameters)
    words = " ".join((start_activity_worker.__doc__ or "").split())
    for option in OPTIONS.values():
        assert explained(option) in words


def test_the_command_line_has_each_option_of_a_kind(capsys: pytest.CaptureFixture[str]) -> None:
    """``flowy worker --help`` names and describes them, without what only Python can give."""
    assert main(["worker", "--help"]) == 0
    shown = capsys.readouterr().out
    words = re.sub(r"-\s+", "-", " ".join(shown.split()))  # argparse breaks lines after hyphens
    for option in OPTIONS.values():
        if option.metadata["kind"]:
            flag = {"observers": "observer", "codecs": "codec"}.get(
                option.name, option.name.replace("_", "-")
            )
            assert f"\n  --{flag} " in shown
            text = option.metadata["help"].rstrip(".")
            assert re.sub(r"-\s+", "-", text) in words
            in_python = option.metadata["in_python"]
            assert not in_python or in_python not in words


def test_a_worker_made_by_hand_takes_the_serving_options() -> None:
    """No more and no fewer, and checks them as the others do."""
    serving = {option.name for option in fields(ServingOptions)}
    assert serving <= set(OPTIONS)
    made = WorkerOptions("domain", "list", concurrency=7, grace=1.5)
    assert set(made.serving) == serving
    assert (made.serving["concurrency"], made.serving["grace"]) == (7, 1.5)
    client = ScriptedLayer1().client()
    ActivityWorker(client, "domain", "list", {}, **made.serving)
    with pytest.raises(TypeError, match="processes"):
        ActivityWorker(client, "domain", "list", {}, processes=2)


# What cannot be used


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"concurrency": 0}, "Cannot use concurrency=0: give a whole number, 1 or more."),
        ({"concurrency": "2"}, "Cannot use concurrency='2': give a whole number, 1 or more."),
        ({"pollers": 1.5}, "Cannot use pollers=1.5: give a whole number, 1 or more."),
        ({"grace": -1}, "Cannot use grace=-1: give seconds, 0 or more, or None."),
        ({"grace": True}, "Cannot use grace=True: give seconds, 0 or more, or None."),
        ({"grace": math.inf}, "Cannot use grace=inf: give seconds, 0 or more, or None."),
        ({"grace": math.nan}, "Cannot use grace=nan: give seconds, 0 or more, or None."),
        ({"history_rate": 0}, "Cannot use history_rate=0: give a number, more than 0."),
        ({"history_rate": math.inf}, "Cannot use history_rate=inf: give a number, more than 0."),
        ({"queue_sample": 1.5}, "Cannot use queue_sample=1.5: give a number from 0 to 1."),
        ({"queue_sample": True}, "Cannot use queue_sample=True: give a number from 0 to 1."),
        ({"on_stop": "wait"}, "Cannot use on_stop='wait': give 'fail' or 'abandon'."),
        ({"on_unknown": None}, "Cannot use on_unknown=None: give 'fail' or 'abandon'."),
        ({"middleware": [Middleware]}, f"Cannot use {Middleware!r} as "),
        ({"observers": [One]}, f"Cannot use {One!r} as "),
        ({"loop": -2}, "Cannot use loop=-2: give -1 for no end, 0 to register only"),
        ({"loop": None}, "Cannot use loop=None: "),
        ({"loop": "many"}, "Cannot use loop='many': "),
        ({"loop": math.inf}, "Cannot use loop=inf: "),
        ({"domain": ""}, "Cannot use a domain of 0 characters: "),
        ({"domain": " domain"}, "Cannot use ' domain' as domain: "),
        ({"task_list": "a/b"}, "Cannot use 'a/b' as task_list: "),
        ({"task_list": "tasks "}, "Cannot use 'tasks ' as task_list: "),
    ],
)
def test_what_cannot_be_used_is_found_at_once(wrong: dict[str, Any], text: str) -> None:
    """An error says what can be used, for options and for a worker that is made by hand."""
    given = {"domain": "domain", "task_list": "tasks", **wrong}
    with pytest.raises(ValueError, match=f"^{re.escape(text)}"):
        WorkerOptions(**given)
    with pytest.raises(ValueError, match=f"^{re.escape(text)}"):
        ActivityWorker(ScriptedLayer1().client(), activities={}, **given)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"processes": 0}, "Cannot use processes=0: give a whole number, 1 or more."),
        ({"processes": 2, "loop": 5}, "Cannot use loop=5 with 2 processes: give processes=1."),
        ({"processes": 2, "layer1": object()}, "Cannot share a client between 2 processes: "),
        ({"package": "json", "activities": [One]}, "Cannot use package and activities together"),
        ({"health": 8080}, "Cannot use health=8080: give flowy.health.HealthOptions(http=8080)"),
    ],
)
def test_options_of_a_start_are_checked_too(wrong: dict[str, Any], text: str) -> None:
    """Those that a single worker does not have."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}"):
        WorkerOptions("domain", "tasks", **wrong)


@pytest.mark.parametrize("loop", [-1, 0])
def test_several_processes_may_go_on_or_register_only(loop: int) -> None:
    """Each has a client that a function makes."""
    options = WorkerOptions("domain", "tasks", ScriptedLayer1, loop=loop, processes=2)
    assert options.loop == loop


# What is made of them


@pytest.mark.parametrize(("given", "polls"), [("1", 1), (1.9, 1), (True, 1), (0, 0)])
def test_loop_is_whatever_int_takes(given: Any, polls: int) -> None:
    """The first Flowy called ``int()`` on it."""
    assert WorkerOptions("domain", "tasks", loop=given).loop == polls


def test_names_are_text_or_numbers() -> None:
    """``str()`` of the domain and of the list is used."""
    with pytest.warns(UserWarning, match="The task_list 2.5 is a float"):
        options = WorkerOptions(1, 2.5)
    assert (options.domain, options.task_list) == ("1", "2.5")


@pytest.mark.parametrize(
    ("concurrency", "pollers", "polls"),
    [(1, None, 1), (5, None, 5), (100, None, DEFAULT_POLLERS), (100, 50, 50), (3, 50, 3)],
)
def test_never_more_polls_than_slots(concurrency: int, pollers: int | None, polls: int) -> None:
    """A task that is polled must find a slot."""
    assert ServingOptions(concurrency=concurrency, pollers=pollers).polls_at_once == polls


def test_listed_activities_are_served() -> None:
    """They and no others, although more stand in the module."""
    options = WorkerOptions("domain", "tasks", activities=[Two])
    assert list(options.implementations()) == [ActivityType("two", "1")]
    with pytest.raises(ScanError, match="Cannot find any activity in an empty list"):
        WorkerOptions("domain", "tasks", activities=[]).implementations()


def test_another_process_finds_modules_by_name() -> None:
    """A module itself cannot be handed over."""
    options = WorkerOptions("domain", "tasks", package=[inspect, "json"])
    assert options.by_name().package == ["inspect", "json"]
    listed = WorkerOptions("domain", "tasks", activities=[One])
    assert listed.by_name() is listed


def test_middleware_and_observers_are_checked_together_with_the_rest() -> None:
    """Objects of their classes are taken, in any sequence."""
    middleware, observer = Middleware(), Observer()
    options = ServingOptions(middleware=[middleware], observers=(observer,))
    assert tuple(options.middleware) == (middleware,)
    assert tuple(options.observers) == (observer,)


@pytest.mark.parametrize("given", [{"activities": [One]}, {"package": __name__}], ids=str)
def test_a_configuration_of_logging_does_not_silence_a_worker(given: dict[str, Any]) -> None:
    """Wherever it was: in a module that is scanned, or in the script before the start."""
    own = logging.getLogger("flowy.test_silenced")
    own.disabled = True
    assert WorkerOptions("domain", "tasks", **given).implementations()
    assert not own.disabled
