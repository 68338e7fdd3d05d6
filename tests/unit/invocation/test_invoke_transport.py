"""Values through an activity's own methods, and texts that SWF would not take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flowy import reasons
from flowy.exception import TooLongError
from flowy.invocation import Completed, Failed, StatusRecord
from tests.unit.invocation.activities import Plain, failed, invoked, running


def broken(_: Any) -> Any:
    raise ZeroDivisionError("broken")


def test_transport_overridden() -> None:
    """Both ways go through the activity's methods: input and result are any text, or none."""
    activity = running(
        lambda self, value: value,
        _deserialize_arguments=staticmethod(lambda text: ((text,), {})),
        _serialize_result=lambda self, result: f"<{result}>",
    )
    assert invoked(activity, "anything") == Completed("<anything>")
    assert invoked(activity, None) == Completed("<None>")


@pytest.mark.parametrize("body", [broken, *(lambda _, it=it: it for it in (None, 1, (1,), (1, 2)))])
def test_a_broken_way_in(body: Callable[..., Any]) -> None:
    """An override that raises or returns anything but args and kwargs is a failure."""
    activity = running(lambda self: 1, _deserialize_arguments=staticmethod(body))
    assert failed(invoked(activity))[0].startswith(reasons.INPUT_UNREADABLE)


def test_keys_that_are_not_names() -> None:
    """Keyword arguments that Python cannot pass are a misfit."""
    activity = running(lambda self: 1, _deserialize_arguments=staticmethod(lambda _: ([], {1: 2})))
    assert failed(invoked(activity))[0].startswith(reasons.INPUT_MISFIT)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (broken, "broken"),
        (lambda _: None, "_serialize_result returned NoneType; it must return text"),
        (lambda _: b"1", "_serialize_result returned bytes; it must return text"),
    ],
)
def test_a_broken_way_out(body: Callable[..., Any], said: str) -> None:
    """An override that raises or returns anything but text is a failure."""
    activity = running(lambda self: 1, _serialize_result=staticmethod(body))
    assert failed(invoked(activity))[0] == reasons.RESULT_NOT_SERIALIZABLE + said


def test_an_override_that_finds_the_result_too_long() -> None:
    """It may know a limit of its own; the reason begins as for SWF's."""

    def encode(_: Any) -> str:
        raise TooLongError("40,000 characters", length=40_000, limit=32_768)

    activity = running(lambda self: 1, _serialize_result=staticmethod(encode))
    assert failed(invoked(activity))[0] == reasons.RESULT_TOO_LONG + "40,000 characters"


def test_failures_overridden() -> None:
    """The override sees what Flowy would send, and writes it in its own format."""
    seen: list[tuple[Any, ...]] = []

    def encode(*failure: Any) -> tuple[str, str | None]:
        seen.append(failure)
        return "R", "D"

    error = ValueError("why")

    def body(self: Plain, value: int) -> None:
        raise error

    activity = running(body, _serialize_failure=staticmethod(encode))
    assert invoked(activity, "[[1], {}]") == Failed("R", "D", error, own_format=True)
    assert invoked(activity, "{") == Failed("R", "D", seen[1][0], own_format=True)
    assert seen[0][:2] == (error, "why")
    assert "ValueError: why" in seen[0][2]
    assert seen[1][1].startswith(reasons.INPUT_UNREADABLE)


def fails(self: Plain) -> None:
    raise ValueError("SECRET")


def test_details_that_an_override_leaves_are_flowys() -> None:
    """The worker may add the last heartbeat to them."""
    override = staticmethod(lambda error, reason, details: (f"!{reason}", details))
    answer = invoked(running(fails, _serialize_failure=override))
    assert isinstance(answer, Failed)
    assert (answer.reason, answer.own_format) == ("!SECRET", False)


@pytest.mark.parametrize("body", [broken, *(lambda _, it=it: it for it in (None, 1, (1, 2)))])
def test_a_broken_way_out_for_failures(
    body: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """SWF gets the failure as Flowy writes it, and the log says so, without a value."""
    override = staticmethod(lambda error, reason, details: body(error))
    assert failed(invoked(running(fails, _serialize_failure=override)))[0] == "SECRET"
    (record,) = caplog.records
    assert "_serialize_failure raised" in record.getMessage()
    assert "SECRET" not in record.getMessage()


def test_the_status_is_left_alone() -> None:
    """An activity that asks nothing is told nothing."""
    status = StatusRecord()
    status.closed()
    assert invoked(running(lambda self: None), status=status) == Completed("null")
