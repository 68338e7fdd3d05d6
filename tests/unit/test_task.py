"""An activity's call: decode, run, encode, and exactly one answer."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from flowy import reasons
from flowy.context import entered
from flowy.exception import (
    CancelTask,
    OutsideActivityError,
    SerializationError,
    SuspendTask,
)
from flowy.retry import Deadline
from flowy.task import Activity
from flowy.testing import ActivityEnvironment, Answer, Suspended, Unanswered
from flowy.testing.scripted import ScriptedTask
from tests.unit.test_context import INFO
from tests.unit.test_context import running as running_here


def environment(input: str | None = "[[], {}]", **script: Any) -> ActivityEnvironment:
    """Return what runs an activity whose task has this very input."""
    raw: Any = input
    return ActivityEnvironment(
        serialize_arguments=lambda _args, _kwargs: raw, deserialize_result=str, **script
    )


def called(
    kind: type[Activity],
    input: str | None = "[[], {}]",
    *,
    asked: bool = False,
    **script: Any,
) -> Answer | Suspended | Unanswered:
    """Run an activity, and return what SWF gets, or why it gets nothing.

    With *asked* a background heartbeat has brought a request to cancel before the run.
    """
    env = environment(input, **script)
    if asked:
        env.cancel()
    ended: Any = None
    try:
        ended = env.run(kind)
    except BaseException:
        if env.answer is None:  # it is nothing that SWF was told of
            raise
    return env.answer or ended


def completed(result: str) -> Answer:
    return Answer("completed", result=result)


def canceled(details: str | None = None) -> Answer:
    return Answer("canceled", details=details)


def running(body: Callable[..., Any]) -> type[Activity]:
    """Return an activity whose ``run`` is *body*."""
    return type("Running", (Activity,), {"run": body})


def raising(error: BaseException) -> type[Activity]:
    def body(self: Activity) -> None:
        raise error

    return running(body)


def failed(answer: object) -> tuple[str, str]:
    """Return the reason and the details of an answer that must be *failed*."""
    assert isinstance(answer, Answer)
    assert answer.kind == "failed"
    assert answer.reason is not None
    return answer.reason, answer.details or ""


def test_arguments_and_value() -> None:
    """The input's args and kwargs are ``run``'s, the value's JSON is the result."""
    echo = running(lambda self, value, *args, **kwargs: [value, args, kwargs])
    answer = called(echo, '[[1, 2, "\u00e4"], {"key": null}]')
    assert answer == completed('[1, [2, "\\u00e4"], {"key": null}]')


def test_none_completes() -> None:
    """An activity that was told nothing and returns None has completed, with JSON's null."""
    assert called(running(lambda self: None)) == completed("null")


def test_token() -> None:
    """The token is there from the construction on, and cannot be changed by accident."""

    class Constructed(Activity):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self.early = self.token

        def run(self) -> str:
            with pytest.raises(AttributeError):
                self.token = "other"  # type: ignore[misc]
            return f"{self.early} {self.token}"

    assert called(Constructed, token="mine") == completed('"mine mine"')


@pytest.mark.parametrize("input", [None, "", "{", "[]", '{"a": 1}', "[" * 1_000_000])
def test_unreadable_input(input: str | None) -> None:
    """Input that is no ``[args, kwargs]`` fails with the fixed reason, and ``run`` is not run."""
    reason, details = failed(called(raising(AssertionError("it ran")), input))
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
    reason, details = failed(called(running(lambda self, value: value), input))
    assert reason == reasons.INPUT_MISFIT + said
    assert details.endswith("\n")


def test_a_type_error_of_the_run_is_its_own() -> None:
    """A TypeError raised inside ``run`` is not taken for a misfit of the arguments."""
    reason, _ = failed(called(running(lambda self: len(1))))  # type: ignore[arg-type]
    assert reason == "object of type 'int' has no len()"


