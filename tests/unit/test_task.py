"""An activity's call: decode, run, encode, and exactly one answer."""

from __future__ import annotations

import dataclasses
import functools
import inspect
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
    TooLongError,
)
from flowy.heartbeat import Verdict
from flowy.task import Activity
from tests.unit.test_context import INFO


class Recorder:
    """A scheduler that keeps what an activity answers; it takes results of up to 100."""

    def __init__(self, *verdicts: Verdict) -> None:
        self.answers: list[tuple[str | None, ...]] = []
        self.beats: list[str | None] = []
        self._verdicts = list(verdicts) or [Verdict.GO_ON]

    def heartbeat(self, token: str, details: str | None = None) -> Verdict:
        assert token == "token"
        self.beats.append(details)
        return self._verdicts.pop(0) if len(self._verdicts) > 1 else self._verdicts[0]

    def verdict(self, token: str) -> Verdict:
        assert token == "token"
        return self._verdicts[0]

    def complete(self, token: str, result: str) -> bool:
        if len(result) > 100:
            raise TooLongError("the result has too many", length=len(result), limit=100)
        return self._keep("completed", token, result)

    def fail(self, token: str, reason: str, details: str | None = None) -> bool:
        return self._keep("failed", token, reason, details)

    def cancel(self, token: str, details: str | None = None) -> bool:
        return self._keep("canceled", token, details)

    def suspend(self, token: str) -> None:
        self._keep("suspended", token)

    def give_up(self, token: str) -> None:
        self._keep("given up", token)

    def _keep(self, verb: str, token: str, *texts: str | None) -> bool:
        assert token == "token"
        self.answers.append((verb, *texts))
        return True


def called(
    kind: type[Activity], input: str | None = "[[], {}]", *verdicts: Verdict
) -> tuple[str | None, ...]:
    """Call an activity, and return its one answer."""
    recorder = Recorder(*verdicts)
    kind(input, recorder, "token")()
    assert len(recorder.answers) == 1
    return recorder.answers[0]


def running(body: Callable[..., Any]) -> type[Activity]:
    """Return an activity whose ``run`` is *body*."""
    return type("Running", (Activity,), {"run": body})


def raising(error: BaseException) -> type[Activity]:
    def body(self: Activity) -> None:
        raise error

    return running(body)


def failed(answer: tuple[str | None, ...]) -> tuple[str, str]:
    """Return the reason and the details of an answer that must be *failed*."""
    verb, reason, details = answer
    assert verb == "failed"
    assert reason is not None
    return reason, details or ""


def test_arguments_and_value() -> None:
    """The input's args and kwargs are ``run``'s, the value's JSON is the result."""
    echo = running(lambda self, value, *args, **kwargs: [value, args, kwargs])
    answer = called(echo, '[[1, 2, "\u00e4"], {"key": null}]')
    assert answer == ("completed", '[1, [2, "\\u00e4"], {"key": null}]')


def test_none_completes() -> None:
    """An activity that was told nothing and returns None has completed, with JSON's null."""
    assert called(running(lambda self: None)) == ("completed", "null")


def test_token() -> None:
    """The token is there from the construction on, and cannot be changed by accident."""
    activity = Activity(None, Recorder(), "token")
    assert activity.token == "token"
    with pytest.raises(AttributeError):
        activity.token = "other"  # type: ignore[misc]


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
    assert called(running(run), "[[1], {}]") == ("completed", '["injected", 1]')


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
    assert called(running(run), "[[1], {}]") == ("completed", "2")


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
    recorder = Recorder()
    with pytest.raises(type(error)):
        raising(error)("[[], {}]", recorder, "token")()
    ((reason, _details),) = (failed(answer) for answer in recorder.answers)
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
    """It fails with the fixed reason and the scheduler's words."""
    reason, _ = failed(called(running(lambda self: "x" * 200)))
    assert reason == reasons.RESULT_TOO_LONG + "the result has too many"


def test_suspend() -> None:
    """SuspendTask, raised as a class or an object, sends no answer."""
    kind: Any = SuspendTask
    assert called(raising(kind)) == ("suspended",)
    assert called(raising(SuspendTask("why"))) == ("suspended",)


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
    assert called(Overridden, "anything") == ("completed", "<anything>")
    assert called(Overridden, None) == ("completed", "<None>")


class OverriddenWithSelf(Overridden):
    """The same by methods that know the activity."""

    def _serialize_result(self, result: Any) -> str:  # type: ignore[override]
        return f"{self.token}{result}"


def test_transport_overridden_by_plain_methods() -> None:
    """An override need not be static."""
    assert called(OverriddenWithSelf, "x") == ("completed", "tokenx")


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
    assert called(beating(told=told), "[[], {}]", Verdict.GO_ON) == ("completed", "null")
    assert told == [True]


@pytest.mark.parametrize(
    ("verdict", "answer"),
    [
        (Verdict.CANCEL_REQUESTED, ("canceled", None)),
        (Verdict.STOPPING, ("given up",)),
        (
            Verdict.LOST,
            (
                "failed",
                "Heartbeat lost: the activity gave up, for no heartbeat was accepted for too long.",
                None,
            ),
        ),
    ],
)
def test_none_after_false(verdict: Verdict, answer: tuple[str | None, ...]) -> None:
    """Once a beat has answered False, None is no completion: the worker answers what fits."""
    told: list[bool] = []
    assert called(beating(told=told), "[[], {}]", verdict) == answer
    assert told == [False]


