"""The decorator: what it refuses."""

from __future__ import annotations

import functools
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import pytest

from flowy.exception import ScanError
from flowy.swf.scanner import activity, declared_by
from flowy.task import Activity, AsyncActivity
from tests.unit.swf.marks import Echo, Plain, mark


def test_the_class_is_returned_unchanged() -> None:
    """A decorated class is the class itself, to be subclassed and tested as any other."""

    class Echo(Activity):
        def run(self, value: int) -> int:
            return value

    before = set(vars(Echo))
    assert activity("echo", 1, "list")(Echo) is Echo
    assert {name for name in vars(Echo) if not name.startswith("__venusian")} == before


class HasNoInt:
    def __int__(self) -> int:
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": ""}, "a name of 0 characters: SWF takes 1 to 256"),
        ({"name": "a:b"}, "'a:b' as name"),
        ({"name": "arn"}, "'arn' as name"),
        ({"version": "x" * 65}, "a version of 65 characters: SWF takes 1 to 64"),
        ({"version": "1/2"}, "'1/2' as version"),
        ({"task_list": " list"}, "' list' as task_list"),
        ({"task_list": "a|b"}, "'a|b' as task_list"),
        ({"name": "\ud800"}, "'\\ud800' as name: it has a character that UTF-8 cannot encode"),
        ({"task_list": None}, "None as task_list: give text, or a number. Is an environment"),
        ({"name": True}, "True as name"),
        ({"start_to_close": True}, "True as start_to_close"),
        ({"start_to_close": 1.9}, "1.9 as start_to_close"),
        ({"task_priority": 2**31}, "2147483648 as task_priority: give a whole number from"),
        ({"task_priority": 1.5}, "1.5 as task_priority"),
        ({"task_priority": True}, "True as task_priority"),
        ({"description": 5}, "5 as description: give text"),
        ({"description": "x" * 1025}, "as description: give text of up to 1,024"),
        ({"heartbeat": 10**5000}, "this int as heartbeat: give whole seconds"),
        ({"heartbeat": HasNoInt()}, "HasNoInt"),
        ({"heartbeat": 0}, "0 as heartbeat: give whole seconds from 1 to 99999999"),
        ({"schedule_to_close": -1}, "-1 as schedule_to_close"),
        ({"schedule_to_start": "abc"}, "'abc' as schedule_to_start"),
        ({"start_to_close": 100_000_000}, "100000000 as start_to_close"),
    ],
)
def test_bad_values_fail_at_the_decorator(changed: dict[str, Any], said: str) -> None:
    """A value that SWF would refuse fails at the decorator, whose error says what is allowed."""
    with pytest.raises(ValueError, match="^Cannot use") as caught:
        mark(**changed)
    assert said in str(caught.value)


class Empty(Activity):
    pass


@pytest.mark.parametrize("thing", [Plain, len, 5, Activity("x", None, "t")])  # type: ignore[arg-type]
def test_only_activities_can_be_marked(thing: Any) -> None:
    """Anything else than a subclass of Activity fails at the decorator."""
    with pytest.raises(TypeError, match="decorate a subclass of flowy.task.Activity"):
        mark()(thing)


def add_up(first: int, *more: int, scale: float = 1.0) -> float:
    return scale * sum(more, first)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (
            add_up,
            "Cannot make the function add_up() the activity echo 1: decorate a class. Write "
            "`class AddUp(Activity):` and in it "
            "`def run(self, first, *more, scale=1.0)`.",
        ),
        (lambda: None, "Write `class Work(Activity):` and in it `def run(self)`."),
    ],
)
def test_a_function_is_no_activity(function: Any, said: str) -> None:
    """The error shows the class to write."""
    with pytest.raises(TypeError, match=re.escape(said)):
        mark()(function)


@pytest.mark.parametrize(
    ("run", "said"),
    [(None, "its run is None"), (property(len), "its run is a property"), (3, "its run is an int")],
)
def test_a_run_that_cannot_be_called(run: Any, said: str) -> None:
    """It fails at the decorator, not at the first task."""
    with pytest.raises(TypeError, match=f"{said}, which a worker cannot call"):
        mark()(type("Marked", (Activity,), {"run": run}))


@pytest.mark.parametrize("kind", [Empty, Activity])
def test_an_activity_must_run(kind: type[Activity]) -> None:
    """A class that does not override ``run`` fails there, too."""
    with pytest.raises(TypeError, match="it does not override run"):
        mark()(kind)


class Blocking(Activity):
    async def run(self) -> None:
        pass


