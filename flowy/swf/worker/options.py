"""The options of a worker, each declared once.

The fields below are the parameters of ``start_activity_worker`` and of ``ActivityWorker``, the
options of ``flowy worker`` and their documentation. All are checked before anything is started.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ...importing import imported
from ...middleware import Middleware, check_middleware
from ...observer import Observer, Observers, Starting
from ...options import about
from ...safe_logging import enable_loggers
from ..client import Layer1
from ..limits import name_text
from ..scanner import Ignored, Package, Scanner, declared_by
from ..values import ActivityImplementation, ActivityType

if TYPE_CHECKING:
    from ...health import HealthOptions

#: How many polls are open at once by default, at most. At 20 ms latency 14 bring close to 500 tasks
#: a second, as many as a process can answer; more compete with the activities for the interpreter.
DEFAULT_POLLERS = 14

Choice: TypeAlias = Literal["abandon", "fail"]


@dataclass(frozen=True, kw_only=True)
class ServingOptions:
    """How a worker serves.

    Raises:
        ValueError: a value cannot be used; the text says which can.
        ImportError: middleware or an observer cannot be imported.
    """

    concurrency: int = field(
        default=1,
        metadata=about(
            "activities at once in a process. 1 is a plain loop in the calling thread; with "
            "more, polls and activities have threads of their own, coroutines one event loop.",
            metavar="N",
            kind="count",
        ),
    )
    pollers: int | None = field(
        default=None,
        metadata=about(
            "polls open at once in a process, never more than the concurrency, because each "
            "task must find a free slot; by default 14, or the concurrency if that is less.",
            metavar="N",
            kind="count",
        ),
    )
    grace: float | None = field(
        default=None,
        metadata=about(
            "seconds that running activities may go on after the first stop signal, 0 or more; "
            "by default without a limit. Then heartbeat() answers False and coroutines are "
            "canceled.",
            kind="seconds",
        ),
    )
    on_stop: Choice = field(
        default="abandon",
        metadata=about(
            "what happens to activities that still run 2 s after the grace: 'abandon' leaves "
            "their tasks to their timeouts, which deciders commonly retry; 'fail' fails them "
            "with a reason that begins with flowy.reasons.WORKER_STOPPED.",
            kind="choice",
        ),
    )
    on_unknown: Choice = field(
        default="fail",
        metadata=about(
            "what happens to a task whose type this worker does not serve: 'fail' fails it, "
            "naming the types it serves; 'abandon' leaves it to its timeout, during a rolling "
            "deploy for example.",
            kind="choice",
        ),
    )
    signals: bool = field(
        default=True,
        metadata=about(
            "let SIGINT, SIGTERM and SIGHUP stop the worker, and SIGUSR1 print what it does, if it"
            " runs on the main thread; the previous handlers are restored at the end. False leaves "
            "all signals alone."
        ),
    )
    middleware: Sequence[Middleware | str] = field(
        default=(),
        metadata=about(
            "objects that run around each run, the first one outermost, all outside the "
            "middleware of the class; see flowy.middleware. A text, 'module.name:OBJECT', "
            "names an object that each process imports; with several processes, give a name or "
            "a picklable object.",
            metavar="MODULE:OBJECT",
            kind="objects",
        ),
    )
    observers: Sequence[Observer | str] = field(
        default=(),
        metadata=about(
            "objects, or names as for middleware, that are told what happens; see "
            "flowy.observer. With several processes each process has its own.",
            metavar="MODULE:OBJECT",
            kind="objects",
        ),
    )

    log_starts: bool = field(
        default=False,
        metadata=about(
            "log the start of each task at the level INFO, like its end; otherwise at DEBUG.",
            kind="flag",
        ),
    )

    def __post_init__(self) -> None:
        _check_count("concurrency", self.concurrency)
        if self.pollers is not None:
            _check_count("pollers", self.pollers)
        grace = self.grace
        if grace is not None and not (isinstance(grace, int | float) and 0 <= grace < math.inf):
            raise ValueError(f"Cannot use grace={grace!r}: give seconds, 0 or more, or None.")
        for name, choice in (("on_stop", self.on_stop), ("on_unknown", self.on_unknown)):
            if choice not in ("abandon", "fail"):
                raise ValueError(f"Cannot use {name}={choice!r}: give 'fail' or 'abandon'.")
        check_middleware(imported(self.middleware))
        Observers(self.observers)  # checks them

    @property
    def polls_at_once(self) -> int:
        """How many polls are open at once in a process."""
        return min(self.pollers or DEFAULT_POLLERS, self.concurrency)


@dataclass(frozen=True)
class WorkerOptions(ServingOptions):
    """The parameters of ``start_activity_worker``."""

    domain: Any = field(metadata=about("the SWF domain, which must exist."))
    task_list: Any = field(
        metadata=about(
            "the list to poll. Every activity is served, whatever its default task list."
        )
    )
    layer1: Layer1 | None = field(
        default=None,
        metadata=about(
            "a boto3 swf client to use as it is, or any object with its methods; a callable "
            "that returns one, which with several processes must be importable; None makes "
            "clients of the default session whose timeouts fit."
        ),
    )
    reg_remote: bool = field(
        default=True,
        metadata=about(
            "register the types first, and compare those that SWF has already. False does "
            "neither: for large fleets, which register once."
        ),
    )
    loop: Any = field(
        default=-1,
        metadata=about(
            "end after this many answered polls, with a task or empty; 0 only registers, -1 goes "
            "on until stopped."
        ),
    )
    package: Package | Iterable[Package] | None = field(
        default=None,
        metadata=about(
            "what to scan: a module, a package, a dotted name, or a list of these; None scans "
            "the calling module."
        ),
    )
    ignore: Ignored | Iterable[Ignored] | None = field(
        default=None,
        metadata=about("what to skip, as for venusian.Scanner.scan; None skips nothing."),
    )
    _: KW_ONLY
    activities: Sequence[type] | None = field(
        default=None,
        metadata=about(
            "classes to serve instead of a scan, each with the activity decorator; None scans "
            "*package*."
        ),
    )
    processes: int = field(
        default=1,
        metadata=about(
            "worker processes. With more than 1 they run under a supervisor, which replaces one"
            " that dies and fails its tasks; a script must then guard its call with `if "
            '__name__ == "__main__":`, and loop must be -1 or 0.',
            metavar="N",
            kind="count",
        ),
    )
    health: HealthOptions | None = field(
        default=None,
        metadata=about(
            "where to show whether the worker is live and ready and what it does, as "
            "flowy.health.HealthOptions(http=8080); with several processes the supervisor shows "
            "it for all. None shows nothing."
        ),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "domain", name_text(self.domain, "domain", trimmed=True))
        object.__setattr__(self, "task_list", name_text(self.task_list, "task_list", trimmed=True))
        object.__setattr__(self, "loop", polls_to_answer(self.loop))
        _check_count("processes", self.processes)
        if self.processes > 1 and self.loop > 0:
            raise ValueError(
                f"Cannot use loop={self.loop} with {self.processes} processes: give processes=1."
            )
        if self.processes > 1 and self.layer1 is not None and not callable(self.layer1):
            raise ValueError(
                f"Cannot share a client between {self.processes} processes: give layer1 a function "
                "that returns one, importable by name, or None for the default clients."
            )
        if self.health is not None:
            _check_health(self.health)
        if self.activities is not None and self.package is not None:
            raise ValueError("Cannot use package and activities together: give one of them.")

    def implementations(self) -> Mapping[ActivityType, ActivityImplementation]:
        """Return the implementations to serve, by type.

        Raises:
            ScanError: no activity was found, or one type has two implementations.
            ImportError: something cannot be imported.
        """
        if self.activities is not None:
            return declared_by(self.activities)
        found = Scanner(self.package or (), self.ignore).scan()
        enable_loggers()  # what was imported may have configured logging
        return found

    def load(self, slot: int | None = None) -> Mapping[ActivityType, ActivityImplementation]:
        """Tell the observers that this process starts, then return ``implementations()``.

        The scan comes second: it may import the libraries that observers set up. A worker process
        has a *slot*. Raises ``ObserverError`` if an observer cannot work.
        """
        event = Starting(self.domain, self.task_list, self.processes, slot)
        Observers(self.observers).starting(event)
        return self.implementations()

    def by_name(self) -> WorkerOptions:
        """Return the same options with modules by name, so that another process can import them."""
        if self.package is None:
            return self
        return replace(self, package=list(Scanner(self.package).names))

    @property
    def serving(self) -> dict[str, Any]:
        """The options of ``ServingOptions``, as keyword arguments."""
        return {each.name: getattr(self, each.name) for each in fields(ServingOptions)}


def polls_to_answer(loop: Any) -> int:
    """Return after how many answered polls a worker ends; -1 for never.

    Args:
        loop: anything that ``int()`` accepts.

    Raises:
        ValueError: it is not a number, or less than -1.
    """
    try:
        polls = int(loop)
    except (TypeError, ValueError, OverflowError):
        polls = -2
    if polls < -1:
        raise ValueError(
            f"Cannot use loop={loop!r}: give -1 for no end, 0 to register only, or how many polls."
        )
    return polls


def _check_health(health: object) -> None:
    from ...health import HealthOptions  # needed only to show the health

    if not isinstance(health, HealthOptions):
        raise ValueError(
            f"Cannot use health={health!r}: give flowy.health.HealthOptions(http=8080), or None."
        )


def _check_count(name: str, number: Any) -> None:
    if not isinstance(number, int) or number < 1:
        raise ValueError(f"Cannot use {name}={number!r}: give a whole number, 1 or more.")