def test_none_after_closed() -> None:
    """A closed task gets no answer: SWF would refuse any."""
    recorder = Recorder(Verdict.CLOSED)
    beating()("[[], {}]", recorder, "token")()
    assert recorder.answers == []


@pytest.mark.parametrize(
    "verdict", [verdict for verdict in Verdict if verdict is not Verdict.GO_ON]
)
def test_a_value_after_false(verdict: Verdict) -> None:
    """Any other value still completes, falsy ones too."""
    for value, text in ((1, "1"), (0, "0"), ("", '""'), (False, "false")):
        assert called(beating(value), "[[], {}]", verdict) == ("completed", text)


def test_an_exception_after_false() -> None:
    """An exception is a failure, whatever the beat said."""
    for verdict in (Verdict.CANCEL_REQUESTED, Verdict.STOPPING, Verdict.LOST, Verdict.CLOSED):
        answer = called(beating(ValueError("why")), "[[], {}]", verdict)
        assert failed(answer)[0] == "why"


@pytest.mark.parametrize(
    ("details", "text"), [(None, None), ("half", "half"), ({"done": 1}, '{"done": 1}'), (0, "0")]
)
def test_details_of_a_beat(details: object, text: str | None) -> None:
    """Text goes as it is, another value as JSON, None not at all."""
    recorder = Recorder()
    beating(details=details)("[[], {}]", recorder, "token")()
    assert recorder.beats == [text]


def test_details_without_a_json_form() -> None:
    """They are the author's mistake: an error in ``run``, and so a failure."""
    reason, details = failed(called(beating(details={1})))
    assert reason.startswith("set at result")
    assert SerializationError.__name__ in details


def test_the_spelling_of_the_first_flowy() -> None:
    """``hearbeat`` is ``heartbeat``."""
    assert Activity.hearbeat is Activity.heartbeat


def canceling(details: str | None = None, *, look: str = "heartbeat") -> type[Activity]:
    def body(self: Activity) -> None:
        if look == "heartbeat":
            self.heartbeat()
        elif look == "property":
            assert self.cancel_requested
        raise CancelTask(details)

    return running(body)


@pytest.mark.parametrize("look", ["heartbeat", "property"])
def test_cancel_task(look: str) -> None:
    """After the activity was told, CancelTask answers *canceled*, with its details."""
    verdict = Verdict.CANCEL_REQUESTED
    assert called(canceling(look=look), "[[], {}]", verdict) == ("canceled", None)
    assert called(canceling("why", look=look), "[[], {}]", verdict) == ("canceled", "why")
    number: Any = 5
    assert called(canceling(number, look=look), "[[], {}]", verdict) == ("canceled", "5")


def test_cancel_task_without_a_request() -> None:
    """Nobody asked, so it is a failure that says so; a request not seen is none."""
    looks = (("heartbeat", Verdict.GO_ON), ("nowhere", Verdict.CANCEL_REQUESTED))
    for look, verdict in looks:
        reason, details = failed(called(canceling("why", look=look), "[[], {}]", verdict))
        assert reason.startswith(reasons.CANCEL_NOT_REQUESTED)
        assert "CancelTask: why" in details


def test_cancel_requested_makes_no_call() -> None:
    """The property tells what the latest beat brought, without one of its own."""
    recorder = Recorder(Verdict.GO_ON, Verdict.CANCEL_REQUESTED)
    activity = Activity(None, recorder, "token")
    assert not activity.cancel_requested
    activity.heartbeat()
    assert activity.cancel_requested
    assert recorder.beats == [None]


def test_cancel_requested_that_was_read_and_obeyed() -> None:
    """An activity that read ``cancel_requested`` as True and returns None was canceled."""

    def body(self: Activity) -> None:
        assert self.cancel_requested

    assert called(running(body), "[[], {}]", Verdict.CANCEL_REQUESTED) == ("canceled", None)


def test_an_activity_that_never_looked_has_completed() -> None:
    """A request that the activity was not told of changes nothing."""
    answer = called(running(lambda self: None), "[[], {}]", Verdict.CANCEL_REQUESTED)
    assert answer == ("completed", "null")


# What is known of the task


def test_info() -> None:
    """``info`` is what the worker set, and a clear error outside a worker."""
    activity = Activity(None, Recorder(), "token")
    with entered(INFO):
        assert activity.info is INFO
    with pytest.raises(OutsideActivityError, match="no worker runs one here"):
        _ = activity.info


def test_the_log_names_the_task(caplog: pytest.LogCaptureFixture) -> None:
    """A failure is an ERROR line with the task and the exception's class, not its text."""
    with entered(dataclasses.replace(INFO, activity_id="77")):
        called(raising(ValueError("SECRET")))
    called(raising(ValueError("SECRET")))
    ours = [record for record in caplog.records if record.name == "flowy.task"]
    assert [record.levelno for record in ours] == [logging.ERROR] * 2
    assert "activity 77 of workflow flow) failed: ValueError" in ours[0].getMessage()
    assert "Activity Running failed: ValueError" in ours[1].getMessage()
    assert "SECRET" not in caplog.text


def test_an_author_may_use_the_name_info(caplog: pytest.LogCaptureFixture) -> None:
    """A class that has an ``info`` of its own fails as any other, and its own is not logged."""
    kind = type("Own", (raising(ValueError("why")),), {"info": "SECRET"})
    with entered(INFO):
        assert failed(called(kind))[0] == "why"
    assert "SECRET" not in caplog.text
