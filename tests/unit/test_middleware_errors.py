"""Middleware and exceptions: what it sees, what it raises, and which frames stay out."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path

import pytest

import flowy
from flowy import Activity, AsyncActivity, CancelTask, SuspendTask
from flowy.invocation import (
    Answer,
    Canceled,
    StatusRecord,
    Suspended,
)
from flowy.middleware import Run, around
from tests.unit.middlewares import (
    KINDS,
    AsyncEcho,
    Both,
    answer_of,
    failure_of,
    frames,
)


@KINDS
def test_it_sees_the_exception_itself(kind: type[Activity]) -> None:
    """Middleware catches the very object that fails the task."""
    seen: list[BaseException] = []

    class Reporting(Both):
        def failed(self, error: BaseException) -> None:
            seen.append(error)

    failure = failure_of(kind, Reporting(), Reporting(), input='[["raise it"], {}]')
    assert seen == [failure.error, failure.error]
    assert isinstance(failure.error, ValueError)
    assert failure.reason == "raise it"


@pytest.mark.parametrize(
    ("steering", "answer"),
    [(SuspendTask(), Suspended()), (CancelTask("half"), Canceled("half"))],
    ids=["SuspendTask", "CancelTask"],
)
@pytest.mark.parametrize("is_async", [False, True])
def test_what_steers_passes(steering: Exception, answer: Answer, is_async: bool) -> None:
    """SuspendTask and CancelTask go through middleware and mean what they mean without it."""
    status = StatusRecord()
    status.accepted(cancel_requested=True)
    status.tell()

    class Steering(Activity):
        def run(self) -> None:
            raise steering

    class AsyncSteering(AsyncActivity):
        async def run(self) -> None:
            raise steering

    kind = AsyncSteering if is_async else Steering
    passed = around(lambda run: contextlib.nullcontext())
    assert answer_of(kind, Both(), passed, status=status) == answer


@KINDS
def test_what_it_raises_fails_the_task(kind: type[Activity]) -> None:
    """An exception of middleware is a failure like one of ``run``, with its own frames."""

    class Broken(Both):
        def before(self, run: Run) -> Run:
            raise RuntimeError("no database")

    failure = failure_of(kind, Broken(), input="[[], {}]")
    assert failure.reason == "no database"
    assert frames(failure) == ["run_async" if kind is AsyncEcho else "run", "before"]


@KINDS
def test_frames_of_middleware_that_passes_an_exception_on_stay_out(kind: type[Activity]) -> None:
    """SWF gets the frames of the activity, as without middleware."""
    plain = failure_of(kind, input='[["raise"], {}]')
    within = around(lambda run: contextlib.nullcontext())
    wrapped = failure_of(kind, Both(), within, Both(), input='[["raise"], {}]')
    assert frames(plain) == frames(wrapped) == ["run"]
    assert wrapped.details == plain.details


@KINDS
def test_frames_stay_out_of_an_exception_that_it_replaces(kind: type[Activity]) -> None:
    """The cause shows the activity, the new exception the middleware; Flowy's frames neither."""

    class Replacing(Both):
        def failed(self, error: BaseException) -> None:
            raise LookupError("replaced") from error

    failure = failure_of(kind, Replacing(), Both(), input='[["raise"], {}]')
    method = "run_async" if kind is AsyncEcho else "run"
    assert failure.reason == "replaced"
    assert frames(failure) == ["run", method, "failed"]


@KINDS
def test_frames_of_around_stay_out(kind: type[Activity]) -> None:
    """A context manager that raises shows its own frames, and none of Flowy's."""

    class Manager(contextlib.AbstractContextManager[None]):
        def __init__(self, *, at_exit: bool) -> None:
            self.at_exit = at_exit

        def __enter__(self) -> None:
            if not self.at_exit:
                raise RuntimeError("no entrance")

        def __exit__(self, *_: object) -> None:
            raise RuntimeError("no exit")

    entering = failure_of(kind, around(lambda run: Manager(at_exit=False)), input="[[], {}]")
    exiting = failure_of(kind, around(lambda run: Manager(at_exit=True)), input='[["raise"], {}]')
    for failure in (entering, exiting):
        assert str(Path(flowy.__file__).parent) not in (failure.details or "")
    assert frames(entering)[-1] == "__enter__"
    assert (frames(exiting)[0], frames(exiting)[-1]) == ("run", "__exit__")


def test_an_exception_that_takes_no_attributes_keeps_its_details() -> None:
    """An exception class that is frozen may be the cause of another one."""

    @dataclasses.dataclass(frozen=True)
    class Frozen(Exception):
        code: int

    class Raising(Activity):
        def run(self) -> None:
            raise Frozen(7)

    class Replacing(Both):
        def failed(self, error: BaseException) -> None:
            raise LookupError("replaced") from error

    failure = failure_of(Raising, Replacing(), input="[[], {}]")
    assert frames(failure) == ["run", "run", "failed"]
