"""The history of a test's task is what the test says."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from flowy.codecs import ZlibCodec
from flowy.exception import HistoryError
from flowy.invocation import TaskOutcome
from flowy.swf.scanner import activity
from flowy.task import Activity, AsyncActivity
from flowy.testing import ActivityEnvironment


class Knows(Activity):
    """Returns what it knows."""

    history = "wanted"
    codecs = (ZlibCodec(),)

    def run(self) -> Any:
        """Return it."""
        return self.attempt, self.previous_details, len(self.previous or ()), self.deadline


@activity("asks", 1, "tasks")
class Asks(AsyncActivity):
    """Asks by itself."""

    async def run(self) -> Any:
        """Return what it knew before, and what it was told."""
        before = self.attempt
        known = await self.history()
        return before, known.attempt, known.start_to_close, self.attempt


def test_a_first_attempt() -> None:
    """Unless the test says otherwise."""
    assert ActivityEnvironment().run(Knows) == [1, None, 0, None]


@pytest.mark.parametrize(
    ("given", "found"),
    [({"copied": 3}, {"copied": 3}), ("half", "half"), ((1, 2), [1, 2]), (None, None)],
)
def test_a_later_attempt(given: object, found: object) -> None:
    """Its details are as SWF keeps them; those before have timed out."""
    env = ActivityEnvironment(attempt=3, previous_details=given)
    assert env.run(Knows) == [3, found, 2, None]


def test_a_mixin_asks() -> None:
    """As the class itself does; its method ``history`` stays in its place."""

    class Asking:
        history: ClassVar[Any] = "wanted"

    class Plain(Asking, Activity):
        def run(self) -> Any:
            """Return what it knows."""
            return self.attempt, self.history().attempt

    class Coroutine(Asking, AsyncActivity):
        async def run(self) -> Any:
            """Return what it knows."""
            return self.attempt, (await self.history()).attempt

    env = ActivityEnvironment(attempt=3)
    assert [env.run(each) for each in (Plain, Coroutine)] == [[3, 3], [3, 3]]


def test_previous_attempts() -> None:
    """The newest has the details."""

    class Lists(Knows):
        def run(self) -> Any:
            """Return how they ended, and their details."""
            return [(each.outcome.name, each.details) for each in self.previous or ()]

    env = ActivityEnvironment(attempt=3, previous_details="half")
    late = TaskOutcome.TIMED_OUT.name
    assert env.run(Lists) == [[late, "half"], [late, None]]


def test_asked_by_the_activity() -> None:
    """Nothing is known until it asks."""
    assert ActivityEnvironment(attempt=2).run(Asks) == [None, 2, 300, 2]


def test_a_history_that_cannot_be_had() -> None:
    """Nothing is known, and asking raises what a worker raises."""
    env = ActivityEnvironment(attempt=None)
    assert env.run(Knows) == [None, None, 0, None]
    with pytest.raises(HistoryError):
        env.run(Asks)


def test_times_of_the_info() -> None:
    """The deadline follows from the times and the timeouts that the test gives."""
    env = ActivityEnvironment(info={"scheduled_at": 1000.0, "started_at": 1100.0})
    assert env.run(Knows)[3] == 1400.0
    assert ActivityEnvironment(info={"scheduled_at": 900.0}).run(Knows)[3] == 1320.0


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"attempt": 0}, "Cannot use attempt=0: give a whole number, 1 or more, "),
        ({"attempt": True}, "Cannot use attempt=True: "),
        ({"previous_details": 1}, "Cannot use previous_details with attempt=1: give attempt=2."),
        ({"attempt": None, "previous_details": 1}, "Cannot use previous_details with "),
    ],
)
def test_what_cannot_be(given: dict[str, Any], text: str) -> None:
    """A first attempt has none before it."""
    with pytest.raises(ValueError, match=text):
        ActivityEnvironment(**given)