def injecting(body: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(body)
    def wrapper(self: Activity, *args: Any) -> Any:
        return body(self, "injected", *args)

    return wrapper


def test_a_run_whose_decorator_passes_an_argument() -> None:
    """What counts is what is called, not what ``functools.wraps`` says that it wraps."""
    run = injecting(lambda self, session, value: [session, value])
    assert called(running(run), "[[1], {}]") == completed('["injected", 1]')


class Unsigned:
    """A callable that has no signature to be read."""

    @property
    def __signature__(self) -> inspect.Signature:
        raise ValueError

    def __call__(self, value: int) -> int:
        return value + 1


@pytest.mark.parametrize("run", [Unsigned(), staticmethod(lambda value: value + 1)])
def test_other_callables(run: Any) -> None:
    """Whatever can be called as ``self.run`` runs."""
    assert called(running(run), "[[1], {}]") == completed("2")


def test_a_run_without_a_signature_is_simply_called() -> None:
    """Where Python cannot tell a signature, the call itself tells the misfit."""
    reason, _ = failed(called(running(Unsigned()), "[[1, 2], {}]"))
    assert "positional argument" in reason
    assert not reason.startswith(reasons.INPUT_MISFIT)


class Custom(BaseException):
    pass


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("Can't echo 1."), "Can't echo 1."),
        (ValueError(), "ValueError"),
        (Custom("why"), "why"),
        (GeneratorExit(), "GeneratorExit"),
        (RecursionError("too deep"), "too deep"),
        (MemoryError(), "MemoryError"),
        (StopIteration(3), "3"),
    ],
)
def test_any_exception_fails(error: BaseException, reason: str) -> None:
    """Its text is the reason, its traceback the details, without Flowy's own frames."""
    said, details = failed(called(raising(error)))
    assert said == reason
    assert __file__ in details
    assert "flowy/task.py" not in details


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit("bye")])
def test_what_ends_the_process_is_answered_first(error: BaseException) -> None:
    """KeyboardInterrupt and SystemExit fail the task, then go on up."""
    env = environment()
    with pytest.raises(type(error)):
        env.run(raising(error))
    reason, _ = failed(env.answer)
    assert reason in ("KeyboardInterrupt", "bye")


def test_an_infinite_recursion_fails() -> None:
    """A run that never comes back from calling itself is a failure like any other."""

    def body(self: Activity) -> Any:
        return self.run()

    reason, details = failed(called(running(body)))
    assert "recursion" in reason
    assert "RecursionError" in details


def test_a_base_activity_says_what_is_missing() -> None:
    """``run`` of the base class is a failure that names the class."""
    reason, _ = failed(called(type("Empty", (Activity,), {})))
    assert reason.startswith("Cannot run Empty")


@pytest.mark.parametrize(
    ("value", "said"),
    [({"a": {1}}, "set at result['a']"), (object(), "object at result")],
)
def test_a_result_that_is_no_json(value: object, said: str) -> None:
    """It fails with the fixed reason, the type and the path."""
    reason, details = failed(called(running(lambda self: value)))
    assert reason.startswith(reasons.RESULT_NOT_SERIALIZABLE + said)
    assert "SerializationError" in details


def test_a_result_that_is_too_long() -> None:
    """It fails with the fixed reason, its length and the limit."""
    assert called(running(lambda self: "x" * 32_766)) == completed(f'"{"x" * 32_766}"')
    reason, _ = failed(called(running(lambda self: "x" * 32_767)))
    said = "the result has 32,769 characters, SWF takes 32,768"
    assert reason.startswith(reasons.RESULT_TOO_LONG + said)


def test_suspend() -> None:
    """SuspendTask, raised as a class or an object, sends no answer."""
    kind: Any = SuspendTask
    assert called(raising(kind)) == Suspended("token")
    assert called(raising(SuspendTask("why"))) == Suspended("token")


class Overridden(Activity):
    """The transport changed as in the first Flowy, by static methods."""

    @staticmethod
    def _serialize_result(result: Any) -> str:
        return f"<{result}>"

    @staticmethod
    def _deserialize_arguments(input: str | None) -> tuple[Any, Any]:
        return (input,), {}

    def run(self, value: str) -> str:
        return value


def test_transport_overridden() -> None:
    """Both ways go through the author's methods; input and result are then any text, or none."""
    assert called(Overridden, "anything") == completed("<anything>")
    assert called(Overridden, None) == completed("<None>")


class OverriddenWithSelf(Overridden):
    """The same by methods that know the activity."""

    def _serialize_result(self, result: Any) -> str:  # type: ignore[override]
        return f"{self.token}{result}"


def test_transport_overridden_by_plain_methods() -> None:
    """An override need not be static."""
    assert called(OverriddenWithSelf, "x") == completed("tokenx")