class Halting(AsyncActivity):
    def run(self) -> Any:
        pass


@pytest.mark.parametrize(
    ("kind", "said"),
    [(Blocking, "Derive it from flowy.task.AsyncActivity"), (Halting, "needs `async def run`")],
)
def test_coroutines_have_their_own_base(kind: type[Activity], said: str) -> None:
    """Each base class runs what it was made for; the error says which one to take."""
    with pytest.raises(TypeError, match=said):
        mark()(kind)


class Bound(Activity):
    def __init__(self, value: int) -> None:
        """Cannot be constructed by a worker."""

    def run(self) -> None:
        pass


class Wider(Activity):
    def __init__(self, *args: Any, size: int = 1) -> None:
        super().__init__(*args)

    def run(self) -> None:
        pass


@dataclass
class Data(Activity):
    def run(self) -> None:
        pass


@dataclass
class Three(Activity):
    a: int
    b: int
    c: int

    def run(self) -> None:
        pass


class Yields(Activity):
    def run(self) -> Any:
        yield 1


class YieldsLater(AsyncActivity):
    async def run(self) -> Any:
        yield 1


class Selfless(Activity):
    def run(value: int, size=3) -> int:  # type: ignore[misc, no-untyped-def]  # noqa: N805
        return value


class Nothing(Activity):
    def run() -> None:  # type: ignore[misc]
        pass


class Keywords(AsyncActivity):
    async def run(*, value: int) -> None:  # type: ignore[misc]
        pass


class Abstract(Activity, ABC):
    def run(self) -> None:
        self.charge()

    @abstractmethod
    def charge(self) -> None: ...


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Bound, "Bound(input, scheduler, token), but its own constructor takes (value: 'int')"),
        (
            Bound,
            "Leave out __init__, and set attributes in run(); or write `def __init__(self",
        ),
        (Data, "@dataclass gives it another __init__. Leave out @dataclass"),
        (Three, "@dataclass gives it another __init__. Leave out @dataclass"),
        (Abstract, "it is abstract. Decorate a subclass that has charge()."),
        (Yields, "its run() is a generator, because it contains `yield`"),
        (YieldsLater, "its run() is a generator, because it contains `yield`"),
        (Selfless, "its run(value, size=3) has no self. Write `def run(self, value, size=3)`."),
        (Nothing, "its run() has no self. Write `def run(self)`."),
        (Keywords, "its run(value) has no self. Write `async def run(self, value)`."),
    ],
)
def test_classes_that_could_not_run(kind: type[Activity], said: str) -> None:
    """What would fail each task fails at the decorator, which says what is right."""
    with pytest.raises(TypeError, match="^Cannot make .* the activity echo 1: ") as caught:
        mark()(kind)
    assert said in str(caught.value)


def anything(*args: Any, **kwargs: Any) -> None:
    """A ``run`` of any arguments."""


def some(_activity: Activity) -> None:
    """A ``run`` that has no use for the instance."""


def called_me(me: Activity, value: int) -> None:
    """A ``run`` of another school."""


@pytest.mark.parametrize(
    "run",
    [
        anything,
        some,
        called_me,
        staticmethod(lambda value: value),
        classmethod(lambda cls, value: value),
        functools.partialmethod(called_me, 1),
        functools.wraps(called_me)(lambda *args: None),
    ],
)
def test_runs_that_have_an_instance(run: Any) -> None:
    """A ``run`` may be any callable that Python lets be called on the instance."""
    kind = type("Kind", (Activity,), {"run": run})
    assert mark()(kind) is kind
    assert mark()(type("Own", (Wider,), {})).__name__ == "Own"


def test_a_class_that_cannot_be_constructed_any_more() -> None:
    """A decorator above the mark may give the class another ``__init__``: nothing is served."""
    kind = dataclass(mark()(type("Kind", (Echo,), {})))
    with pytest.raises(ScanError, match=r"Cannot serve Kind at .*: a worker constructs it as"):
        declared_by([kind])


@pytest.mark.parametrize("thing", [Echo, lambda value: value])
def test_the_decorator_alone(thing: Any) -> None:
    """A bare ``@activity`` says what to write."""
    with pytest.raises(TypeError, match=r"by @activity alone: .* Write @activity\(name=") as caught:
        activity(thing)  # type: ignore[call-arg]
    if thing is Echo:
        assert '@activity(name="echo", version=1, task_list="my_tasklist")' in str(caught.value)
    with pytest.raises(TypeError, match="missing 2 required positional arguments"):
        activity("echo")  # type: ignore[call-arg]
