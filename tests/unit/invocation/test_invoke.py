"""One run of an activity: decode, bind, run, encode, and exactly one answer."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import sys
from collections.abc import Callable
from typing import Any

import pytest

from flowy import reasons
from flowy.exception import CancelTask, HandOverTask, SuspendTask
from flowy.invocation import Completed, Failed, HandedOver, Suspended
from flowy.transport import encode_result
from tests.unit.invocation.activities import Plain, failed, invoked, raising, running


def test_arguments_and_value() -> None:
    """The input's args and kwargs are ``run``'s, the value's JSON is the result."""
    echo = running(lambda self, value, *args, **kwargs: [value, args, kwargs])
    answer = invoked(echo, '[[1, 2, "\u00e4"], {"key": null}]')
    assert answer == Completed('[1, [2, "\\u00e4"], {"key": null}]')


def test_none_completes() -> None:
    """An activity that was told nothing and returns None has completed, with JSON's null."""
    assert invoked(running(lambda self: None)) == Completed("null")


# Arguments


@pytest.mark.parametrize("input", [None, "", "{", "[]", '{"a": 1}', "[" * 1_000_000])
def test_unreadable_input(input: str | None) -> None:
    """Input that is not ``[args, kwargs]`` fails with the fixed reason, without a run."""
    reason, details = failed(invoked(raising(AssertionError("it ran")), input))
    assert reason.startswith(reasons.INPUT_UNREADABLE)
    assert "InputError" in details


@pytest.mark.parametrize(
    ("input", "said"),
    [
        ("[[], {}]", "run() missing a required argument: 'value'"),
        ("[[1, 2], {}]", "run() too many positional arguments"),
        ('[[1], {"value": 1}]', "run() multiple values for argument 'value'"),
        ('[[1], {"other": 1}]', "run() got an unexpected keyword argument 'other'"),
        ('[[1], {"self": 1}]', "run() got an unexpected keyword argument 'self'"),
    ],
)
def test_input_that_does_not_fit(input: str, said: str) -> None:
    """Arguments that do not fit the signature fail with the fixed reason, before the run."""
    reason, details = failed(invoked(running(lambda self, value: value), input))
    assert reason == reasons.INPUT_MISFIT + said
    assert details.endswith("\n")


def test_a_type_error_of_the_run_is_its_own() -> None:
    """A TypeError raised inside ``run`` is not taken for a misfit of the arguments."""
    reason, _ = failed(invoked(running(lambda self: len(1))))  # type: ignore[arg-type]
    assert reason == "object of type 'int' has no len()"


def injecting(body: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(body)
    def wrapper(self: Plain, *args: Any) -> Any:
        return body(self, "injected", *args)

    return wrapper


def test_a_run_whose_decorator_passes_an_argument() -> None:
    """What counts is what is called, not what ``functools.wraps`` says that it wraps."""
    run = injecting(lambda self, session, value: [session, value])
    assert invoked(running(run), "[[1], {}]") == Completed('["injected", 1]')


class Unsigned:
    """A callable without a readable signature."""

    @property
    def __signature__(self) -> inspect.Signature:
        raise ValueError

    def __call__(self, value: int) -> int:
        return value + 1


@pytest.mark.parametrize("run", [Unsigned(), staticmethod(lambda value: value + 1)])
def test_other_callables(run: Any) -> None:
    """Whatever can be called as ``self.run`` runs."""
    assert invoked(running(run), "[[1], {}]") == Completed("2")


def test_a_run_without_a_signature_is_simply_called() -> None:
    """If Python cannot tell a signature, the call itself tells the misfit."""
    reason, _ = failed(invoked(running(Unsigned()), "[[1, 2], {}]"))
    assert "positional argument" in reason
    assert not reason.startswith(reasons.INPUT_MISFIT)


# Exceptions


class Custom(BaseException):
    pass


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("Can't echo 1."), "Can't echo 1."),
        (ValueError(), "ValueError"),
        (Custom("why"), "why"),
        (GeneratorExit(), "GeneratorExit"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (SystemExit("bye"), "bye"),
        (RecursionError("too deep"), "too deep"),
        (MemoryError(), "MemoryError"),
        (StopIteration(3), "StopIteration: 3"),
    ],
)
def test_any_exception_fails(error: BaseException, reason: str) -> None:
    """Its text is the reason, its traceback the details, without Flowy's own frames."""
    answer = invoked(raising(error))
    said, details = failed(answer)
    assert said == reason
    assert __file__.replace("test_invoke", "activities") in details
    assert "flowy/" not in details.replace(__file__.rpartition("tests/")[0], "")
    assert isinstance(answer, Failed)
    assert answer.error is error