def overriding(name: str, body: Callable[..., Any]) -> type[Activity]:
    return type("Overriding", (Activity,), {name: staticmethod(body), "run": lambda self: 1})


def broken(_: Any) -> Any:
    raise ZeroDivisionError("broken")


@pytest.mark.parametrize("body", [broken, *(lambda _, it=it: it for it in (None, 1, (1,), (1, 2)))])
def test_a_broken_way_in(body: Callable[..., Any]) -> None:
    """An override of the input's reading that raises or returns rubbish is a failure."""
    reason, _ = failed(called(overriding("_deserialize_arguments", body)))
    assert reason.startswith(reasons.INPUT_UNREADABLE)


def test_keys_that_are_no_names() -> None:
    """Keyword arguments that Python cannot pass are a misfit."""
    reason, _ = failed(called(overriding("_deserialize_arguments", lambda _: ([], {1: 2}))))
    assert reason.startswith(reasons.INPUT_MISFIT)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (broken, "broken"),
        (lambda _: None, "_serialize_result returned NoneType; it must return text"),
        (lambda _: b"1", "_serialize_result returned bytes; it must return text"),
    ],
)
def test_a_broken_way_out(body: Callable[..., Any], said: str) -> None:
    """An override of the result's writing that raises or returns rubbish is a failure."""
    reason, _ = failed(called(overriding("_serialize_result", body)))
    assert reason == reasons.RESULT_NOT_SERIALIZABLE + said


# Heartbeats


def beating(value: object = None, **how: Any) -> type[Activity]:
    """Return an activity that beats once and returns *value*, or raises it."""

    def body(self: Activity) -> Any:
        how.setdefault("told", []).append(self.heartbeat(how.get("details")))
        if isinstance(value, BaseException):
            raise value
        return value

    return running(body)


def test_a_beat_that_says_go_on() -> None:
    """True goes on; None is then a completion."""
    told: list[bool] = []
    assert called(beating(told=told)) == completed("null")
    assert told == [True]


def told_at_once(script: str) -> dict[str, Any]:
    """The option by which the first heartbeat learns it."""
    return {script: 1}


LOST = "Heartbeat lost: the activity gave up, for no heartbeat was accepted for too long."


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        ("cancel_at", canceled()),
        ("stop_at", Unanswered("the worker must stop")),
        ("lose_at", Answer("failed", reason=LOST)),
        ("close_at", Unanswered("the task is closed")),  # SWF would refuse any
    ],
)
def test_none_after_false(script: str, answer: object) -> None:
    """Once a beat has answered False, None is no completion: the worker answers what fits."""
    told: list[bool] = []
    assert called(beating(told=told), **told_at_once(script)) == answer
    assert told == [False]


@pytest.mark.parametrize("value", [1, 0, "", False])
def test_a_value_after_false(value: object) -> None:
    """Any other value still completes, falsy ones too; where the task is closed SWF refuses it."""
    for script in ("cancel_at", "stop_at", "lose_at"):
        assert called(beating(value), **told_at_once(script)) == completed(json.dumps(value))
    assert called(beating(value), close_at=1) == Unanswered("the task is closed")


def test_an_exception_after_false() -> None:
    """An exception is a failure, whatever the beat said."""
    for script in ("cancel_at", "stop_at", "lose_at"):
        assert failed(called(beating(ValueError("why")), **told_at_once(script)))[0] == "why"


@pytest.mark.parametrize(
    ("details", "text"), [(None, None), ("half", "half"), ({"done": 1}, '{"done": 1}'), (0, "0")]
)
def test_details_of_a_beat(details: object, text: str | None) -> None:
    """Text goes as it is, another value as JSON, None not at all."""
    env = environment()
    env.run(beating(details=details))
    assert env.heartbeats == [text]


def test_details_without_a_json_form() -> None:
    """They are the author's mistake: an error in ``run``, and so a failure."""
    reason, details = failed(called(beating(details={1})))
    assert reason.startswith("set at result")
    assert SerializationError.__name__ in details


@pytest.mark.parametrize(
    ("details", "text"), [(None, None), ("half", "half"), ({"done": 1}, '{"done": 1}')]
)
def test_progress_sends_no_beat(details: object, text: str | None) -> None:
    """It hands its details on, in the same form, and the activity learns nothing by it."""
    env = environment()
    env.run(running(lambda self: self.progress(details)))
    assert (env.progress, env.heartbeats) == ([text], [])


