"""What an author's own code looks like to mypy --strict: checked, never run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowy import (
    Activity,
    ActivityInfo,
    AsyncActivity,
    CancelTask,
    HandOverTask,
    SuspendTask,
    activity,
    async_scheduler,
    call_activity,
    start_activity_worker,
)
from flowy.swf.worker import StopReport
from flowy.transport.plain import ObjectActivity, TextActivity
from flowy.transport.simpleflow import SimpleflowActivity

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient
    from typing_extensions import assert_type


@activity(name="echo", version=1, task_list="my_tasklist")
class Echo(Activity):
    """Any signature may override ``run``."""

    def run(self, value: int, *rest: str, key: bool = False) -> int:
        if not self.heartbeat({"done": 1}) or not self.hearbeat():
            raise CancelTask("because")
        if key:
            raise SuspendTask
        return value


@activity("other", "1", "list", heartbeat=None, schedule_to_close="60", start_to_close=None)
class Other(Activity):
    """The transport may be overridden, statically."""

    @staticmethod
    def _serialize_result(result: Any) -> str:
        return str(result)

    @staticmethod
    def _deserialize_arguments(input: str | None) -> tuple[Any, Any]:
        return (), {}

    @staticmethod
    def _serialize_failure(
        error: BaseException | None, reason: str, details: str | None
    ) -> tuple[str, str | None]:
        return type(error).__name__, details

    def run(self) -> None:
        """Do nothing."""


class Resize(ObjectActivity, TextActivity, AsyncActivity):
    """A format is a base class, of coroutines too, and two of them mix."""

    async def run(self, path: str, width: int = 800) -> str:
        return f"{path} at {width}"


class Charge(SimpleflowActivity, AsyncActivity):
    """Likewise for simpleflow's deciders."""

    jumbo_bucket = "bucket/folder"

    async def run(self, order: str) -> None:
        raise HandOverTask


def the_class_is_unchanged() -> None:
    """The decorator keeps the class's own type."""
    assert_type(Echo, type[Echo])
    echo = Echo("[[1], {}]", None, "token")  # type: ignore[arg-type]  # None is no scheduler
    assert_type(echo.run(1, "a", key=True), int)
    assert_type(echo.token, str)
    assert_type(echo.info, ActivityInfo)
    assert_type(echo.info.heartbeat, int | None)
    assert_type(echo.cancel_requested, bool)
    assert_type(echo.heartbeat(), bool)


def workers(client: SWFClient) -> None:
    """A typed boto3 client, or none, or any object."""
    start_activity_worker("domain", "list")
    start_activity_worker("domain", "list", client, False, 10, "my.activities", [".tests"])
    start_activity_worker("domain", "list", layer1=object(), package=["a", "b"], ignore=callable)
    start_activity_worker("domain", "list", None, True, -1, None, None, 5)  # type: ignore[call-arg]
    start_activity_worker("domain", "list", concurrency="5")  # type: ignore[arg-type]
    start_activity_worker("domain", "list", on_stop="no")  # type: ignore[arg-type]
    assert_type(start_activity_worker("domain", "list", grace=1.5, processes=2), StopReport)
    scheduler = async_scheduler("domain", client)
    assert_type(scheduler.complete("token", {"any": "thing"}), bool)
    assert_type(scheduler.heartbeat("token"), bool)
    assert_type(scheduler.fail("token", "why"), bool)
    value: list[int] = call_activity("domain", "echo", 1, 5, kwargs={"key": True}, layer1=client)
    value.sort()


@activity("wrong", 1, "list")
class Wrong:  # type: ignore[type-var]  # only activities can be marked
    """No activity."""