def test_a_coroutine_from_a_plain_run_fails() -> None:
    """It says what to write, and Python does not warn of a coroutine that was never awaited."""

    async def later(self: Plain) -> int:
        return 1

    reason, _ = failed(invoked(running(lambda self: later(self))))
    assert reason.startswith(f"{reasons.RESULT_NOT_SERIALIZABLE}run() returned a coroutine")
    assert "AsyncActivity" in reason
    assert len(reason) <= 256
    gc.collect()  # warnings are errors
    runs = {"_serialize_result": lambda self, value: encode_result(asyncio.run(value))}
    assert invoked(running(lambda self: later(self), **runs)) == Completed("1")


def test_an_infinite_recursion_fails() -> None:
    """A run that never comes back from calling itself is a failure like any other."""

    def body(self: Plain) -> Any:
        return self.run()

    reason, details = failed(invoked(running(body)))
    assert "recursion" in reason
    assert "RecursionError" in details


def test_an_exception_whose_attributes_raise() -> None:
    """Whatever the author's exception does when it is looked at, the run has an answer."""

    class Evil(Exception):
        @property  # type: ignore[misc]
        def __class__(self) -> Any:
            raise ZeroDivisionError("looked at")

    assert failed(invoked(raising(Evil("why"))))[0] == "looked at"

    def refuse(result: object) -> str:
        raise Evil("why")

    encoding = running(lambda self: 1, _serialize_result=staticmethod(refuse))
    assert failed(invoked(encoding))[0] == f"{reasons.RESULT_NOT_SERIALIZABLE}why"


def test_suspend() -> None:
    """SuspendTask, raised as a class or as an object, sends no answer."""
    kind: Any = SuspendTask
    assert invoked(raising(kind)) == Suspended()
    assert invoked(raising(SuspendTask("why"))) == Suspended()


def test_hand_over() -> None:
    """HandOverTask sends no answer either, and is told apart from a suspension."""
    kind: Any = HandOverTask
    assert invoked(raising(kind)) == invoked(raising(HandOverTask("why"))) == HandedOver()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups are younger than Python 3.10")
def test_a_group_of_nothing_but_suspend_task() -> None:
    """It counts as one, as a TaskGroup raises it; with an error beside it, it is a failure."""
    group = BaseExceptionGroup  # noqa: F821
    alone = group("", [SuspendTask(), group("", [SuspendTask()])])
    assert invoked(raising(alone)) == Suspended()
    assert invoked(raising(group("", [HandOverTask()]))) == HandedOver()
    for other in (ValueError("why"), CancelTask(), HandOverTask()):
        assert "sub-exceptions" in failed(invoked(raising(group("", [SuspendTask(), other]))))[0]


def test_an_error_that_is_no_group() -> None:
    """Its attribute may be anything: the error itself is the reason."""
    error = ValueError("why")
    for exceptions in ((error,), (SuspendTask(),), None):
        error.exceptions = exceptions  # type: ignore[attr-defined]
        reason, details = failed(invoked(raising(error)))
        assert reason == "why"
        assert "Traceback" in details


# Values


@pytest.mark.parametrize(
    ("value", "said"),
    [({"a": {1}}, "set at result['a']"), (object(), "object at result")],
)
def test_a_result_that_is_not_json(value: object, said: str) -> None:
    """It fails with the fixed reason, the type and the path."""
    reason, details = failed(invoked(running(lambda self: value)))
    assert reason.startswith(reasons.RESULT_NOT_SERIALIZABLE + said)
    assert "SerializationError" in details


def test_no_failure_shows_its_error() -> None:
    """The text of the exception in it is its reason, which may be a secret."""
    assert "SECRET" not in repr(invoked(raising(ValueError("SECRET"))))
