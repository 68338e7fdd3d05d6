"""Activities for deciders written by hand: one object, one value, or text."""

from __future__ import annotations

from typing import Any

import pytest

from flowy import reasons
from flowy.exception import ActivityFailedError, InputError
from flowy.task import Activity, AsyncActivity
from flowy.testing import ActivityEnvironment
from flowy.transport.plain import ObjectActivity, TextActivity, ValueActivity


def ran(base: type[Activity], input: str) -> tuple[Any, str | None]:
    """Run an activity that returns its arguments; return them and the result on the wire."""

    class Tells(base):  # type: ignore[valid-type,misc]
        def run(self, *args: Any, **kwargs: Any) -> Any:
            seen.append((args, kwargs))
            return "done"

    seen: list[Any] = []
    env = ActivityEnvironment(serialize_arguments=lambda *_: input, deserialize_result=str)
    env.run(Tells)
    assert env.answer is not None
    return seen[0], env.answer.result


@pytest.mark.parametrize(
    ("base", "input", "arguments", "result"),
    [
        (ObjectActivity, '{"path": "a.png", "width": 800}', ((), {"path": "a.png", "width": 800}),
            '"done"'),
        (ObjectActivity, "{}", ((), {}), '"done"'),
        (ObjectActivity, "", ((), {}), '"done"'),
        (ValueActivity, "[1, 2]", (([1, 2],), {}), '"done"'),
        (ValueActivity, '{"a": 1}', (({"a": 1},), {}), '"done"'),
        (ValueActivity, "null", ((None,), {}), '"done"'),
        (ValueActivity, "", ((), {}), '"done"'),
        (TextActivity, "a.png", (("a.png",), {}), "done"),
        (TextActivity, "", (("",), {}), "done"),
        (TextActivity, '{"a": 1}', (('{"a": 1}',), {}), "done"),
    ],
)  # fmt: skip
def test_what_a_decider_sends_and_gets(
    base: type[Activity], input: str, arguments: Any, result: str
) -> None:
    """One input, one way to read it; the result is JSON, or text for the class of texts."""
    assert ran(base, input) == (arguments, result)


@pytest.mark.parametrize("base", [ObjectActivity, ValueActivity, TextActivity])
def test_no_input_is_no_argument(base: type[Activity]) -> None:
    """SWF's input is optional: a ``run`` with defaults needs none."""
    args, kwargs = base._deserialize_arguments(None)
    assert (tuple(args), kwargs) == ((), {})


@pytest.mark.parametrize(
    ("base", "input", "said"),
    [
        (ObjectActivity, '["SECRET"]', "it is not a JSON object but a list."),
        (ObjectActivity, '"SECRET"', "it is not a JSON object but a string."),
        (ObjectActivity, "{SECRET", "it is not JSON ("),
        (ValueActivity, "SECRET", "it is not JSON ("),
        (ValueActivity, "[" * 1_000_000, "it is nested too deep to be read."),
    ],
)
def test_unreadable_input(base: type[Activity], input: str, said: str) -> None:
    """The error has the place and the type, never the value."""
    with pytest.raises(InputError) as caught:
        base._deserialize_arguments(input)
    assert str(caught.value).startswith(said)
    assert "SECRET" not in str(caught.value)


def test_keys_that_run_does_not_take() -> None:
    """A member of the object that ``run`` does not know is a misfit."""

    class Resize(ObjectActivity):
        def run(self, path: str) -> str:
            return path

    env = ActivityEnvironment(serialize_arguments=lambda *_: '{"path": "a", "wide": 1}')
    with pytest.raises(ActivityFailedError) as caught:
        env.run(Resize)
    assert caught.value.reason.startswith(reasons.INPUT_MISFIT)


def test_text_that_is_none_and_text_that_is_no_text() -> None:
    """None is the empty result; a value that is not text fails, and the error does not show it."""

    class Says(TextActivity):
        def run(self, text: str) -> Any:
            return None if text == "none" else {"SECRET": 1}

    texts: dict[str, Any] = {"deserialize_result": str}
    assert ActivityEnvironment(serialize_arguments=lambda *_: "none", **texts).run(Says) == ""
    with pytest.raises(ActivityFailedError) as caught:
        ActivityEnvironment(serialize_arguments=lambda *_: "x", **texts).run(Says)
    said = "dict at result is not text. Return text or None."
    assert caught.value.reason == reasons.RESULT_NOT_SERIALIZABLE + said


def test_formats_mix() -> None:
    """Objects in, raw text out, in a coroutine: the first base that has it says how it travels."""

    class Resize(ObjectActivity, TextActivity, AsyncActivity):
        async def run(self, path: str, width: int = 800) -> str:
            return f"{path} at {width}"

    env = ActivityEnvironment(
        serialize_arguments=lambda *_: '{"path": "a.png"}', deserialize_result=str
    )
    assert env.run(Resize) == "a.png at 800"
