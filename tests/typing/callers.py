"""What a caller's own code looks like to mypy --strict and to pyright: checked, never run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowy import Activity, AsyncActivity, activity, call_activity

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient
    from typing_extensions import assert_type


@activity(name="echo", version=1, task_list="list")
class Echo(Activity):
    """Any signature may override ``run``."""

    def run(self, value: int, *rest: str, key: bool = False) -> int:
        return value


@activity("other", "1", "list")
class Other(Activity):
    """It may have no arguments, and no value."""

    def run(self) -> None:
        """Do nothing."""


@activity("open", 1, "list")
class Open(Activity):
    """It may take keywords of any name."""

    def run(self, *values: int, **more: str) -> dict[str, Any]:
        return {**more}


@activity("later", 1, "list")
class Later(AsyncActivity):
    """A call returns what its coroutine does."""

    async def run(self, value: int, *, key: str = "") -> str:
        return f"{value}{key}"


def calls_by_class(client: SWFClient) -> None:
    """A call of a class has the arguments and the value of its ``run``."""
    assert_type(call_activity("domain", Echo, 1, "a", key=True), int)
    assert_type(call_activity("domain", Later, 1, key="a"), str)
    assert_type(call_activity("domain", Echo, 1, kwargs={"key": True}, layer1=client), int)
    assert_type(call_activity("domain", Later, 1, kwargs={}, timeout=5, grace=1), str)
    call_activity("domain", Other)
    call_activity("domain", Echo, "a")  # type: ignore[call-overload]
    call_activity("domain", Echo)  # type: ignore[call-overload]
    call_activity("domain", Later, 1, kye="a")  # type: ignore[call-arg]
    call_activity("domain", Other, 1)  # type: ignore[call-overload]
    assert_type(call_activity("domain", Open, 1, 2, name="a"), dict[str, Any])
    assert_type(call_activity("domain", Open, 1, kwargs={"name": "a"}, timeout=5), dict[str, Any])
    call_activity("domain", Open, "a")  # type: ignore[call-overload]
    call_activity("domain", Open, name=1)  # type: ignore[call-overload]
    call_activity("domain", Echo, 1, kwargs={}, timout=5)  # type: ignore[arg-type]
