"""What a user may import, and how it is called: the seed's words, and nothing at import."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from dataclasses import asdict
from typing import Any

import pytest

import flowy
from flowy.swf.calling import CallOptions
from flowy.task import Activity

#: Import paths that must hold: the seed's, and their twins in ``flowy`` itself.
PATHS = [
    ("flowy.task", "Activity"),
    ("flowy.task", "AsyncActivity"),
    ("flowy.exception", "SuspendTask"),
    ("flowy.exception", "CancelTask"),
    ("flowy.exception", "HandOverTask"),
    ("flowy.exception", "FlowyError"),
    ("flowy.context", "ActivityInfo"),
    ("flowy.swf.scanner", "activity"),
    ("flowy.swf.boilerplate", "start_activity_worker"),
    ("flowy.swf.boilerplate", "async_scheduler"),
    ("flowy.swf.calling", "call_activity"),
]


@pytest.mark.parametrize(("module", "name"), PATHS)
def test_import_paths(module: str, name: str) -> None:
    """Each documented path leads to the same object as ``from flowy import ...``."""
    thing = getattr(importlib.import_module(module), name)
    assert getattr(flowy, name) is thing
    assert name in flowy.__all__


def test_all_is_all() -> None:
    """Every name of ``__all__`` is there, and is one of the documented ones."""
    assert set(flowy.__all__) == {name for _, name in PATHS} | {"__version__"}
    for name in flowy.__all__:
        assert hasattr(flowy, name)
    assert flowy.__version__.count(".") >= 2


def parameters(function: Any, *, keyword_only: bool = False) -> dict[str, Any]:
    """The parameters of a function with their defaults, in order; those of one kind."""
    return {
        parameter.name: parameter.default
        for parameter in inspect.signature(function).parameters.values()
        if (parameter.kind is parameter.KEYWORD_ONLY) is keyword_only
        and parameter.kind is not parameter.VAR_POSITIONAL
    }


NEEDED = inspect.Parameter.empty


def test_activity_is_the_seeds() -> None:
    """The seed's names, order and defaults; what is new is keyword-only and has a default."""
    assert list(parameters(flowy.activity).items()) == [
        ("name", NEEDED),
        ("version", NEEDED),
        ("task_list", NEEDED),
        ("heartbeat", None),
        ("schedule_to_close", 420),
        ("schedule_to_start", 120),
        ("start_to_close", 300),
    ]
    new = parameters(flowy.activity, keyword_only=True)
    assert new == dict.fromkeys(
        (
            "auto_heartbeat",
            "max_stall",
            "task_priority",
            "description",
            "converter",
            "history",
            "same_as",
        )
    )


def test_start_activity_worker_is_the_seeds() -> None:
    """The seed's parameters first; what is new is keyword-only and has a default."""
    assert list(parameters(flowy.start_activity_worker).items()) == [
        ("domain", NEEDED),
        ("task_list", NEEDED),
        ("layer1", None),
        ("reg_remote", True),
        ("loop", -1),
        ("package", None),
        ("ignore", None),
    ]
    new = parameters(flowy.start_activity_worker, keyword_only=True)
    assert new == {
        "concurrency": 1,
        "pollers": None,
        "processes": 1,
        "grace": None,
        "on_stop": "abandon",
        "on_unknown": "fail",
        "signals": True,
        "middleware": (),
        "observers": (),
        "codecs": (),
        "claims": None,
        "hide_reasons": False,
        "require_encryption": False,
        "log_starts": False,
        "history_rate": 5.0,
        "queue_sample": 0.0,
        "health": None,
        "activities": None,
    }


def test_async_scheduler_is_the_seeds() -> None:
    """So are ``async_scheduler`` and the three methods of what it returns."""
    assert list(parameters(flowy.async_scheduler).items()) == [
        ("domain", NEEDED),
        ("layer1", None),
    ]
    scheduler = flowy.async_scheduler("domain", object())
    assert list(parameters(scheduler.heartbeat)) == ["token", "details"]
    assert list(parameters(scheduler.complete)) == ["token", "result"]
    assert list(parameters(scheduler.fail)) == ["token", "reason", "details"]
    for method in (scheduler.heartbeat, scheduler.fail):
        assert parameters(method)["details"] is None  # the seed's calls hold as they are


