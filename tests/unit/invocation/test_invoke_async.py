"""One run of a coroutine: as that of a function, with what may take time in a thread."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from flowy import reasons
from flowy.exception import SuspendTask
from flowy.invocation import Answer, Completed, Failed, StatusRecord, Suspended, invoke_async
from flowy.transport import encode_result
from tests.unit.invocation.activities import Plain, failed, running


def awaited(activity: Plain, input: str | None = "[[], {}]") -> Answer:
    """Return the answer of one run."""
    return asyncio.run(invoke_async(activity, input, StatusRecord()))


def test_arguments_and_value() -> None:
    """The input's args and kwargs are ``run``'s, the value's JSON is the result."""

    async def body(self: Plain, value: Any, *args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(0)
        return [value, args, kwargs]

    assert awaited(running(body), '[[1, 2], {"key": null}]') == Completed('[1, [2], {"key": null}]')


def test_results_are_encoded_in_a_thread() -> None:
    """Encoding may take long, and must not keep the event loop from other coroutines."""
    threads: list[threading.Thread] = []

    async def body(self: Plain) -> int:
        threads.append(threading.current_thread())
        return 1

    def encode(result: Any) -> str:
        threads.append(threading.current_thread())
        return encode_result(result)

    assert awaited(running(body, _serialize_result=staticmethod(encode))) == Completed("1")
    loop, thread = threads
    assert thread is not loop


def test_decoding_that_blocks_and_failures_are_left_to_a_thread() -> None:
    """Overrides may make calls, and must not keep the event loop from other coroutines."""
    threads: list[threading.Thread] = []

    async def body(self: Plain) -> int:
        threads.append(threading.current_thread())
        raise ValueError("why")

    def decode(_: Any) -> tuple[Any, Any]:
        threads.append(threading.current_thread())
        return (), {}

    def encode(error: Any, reason: str, details: Any) -> tuple[str, Any]:
        threads.append(threading.current_thread())
        return f"!{reason}", details

    overrides: dict[str, Any] = {
        "_decoding_blocks": True,
        "_deserialize_arguments": staticmethod(decode),
        "_serialize_failure": staticmethod(encode),
    }
    assert failed(awaited(running(body, **overrides)))[0] == "!why"
    first, loop, last = threads
    assert loop not in (first, last)


@pytest.mark.parametrize(
    ("input", "reason"),
    [("{", reasons.INPUT_UNREADABLE), ("[[1], {}]", reasons.INPUT_MISFIT + "run() too many")],
)
def test_arguments_that_do_not_fit(input: str, reason: str) -> None:
    """They fail with the fixed reasons, before the run."""

    async def body(self: Plain) -> None:
        raise AssertionError("it ran")

    assert failed(awaited(running(body), input))[0].startswith(reason)


@pytest.mark.parametrize(
    "error", [ValueError("why"), KeyboardInterrupt(), SystemExit("bye")], ids=repr
)
def test_any_exception_fails(error: BaseException) -> None:
    """It ends neither the loop nor the program; details begin at the author's frames."""

    async def body(self: Plain) -> None:
        await asyncio.sleep(0)
        raise error

    answer = awaited(running(body))
    reason, details = failed(answer)
    assert reason == (str(error) or type(error).__name__)
    assert __file__ in details
    assert "flowy/invocation" not in details
    assert isinstance(answer, Failed)
    assert answer.error is error


def test_suspend() -> None:
    """SuspendTask sends no answer."""

    async def body(self: Plain) -> None:
        raise SuspendTask

    assert awaited(running(body)) == Suspended()


def test_what_the_coroutine_awaits_comes_back() -> None:
    """Values and exceptions of what it awaits reach it, as without Flowy around it."""

    async def body(self: Plain) -> Any:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        loop.call_soon(future.set_exception, ValueError("why"))
        try:
            await future
        except ValueError as error:
            return [str(error), await asyncio.gather(asyncio.sleep(0, 1), asyncio.sleep(0, 2))]

    assert awaited(running(body)) == Completed('["why", [1, 2]]')