def test_the_spelling_of_the_first_flowy() -> None:
    """``hearbeat`` is ``heartbeat``."""
    assert Activity.hearbeat is Activity.heartbeat


def learning(body: Callable[..., Any]) -> type[Activity]:
    """Return an activity that learns of a request without a heartbeat of its own."""
    return type("Learning", (Activity,), {"run": body, "auto_heartbeat": True})


def canceling(details: str | None = None, *, look: str = "heartbeat") -> type[Activity]:
    def body(self: Activity) -> None:
        if look == "heartbeat":
            self.heartbeat()
        elif look == "property":
            assert self.cancel_requested
        raise CancelTask(details)

    return learning(body)


@pytest.mark.parametrize("look", ["heartbeat", "property"])
def test_cancel_task(look: str) -> None:
    """After the activity was told, CancelTask answers *canceled*, with its details."""
    assert called(canceling(look=look), asked=True) == canceled()
    assert called(canceling("why", look=look), asked=True) == canceled("why")
    number: Any = 5
    assert called(canceling(number, look=look), asked=True) == canceled("5")


def test_cancel_task_without_a_request() -> None:
    """Nobody asked, so it is a failure that says so; a request not seen is none."""
    for look, asked in (("heartbeat", False), ("nowhere", True)):
        reason, details = failed(called(canceling("why", look=look), asked=asked))
        assert reason.startswith(reasons.CANCEL_NOT_REQUESTED)
        assert "CancelTask: why" in details


def test_cancel_requested_makes_no_call() -> None:
    """The property tells what the latest beat brought, without one of its own."""

    def body(self: Activity) -> list[bool]:
        return [self.cancel_requested, self.heartbeat(), self.cancel_requested]

    env = environment(cancel_at=1)
    assert env.run(running(body)) == "[false, false, true]"
    assert env.heartbeats == [None]


def test_cancel_requested_that_was_read_and_obeyed() -> None:
    """An activity that read ``cancel_requested`` as True and returns None was canceled."""

    def body(self: Activity) -> None:
        assert self.cancel_requested

    assert called(learning(body), asked=True) == canceled()


def test_an_activity_that_never_looked_has_completed() -> None:
    """A request that the activity was not told of changes nothing."""
    assert called(learning(lambda self: None), asked=True) == completed("null")


# What is known of the task


def test_info() -> None:
    """``info`` is what the worker set, and a clear error outside a worker."""
    kept: list[Activity] = []

    def body(self: Activity) -> str:
        kept.append(self)
        return self.info.activity_id

    assert called(running(body), info={"activity_id": "77"}) == completed('"77"')
    with pytest.raises(OutsideActivityError, match="no worker runs an activity here"):
        _ = kept[0].info


def test_remaining() -> None:
    """What is left of the time that the worker told, and a clear error outside a worker."""
    kept: list[Activity] = []

    def body(self: Activity) -> list[float | None]:
        kept.append(self)
        with entered(running_here(deadline=Deadline(0))):
            return [self.remaining()]

    assert called(running(body)) == completed("[0.0]")
    with pytest.raises(OutsideActivityError, match="^Cannot tell the time left"):
        kept[0].remaining()


def test_the_log_names_the_task(caplog: pytest.LogCaptureFixture) -> None:
    """A failure is an ERROR line with the task and the exception's class, not its text."""
    called(raising(ValueError("SECRET")), info=dataclasses.replace(INFO, activity_id="77"))
    alone = ScriptedTask(
        "token",
        subject="",
        on_stop="abandon",
        learns_at_once=False,
        script={},
        on_heartbeat=lambda _: None,
    )
    raising(ValueError("SECRET"))("[[], {}]", alone, "token")()
    ours = [record for record in caplog.records if record.name == "flowy.task"]
    assert [record.levelno for record in ours] == [logging.ERROR] * 2
    assert "activity 77 of workflow flow) failed: ValueError" in ours[0].getMessage()
    assert "Activity Running failed: ValueError" in ours[1].getMessage()
    assert "SECRET" not in caplog.text


def test_an_author_may_use_the_name_info(caplog: pytest.LogCaptureFixture) -> None:
    """A class that has an ``info`` of its own fails as any other, and its own is not logged."""
    kind = type("Own", (raising(ValueError("why")),), {"info": "SECRET"})
    assert failed(called(kind))[0] == "why"
    assert "SECRET" not in caplog.text
