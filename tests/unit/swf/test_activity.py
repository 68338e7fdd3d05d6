"""The decorator: what it refuses, and what it declares."""

from __future__ import annotations

import functools
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from flowy.exception import ScanError
from flowy.swf.scanner import activity, declared, declared_by
from flowy.swf.values import ActivityDefaults, ActivityType
from flowy.task import Activity, AsyncActivity


def test_the_class_is_returned_unchanged() -> None:
    """A decorated class is the class itself, to be subclassed and tested as any other."""

    class Echo(Activity):
        def run(self, value: int) -> int:
            return value

    before = set(vars(Echo))
    assert activity("echo", 1, "list")(Echo) is Echo
    assert {name for name in vars(Echo) if not name.startswith("__venusian")} == before


class Echo(Activity):
    def run(self, value: int) -> int:
        return value


class HasNoInt:
    def __int__(self) -> int:
        raise ZeroDivisionError


def mark(**changed: Any) -> Callable[[type[Activity]], type[Activity]]:
    return activity(**{"name": "echo", "version": 1, "task_list": "list", **changed})


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


class Plain:
    def run(self) -> None:
        """Not an activity, though it has a ``run``."""


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
    [(None, "its run is None"), (property(len), "its run is a property"), (3, "its run is a int")],
)
def test_a_run_that_cannot_be_called(run: Any, said: str) -> None:
    """It fails at the decorator, not at the first task."""
    with pytest.raises(TypeError, match=f"{said}, which a worker cannot call"):
        mark()(type("Marked", (Activity,), {"run": run}))


@pytest.mark.parametrize("kind", [Empty, Activity])
def test_an_activity_must_run(kind: type[Activity]) -> None:
    """So does one that does not override ``run``."""
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


# What a mark declares


def marked(base: type[Activity] = Echo, **changed: Any) -> Any:
    """Return what the one mark of a class declares."""
    (found,) = declared(mark(**changed)(type("Marked", (base,), {})))
    return found


def test_what_is_declared() -> None:
    """Name and version as text, the defaults, the class, and the place of the decorator."""
    found = marked(name="1.5", version=2, task_list=3, heartbeat="10", start_to_close=60.0)
    assert found.type == ActivityType("1.5", "2")
    assert found.defaults == ActivityDefaults("3", 10, 420, 120, 60)
    assert found.factory.__name__ == "Marked"
    assert found.place.startswith(f"{__file__}:")
    assert (found.auto_heartbeat_seconds, found.max_stall_seconds) == (None, None)


class Documented(Echo):
    """
    Say it again.

    More of it.
    """


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({}, "Say it again."),
        ({"description": "Another"}, "Another"),
        ({"description": ""}, None),
        ({"description": "x" * 1024}, "x" * 1024),
    ],
)
def test_description(given: dict[str, Any], text: str | None) -> None:
    """The one that is given, or the first line of the class's own docstring."""
    kind = type("Kind", (Documented,), {"__doc__": Documented.__doc__})
    assert declared(mark(**given)(kind))[0].description == text
    long = type("Long", (Echo,), {"__doc__": "x" * 2_000})
    assert declared(mark()(long))[0].description == "x" * 1020 + " ..."
    assert marked(Documented).description is None  # a base class's is about the base class


@pytest.mark.parametrize("given", [None, 5, "-7", 2**31 - 1, -(2**31)])
def test_priority(given: Any) -> None:
    """Any whole number of 32 bits, or none."""
    expected = None if given is None else int(given)
    assert marked(task_priority=given).defaults.task_priority == expected


@pytest.mark.parametrize("what", ["auto_heartbeat", "max_stall", "description", "task_priority"])
def test_one_type_that_is_declared_twice(what: str) -> None:
    """Two marks of one class that differ in anything are a conflict: none of them is lost."""
    values = {"auto_heartbeat": 5, "max_stall": 9, "description": "Other.", "task_priority": 5}
    kind = mark(**{"auto_heartbeat": 1, what: values[what]})(
        mark(auto_heartbeat=1)(type("Twice", (Echo,), {}))
    )
    assert len(declared(kind)) == 2
    with pytest.raises(ScanError, match="echo 1 is Twice at .* and Twice at"):
        declared_by([kind])
    same = mark()(mark()(type("Same", (Echo,), {})))
    assert len(declared_by([same])) == 1


