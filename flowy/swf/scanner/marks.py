"""Writes and reads the marks that ``activity`` leaves on classes.

Nothing is registered at import, so a worker finds activities only by their marks. venusian keeps
the marks in the class itself, so that a subclass does not inherit them.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from types import FrameType
from typing import Any

import venusian

from ..values import ActivityImplementation

#: The category of Flowy's marks; other libraries leave theirs through venusian, too.
CATEGORY = "flowy.activity"

#: Every class that was marked, by its ``id``: a metaclass may forbid to hash it. A scan serves none
#: of them for that, but warns of those that it has lost.
_marked_classes: weakref.WeakValueDictionary[int, type] = weakref.WeakValueDictionary()


def leave_mark(
    implementation: type, declaration: Callable[[str, int], ActivityImplementation]
) -> None:
    """Mark a class; only the function that decorates it may call this.

    Args:
        implementation: the class.
        declaration: returns the declaration, given the decorator's file and line.
    """
    mark = _Mark(tuple(_modules_of(sys._getframe(2))))
    attached = venusian.attach(implementation, mark, category=CATEGORY, depth=2)
    mark.declares = declaration(*attached.codeinfo[:2])
    _marked_classes[id(implementation)] = implementation
    if attached.scope == "class":
        # venusian has marked the class around this one, through which a scan finds this one.
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
        thing: any object; only classes have marks.
        module: the name of the module that contains *thing*. Classes that it only imports, from
            another module that contains them, are left out. None leaves out none.
    """
    if not issubclass(type(thing), type):  # isinstance would read the author's ``__class__``
        return
    marks = vars(thing).get(venusian.ATTACH_ATTR)
    if not isinstance(marks, venusian.Categories):
        return
    for mark, *_ in marks.get(CATEGORY, ()):
        if module is None or mark.belongs_to(module, thing):
            yield _with_factory(mark.declares, thing)


def made_by(modules: Collection[str]) -> Iterator[ActivityImplementation]:
    """Yield what was declared while one of these modules was imported, held by a module or not."""
    for implementation in list(_marked_classes.values()):
        marks = vars(implementation)[venusian.ATTACH_ATTR].get(CATEGORY, ())
        for mark, *_ in marks:
            if mark.modules[-1] in modules and mark.declares.factory is implementation:
                yield mark.declares


class _Mark:
    """One use of the decorator.

    Attributes:
        modules: the names of the modules in which the class was decorated: the one that applies the
            decorator, and those whose functions were called on the way, up to the one that was
            being imported or run.
        declares: what the decorator declared.
    """

    declares: ActivityImplementation

    def __init__(self, modules: tuple[str, ...]) -> None:
        self.modules = modules

    def __call__(self, *_: object) -> None:
        """Do nothing, because the scan of another library calls each mark that it finds."""

    def belongs_to(self, module: str, thing: object) -> bool:
        """Return whether *module*, which contains *thing*, does more than import it."""
        homes = {*self.modules, self.declares.factory.__module__}
        return module in homes or not any(_has(home, thing) for home in homes)


def _modules_of(frame: FrameType | None) -> Iterator[str]:
    """Yield the modules on the call stack, up to the first one that is being imported or run."""
    while frame is not None:
        yield str(frame.f_globals.get("__name__"))
        if frame.f_code.co_name == "<module>":
            return
        frame = frame.f_back


def _has(module: str, thing: object) -> bool:
    members = vars(sys.modules[module]) if module in sys.modules else {}
    return any(each is thing for each in members.values())


def _with_factory(one: ActivityImplementation, thing: Any) -> ActivityImplementation:
    """Return *one* for the class that a later decorator, such as dataclass, has replaced it by."""
    before, after = ((each.__module__, each.__qualname__) for each in (one.factory, thing))
    return replace(one, factory=thing) if before == after else one
