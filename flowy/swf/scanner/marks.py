"""The marks that ``activity`` leaves on classes, and how they are read.

A worker finds an activity by its mark alone, because nothing is registered at import. venusian
keeps the marks in the class itself, so that a subclass does not inherit them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import FrameType
from typing import Any

import venusian

from ..values import ActivityImplementation

#: The category of Flowy's marks; other libraries leave theirs through venusian, too.
CATEGORY = "flowy.activity"


def leave_mark(
    implementation: type, declaration: Callable[[str, int], ActivityImplementation]
) -> None:
    """Mark a class; to be called by the function that decorates it, and by nothing else.

    Args:
        implementation: the class.
        declaration: returns what is declared, given the decorator's file and line.
    """
    mark = _Mark(frozenset(_modules_of(sys._getframe(2))))
    attached = venusian.attach(implementation, mark, category=CATEGORY, depth=2)
    mark.declares = declaration(*attached.codeinfo[:2])
    if attached.scope == "class":
        # venusian has marked the class whose body this is: a scan finds the inner one through it.
        own = vars(implementation).get(venusian.ATTACH_ATTR)
        if own is None:
            own = venusian.Categories(implementation)
            setattr(implementation, venusian.ATTACH_ATTR, own)
        own.setdefault(CATEGORY, []).append((mark, implementation.__module__, "", "class"))


def declared(implementation: type) -> tuple[ActivityImplementation, ...]:
    """Return what ``activity`` declared of this class, each once, without base classes."""
    found: list[ActivityImplementation] = []
    for one in marked(implementation):
        if one.factory is implementation and not any(one.agrees_with(each) for each in found):
            found.append(one)
    return tuple(found)


def marked(thing: object, module: str | None = None) -> Iterator[ActivityImplementation]:
    """Yield what the marks on *thing* declare, of the class itself and of classes in its body.

    Args:
        thing: anything; only classes have marks.
        module: the name of the module that has *thing*. What that module only imports, from
            another one that has it, is left out. None: leave nothing out.
    """
    if not issubclass(type(thing), type):  # isinstance would ask the author's ``__class__``
        return
    marks = vars(thing).get(venusian.ATTACH_ATTR)
    if not isinstance(marks, venusian.Categories):
        return
    for mark, *_ in marks.get(CATEGORY, ()):
        if module is None or mark.belongs_to(module, thing):
            yield _with_factory(mark.declares, thing)


class _Mark:
    """One use of the decorator.

    Attributes:
        modules: the names of the modules in which the class was decorated: the one that applies
            the decorator, and those whose functions were called for that.
        declares: what the decorator declared.
    """

    declares: ActivityImplementation

    def __init__(self, modules: frozenset[str]) -> None:
        self.modules = modules

    def __call__(self, *_: object) -> None:
        """Do nothing when the scan of another library calls each mark that it finds."""

    def belongs_to(self, module: str, thing: object) -> bool:
        """Return whether *module*, which has *thing*, does not only import it."""
        homes = {*self.modules, self.declares.factory.__module__}
        return module in homes or not any(_has(home, thing) for home in homes)


def _modules_of(frame: FrameType | None) -> Iterator[str]:
    """Yield the modules of the code that runs, up to the module whose import or run it is."""
    while frame is not None:
        yield str(frame.f_globals.get("__name__"))
        if frame.f_code.co_name == "<module>":
            return
        frame = frame.f_back


def _has(module: str, thing: object) -> bool:
    members = vars(sys.modules[module]) if module in sys.modules else {}
    return any(each is thing for each in members.values())


def _with_factory(one: ActivityImplementation, thing: Any) -> ActivityImplementation:
    """Return *one* of the class that a later decorator, such as dataclass, has put in its place."""
    before, after = ((each.__module__, each.__qualname__) for each in (one.factory, thing))
    return replace(one, factory=thing) if before == after else one