def test_a_float_version_is_warned_of() -> None:
    """The warning names the line of the decorator."""
    with pytest.warns(UserWarning, match="The version 1.1 is a float") as seen:
        activity("echo", 1.10, "list")
    assert [each.filename for each in seen] == [__file__]


HOUR = 3600


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"start_to_close": HOUR},
            ["start_to_close=3600 has no effect, because schedule_to_close=420"],
        ),
        ({"heartbeat": 301}, ["heartbeat=301 has no effect, because start_to_close=300"]),
        (
            {"heartbeat": 61, "schedule_to_close": 60, "start_to_close": None},
            ["heartbeat=61 has no effect, because schedule_to_close=60"],
        ),
        (
            {"schedule_to_start": 421},
            ["schedule_to_start=421 has no effect, because schedule_to_close=420"],
        ),
        (
            {"heartbeat": 600, "start_to_close": 500},
            ["start_to_close=500 has", "heartbeat=600 has no effect", "because start_to_close=500"],
        ),
    ],
)
def test_timeouts_that_contradict(changed: dict[str, Any], said: list[str]) -> None:
    """SWF takes timeouts that cannot all take effect: one warning names them, and the line."""
    with pytest.warns(UserWarning, match="^Activity echo 1: ") as seen:
        mark(**changed)(type("Marked", (Echo,), {}))
    (warning,) = seen
    assert warning.filename == __file__
    assert all(each in str(warning.message) for each in said)


@pytest.mark.parametrize(
    "changed",
    [
        {"start_to_close": HOUR, "schedule_to_close": HOUR},
        {"start_to_close": HOUR, "schedule_to_close": None, "heartbeat": HOUR},
        {"start_to_close": None},
        {"schedule_to_close": 60},
    ],
)
def test_timeouts_that_agree(changed: dict[str, Any]) -> None:
    """No warning: nor of a default above a schedule-to-close that was given."""
    assert marked(**changed)


@pytest.mark.parametrize(
    ("given", "attribute", "heartbeat", "seconds"),
    [
        (None, False, 30, None),
        (None, True, 30, 10.0),
        (None, 7, None, 7.0),
        (True, False, 30, 10.0),
        (2.5, True, None, 2.5),
        (False, True, 30, None),
    ],
)
def test_auto_heartbeat(given: Any, attribute: Any, heartbeat: Any, seconds: float | None) -> None:
    """Every third of the timeout, or every so many seconds; the decorator before the class."""
    base = type("Base", (Echo,), {"auto_heartbeat": attribute})
    found = marked(base, heartbeat=heartbeat, auto_heartbeat=given)
    assert found.auto_heartbeat_seconds == seconds


def test_heartbeats_that_come_too_late() -> None:
    """An interval above the declared timeout draws a warning: SWF would end each task before."""
    with pytest.warns(UserWarning, match="auto_heartbeat=90 is too long, because heartbeat=60"):
        mark(heartbeat=60, auto_heartbeat=90)(type("Marked", (Echo,), {}))
    assert marked(heartbeat=60, auto_heartbeat=60).auto_heartbeat_seconds == 60


def test_a_third_of_nothing() -> None:
    """Without a timeout the interval must be given."""
    with pytest.raises(ValueError, match="none is declared. Give heartbeat=SECONDS too"):
        marked(auto_heartbeat=True)


@pytest.mark.parametrize(
    ("given", "attribute", "seconds"), [(None, None, None), (None, 60, 60.0), (5, 60, 5.0)]
)
def test_max_stall(given: Any, attribute: Any, seconds: float | None) -> None:
    """The decorator's goes before that of the class."""
    base = type("Base", (Echo,), {"max_stall": attribute})
    found = marked(base, max_stall=given, auto_heartbeat=1)
    assert found.max_stall_seconds == seconds


