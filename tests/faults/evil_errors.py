"""Exceptions that raise when somebody looks at them, and chains of them without an end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from flowy import CancelTask


class Unheard(BaseException):
    """Not an ``Exception``, and not one of those that Python itself raises."""


#: What is raised when somebody looks, by the name that a task's arguments give it.
RAISED: dict[str, type[BaseException]] = {"SystemExit": SystemExit, "Unheard": Unheard}

#: Attributes of an exception that are read to report it.
ATTRIBUTES = (
    "__cause__",
    "__context__",
    "__suppress_context__",
    "__notes__",
    "__traceback__",
    "__class__",
)
#: What is called to report it.
METHODS = ("__str__", "__repr__")
#: What is read of a frame, and of the object that lacks an attribute, to format a traceback.
ELSEWHERE = ("source", "dir")

LOOKS = (*METHODS, *ATTRIBUTES, *ELSEWHERE)


def raise_evil(look: str, raised: str) -> NoReturn:
    """Raise an exception that raises *raised* when it is looked at by way of *look*."""
    kind = RAISED[raised]

    def evil(*_: object) -> NoReturn:
        raise kind("it was looked at")

    if look == "source":
        _raise_from_unreadable_source(evil)
    if look == "dir":
        type("Dark", (), {"__dir__": evil})().missing  # noqa: B018 - raises AttributeError
    member: Any = property(evil) if look in ATTRIBUTES else evil
    raise type("EvilError", (ValueError,), {look: member})("do not look")


def _raise_from_unreadable_source(get_source: Callable[..., NoReturn]) -> NoReturn:
    """Raise ValueError in a frame whose loader raises when its source is asked for."""
    loader = type("Loader", (), {"get_source": get_source})()
    names: dict[str, Any] = {"__name__": "unreadable", "__loader__": loader}
    source = "def fail():\n    raise ValueError('where is this line')\n"
    exec(compile(source, "unreadable.py", "exec"), names)
    names["fail"]()
    raise AssertionError


def evil_cancel(look: str, raised: str) -> CancelTask:
    """Return a CancelTask whose details (``details``), or their text (``text``), raise."""
    kind = RAISED[raised]

    def evil(*_: object) -> NoReturn:
        raise kind("they were looked at")

    if look == "text":
        return CancelTask(type("Dark", (), {"__str__": evil})())

    def init(self: CancelTask) -> None:
        Exception.__init__(self, "no details")

    error = type("EvilCancel", (CancelTask,), {"__init__": init, "details": property(evil)})()
    assert isinstance(error, CancelTask)
    return error


def chain(links: int, by: str) -> Exception:
    """Return the newest of many errors, each the ``__context__`` or ``__cause__`` of the next."""
    error = ValueError("the oldest")
    for number in range(links):
        newer = ValueError(f"link {number}")
        setattr(newer, by, error)
        error = newer
    newest = ValueError("the newest")
    setattr(newest, by, error)
    return newest


def circle(by: str) -> Exception:
    """Return the newest of three errors that stand in a circle."""
    newest, older, oldest = ValueError("the newest"), ValueError("older"), ValueError("the oldest")
    for error, before in ((newest, older), (older, oldest), (oldest, newest)):
        setattr(error, by, before)
    return newest
