"""What an activity sees of SWF's history, if its worker has read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeAlias, TypeVar, overload

from ..context import known_history, task_history

if TYPE_CHECKING:
    from ..attempts import Attempt, TaskHistory

#: Whether the history is read before each run.
ReadsHistory: TypeAlias = Literal["no", "wanted", "needed"]

#: The values of ``ReadsHistory``.
READS_HISTORY = ("no", "wanted", "needed")

V = TypeVar("V")
C = TypeVar("C")


class FromHistory(Generic[V]):
    """An attribute with a value from the history; None while that is not known.

    Unlike a property it gives way to an attribute of the same name that ``run`` sets: activities of
    the first Flowy know nothing of these names.
    """

    def __init__(self, read: Callable[[TaskHistory], V | None]) -> None:
        self._read = read
        self.__doc__ = read.__doc__

    @overload
    def __get__(self, activity: None, owner: Any) -> FromHistory[V]: ...

    @overload
    def __get__(self, activity: object, owner: Any) -> V | None: ...

    def __get__(self, activity: object | None, owner: Any) -> FromHistory[V] | V | None:
        if activity is None:
            return self
        history = known_history()
        return None if history is None else self._read(history)


class HistoryOfTask:
    """The part of ``Activity`` that shows what the history tells."""

    #: Which earlier tasks count as attempts at the same work; the decorator's ``same_as`` overrides
    #: it. Write a function as a static method.
    same_as: ClassVar[Any] = None

    #: What the class says by ``history = "wanted"``.
    _reads_history: ClassVar[str] = "no"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Put the method ``history`` back in the place of a text, also of one from a mixin."""
        super().__init_subclass__(**kwargs)
        if isinstance(asked := cls.history, str):
            cls._reads_history = asked
            said = (vars(base).get("history") for base in cls.__mro__)
            cls.history = next(each for each in said if callable(each))

    @FromHistory
    def attempt(known: TaskHistory) -> int | None:  # noqa: N805 - not a method
        """The number of this attempt at the same work, from 1; None if it is not known."""
        return known.attempt

    @FromHistory
    def previous(known: TaskHistory) -> tuple[Attempt, ...] | None:  # noqa: N805
        """The earlier attempts, newest first; None if they are not known."""
        return known.previous

    @FromHistory
    def previous_details(known: TaskHistory) -> Any:  # noqa: N805
        """The newest heartbeat details of the earlier attempts; None if SWF kept none."""
        return known.previous_details

    @FromHistory
    def deadline(known: TaskHistory) -> float | None:  # noqa: N805
        """When SWF times the task out, in seconds since the epoch; None for no limit or unknown.

        By start-to-close and schedule-to-close in force, and by SWF's clock.
        """
        return known.deadline

    if TYPE_CHECKING:  # a subclass may write history = "wanted"
        history: Any
    else:

        def history(self) -> TaskHistory:
            """Read what SWF's history says about this task, unless it was read before the run.

            It makes one call to SWF, or two if the history has more than 1,000 events. Afterwards,
            ``attempt`` and the others have their values, and Flowy uses the timeouts in force. If a
            call fails, or its answer lacks this task, Flowy repeats it once, after 0.5 s.

            Raises:
                HistoryError: the history is not available at the moment.
                OutsideActivityError: no worker runs this activity.
            """
            return task_history()