@pytest.mark.parametrize(
    ("attributes", "given"),
    [({}, {"max_stall": 60}), ({"max_stall": 60}, {}), ({}, {"max_stall": 60, "heartbeat": 30})],
)
def test_a_stall_of_nothing(attributes: dict[str, Any], given: dict[str, Any]) -> None:
    """``max_stall`` pauses background heartbeats: without any it is a mistake."""
    with pytest.raises(ValueError, match="auto_heartbeat=True, max_stall=60"):
        mark(**given)(type("Marked", (Echo,), attributes))
    base = type("Base", (Echo,), {"max_stall": 60})
    assert marked(base).auto_heartbeat_seconds is None  # meant for others that derive from it


@pytest.mark.parametrize("what", ["auto_heartbeat", "max_stall"])
@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan"), "soon", [], 10**400])
def test_seconds_that_cannot_be_used(what: str, value: Any) -> None:
    """They fail at the decorator, like a timeout."""
    with pytest.raises(ValueError, match=f"as {what}: give seconds, more than 0"):
        marked(**{what: value})


def test_only_its_own_marks() -> None:
    """A class declares what stands above it, each mark once; what its base is, it is not."""
    twice = mark(version=1)(mark(version=2)(type("Twice", (Echo,), {})))
    assert sorted(found.type.version for found in declared(twice)) == ["1", "2"]
    assert declared(type("Below", (twice,), {})) == ()
    assert declared(Echo) == ()


def test_a_list_of_activities() -> None:
    """What each declares, by type; the same class may be named twice."""
    one, other = (mark(name=name)(type(name, (Echo,), {})) for name in ("one", "other"))
    found = declared_by([one, other, one])
    assert {str(key): each.factory for key, each in found.items()} == {
        "one 1": one,
        "other 1": other,
    }


def test_lists_that_cannot_be_served() -> None:
    """A class without a mark, anything else, nothing at all, and one type twice."""
    one, other = (mark()(type(name, (Echo,), {})) for name in ("One", "Other"))
    things: list[Any] = [Echo, Plain, len, "one"]
    for thing in things:
        with pytest.raises(ScanError, match=r"it has no @activity\(name="):
            declared_by([one, thing])
    with pytest.raises(ScanError, match="in an empty list"):
        declared_by([])
    with pytest.raises(ScanError, match="echo 1 is One at .* and Other at"):
        declared_by([one, other])


# The history


@pytest.mark.parametrize(
    ("given", "attribute", "mode"),
    [
        (None, None, "no"),
        (None, "wanted", "wanted"),
        ("needed", None, "needed"),
        ("no", "needed", "no"),
        ("wanted", "needed", "wanted"),
    ],
)
def test_history(given: Any, attribute: str | None, mode: str) -> None:
    """The decorator's comes before that of the class, which a subclass inherits."""
    base: Any = type("Base", (Echo,), {} if attribute is None else {"history": attribute})
    assert marked(base, history=given).history == mode
    assert callable(base.history)  # the method is in its place


@pytest.mark.parametrize("given", ["id", "flowy", "input", max, None])
def test_same_as(given: Any) -> None:
    """A name or a function, of the decorator or of the class."""
    assert marked(same_as=given).same_as == given
    assert marked(type("Base", (Echo,), {"same_as": given})).same_as == given


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"history": "yes"}, "Cannot use history='yes': give 'no', 'wanted' or 'needed'."),
        ({"history": True}, "Cannot use history=True: "),
        ({"same_as": "type"}, "Cannot use same_as='type': give 'id', 'flowy', 'input', or a "),
        ({"same_as": 7}, "Cannot use same_as=7: "),
    ],
)
def test_history_that_cannot_be_used(wrong: dict[str, Any], text: str) -> None:
    """The error says what can be."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}"):
        marked(**wrong)