def test_activity_class_is_the_first_flowys() -> None:
    """Constructed as ``Activity(input, scheduler, token)``; the override points are static."""
    assert list(parameters(Activity)) == ["input", "scheduler", "token"]
    assert parameters(Activity.heartbeat) == {"self": NEEDED, "details": None}
    for name, parameter in (("_serialize_result", "result"), ("_deserialize_arguments", "input")):
        assert isinstance(inspect.getattr_static(Activity, name), staticmethod)
        assert list(parameters(getattr(Activity, name))) == [parameter]
    assert isinstance(inspect.getattr_static(Activity, "_serialize_failure"), staticmethod)
    assert list(parameters(Activity._serialize_failure)) == ["error", "reason", "details"]


def test_call_activity() -> None:
    """What, then its arguments; the options by name, with arguments by name among them."""
    assert list(parameters(flowy.call_activity)) == ["domain", "activity", "keywords"]
    assert asdict(CallOptions()) == {
        "task_list": None,
        "timeout": 3600,
        "grace": 5,
        "workflow_id": None,
        "layer1": None,
    }


def test_every_public_thing_explains_itself() -> None:
    """Whatever can be imported from ``flowy`` has a docstring."""
    for name in flowy.__all__:
        if name != "__version__":
            assert inspect.getdoc(getattr(flowy, name))


def test_steering_words_are_no_errors() -> None:
    """What an activity raises to steer is not caught by ``except FlowyError``."""
    for word in (flowy.SuspendTask, flowy.CancelTask):
        assert issubclass(word, Exception)
        assert not issubclass(word, flowy.FlowyError)
    assert flowy.CancelTask().details is None
    assert str(flowy.CancelTask("why")) == flowy.CancelTask("why").details == "why"


def test_errors_derive_from_one() -> None:
    """One ``except FlowyError`` catches all that Flowy raises; the docstring draws the tree."""
    from flowy import exception

    assert exception.__doc__ is not None
    for name, thing in vars(exception).items():
        if isinstance(thing, type) and thing.__module__ == exception.__name__:
            assert name in exception.__doc__
            assert issubclass(thing, exception.FlowyError) == name.endswith("Error")


def test_import_is_quiet_and_light() -> None:
    """``import flowy`` loads no boto3, sets up no logging and starts no thread."""
    code = (
        "import sys, threading, logging, flowy\n"
        "print(sorted({'boto3', 'botocore', 'moto', 'flask'} & set(sys.modules)),\n"
        "      threading.active_count(), logging.getLogger().handlers,\n"
        "      [type(each).__name__ for each in logging.getLogger('flowy').handlers])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[] 1 [] []\n"


def test_a_worker_that_asks_for_nothing_imports_nothing_for_it() -> None:
    """Logs as JSON and metrics cost only those who want them."""
    code = (
        "import sys, flowy.cli.command, flowy.swf.boilerplate, flowy.swf.worker.child\n"
        "wanted = {'prometheus_client', 'opentelemetry', 'pythonjsonlogger', 'flowy.metrics',\n"
        "          'flowy.logs.json_lines'}\n"
        "print(sorted(wanted & set(sys.modules)))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_whoever_configures_no_logging_sees_warnings_and_errors() -> None:
    """Python's last resort shows them on standard error; a NullHandler would hide them."""
    code = (
        "import flowy\n"
        "from flowy.safe_logging import get_logger\n"
        "logger = get_logger('flowy.swf.worker.polling')\n"
        "logger.info('Started.')\n"
        "logger.warning('Waits.')\n"
        "logger.error('Lost.')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("", "Waits.\nLost.\n")
