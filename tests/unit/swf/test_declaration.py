"""What the decorator declares."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from flowy.exception import ScanError
from flowy.swf.history import ActivityRecord
from flowy.swf.scanner import activity, declared, declared_by
from flowy.swf.values import ActivityDefaults, ActivityType
from tests.unit.swf import marks
from tests.unit.swf.marks import Echo, Plain, mark, marked


def test_what_is_declared() -> None:
    """Name and version as text, the defaults, the class, and the place of the decorator."""
    found = marked(name="1.5", version=2, task_list=3, heartbeat="10", start_to_close=60.0)
    assert found.type == ActivityType("1.5", "2")
    assert found.defaults == ActivityDefaults("3", 10, 420, 120, 60)
    assert found.factory.__name__ == "Marked"
    assert found.place.startswith(f"{marks.__file__}:")
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
    assert warning.filename == marks.__file__
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
    """No warning, not even of a default above a schedule-to-close that was given."""
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
    """A third of the timeout, or a number of seconds; the decorator goes before the class."""
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


def test_a_stall_that_is_true() -> None:
    """True is not a number of seconds: only ``auto_heartbeat`` takes it."""
    with pytest.raises(ValueError, match="Cannot use True as max_stall: give seconds"):
        marked(auto_heartbeat=1, max_stall=True)


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


@pytest.mark.parametrize("given", ["id", "flowy", "input", max, dict.get, None])
def test_same_as(given: Any) -> None:
    """A name or a function, of the decorator or of the class."""
    assert marked(same_as=given).same_as == given
    assert marked(type("Base", (Echo,), {"same_as": given})).same_as == given


async def coroutine_rule(this: ActivityRecord, earlier: ActivityRecord) -> bool:
    """Would return a coroutine, which is always true."""
    return this.control == earlier.control


def method_rule(self: Any, this: ActivityRecord, earlier: ActivityRecord) -> bool:
    """Would be called with two records, and raise a TypeError."""
    return this.control == earlier.control


def generator_rule(this: ActivityRecord, earlier: ActivityRecord) -> Iterator[bool]:
    """Would return a generator, which is always true."""
    yield this.control == earlier.control


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"history": "yes"}, "Cannot use history='yes': give 'no', 'wanted' or 'needed'."),
        ({"history": True}, "Cannot use history=True: "),
        ({"same_as": "type"}, "Cannot use same_as='type': give 'id', 'flowy', 'input', or a "),
        ({"same_as": 7}, "Cannot use same_as=7: "),
        ({"same_as": coroutine_rule}, "Cannot use same_as=<function coroutine_rule at "),
        ({"same_as": generator_rule}, "Cannot use same_as=<function generator_rule at "),
        ({"same_as": method_rule}, "Cannot use same_as=<function method_rule at "),
    ],
)
def test_history_that_cannot_be_used(wrong: dict[str, Any], text: str) -> None:
    """The error says what can be."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}"):
        marked(**wrong)
