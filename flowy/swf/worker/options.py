"""The options of a worker, each declared once.

The fields here and in ``serving_options`` are the parameters of ``start_activity_worker``, the
options of ``flowy worker``, and their documentation. All are checked before anything is started.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from ...observer import Starting
from ...options import about
from ...safe_logging import enable_loggers
from ..client import Layer1
from ..limits import name_text
from ..scanner import Ignored, Package, Scanner, declared_by
from ..values import ActivityImplementation, ActivityType
from .envelopes import with_envelopes
from .serving_options import ServingOptions, check_count

if TYPE_CHECKING:
    from ...health import HealthOptions


@dataclass(frozen=True)
class WorkerOptions(ServingOptions):
    """The parameters of ``start_activity_worker``."""

    domain: Any = field(metadata=about("the SWF domain, which must exist."))
    task_list: Any = field(
        metadata=about(
            "the task list to poll. The worker serves all its activities from it, whatever "
            "their default task lists."
        )
    )
    layer1: Layer1 | None = field(
        default=None,
        metadata=about(
            "a boto3 SWF client, which is used as it is; an object with the same methods; or a "
            "callable that returns one of these. With several processes, give a callable that "
            "can be imported by name. None makes clients of boto3's default session, with "
            "suitable timeouts."
        ),
    )
    reg_remote: bool = field(
        default=True,
        metadata=about(
            "register the activity types at the start, and compare those that SWF already has. "
            "False does neither; large fleets register once and use False."
        ),
    )
    loop: Any = field(
        default=-1,
        metadata=about(
            "end after this many answered polls, with or without a task. 0 only registers the "
            "types; -1 runs until stopped."
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
        metadata=about(
            "what the scan skips, in any form that venusian.Scanner.scan takes; None skips nothing."
        ),
    )
    _: KW_ONLY
    activities: Sequence[type] | None = field(
        default=None,
        metadata=about(
            "decorated activity classes, to serve these without a scan; None scans *package*."
        ),
    )
    processes: int = field(
        default=1,
        metadata=about(
            "worker processes. With more than 1, a supervisor replaces each process that dies, "
            "and fails its tasks; loop must be -1 or 0.",
            in_python='A script must then guard its call with `if __name__ == "__main__":`.',
            metavar="N",
            kind="count",
        ),
    )
    health: HealthOptions | None = field(
        default=None,
        metadata=about(
            "where the worker shows its health and status, such as "
            "flowy.health.HealthOptions(http=8080). With several processes, the supervisor "
            "shows them for all. None shows nothing."
        ),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "domain", name_text(self.domain, "domain", trimmed=True))
        object.__setattr__(self, "task_list", name_text(self.task_list, "task_list", trimmed=True))
        object.__setattr__(self, "loop", polls_to_answer(self.loop))
        check_count("processes", self.processes)
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
            ScanError: no activity was found, one type has two implementations, or something must be
                encrypted and no codec encrypts.
            ImportError: something cannot be imported.
        """
        if self.activities is None:
            found = Scanner(self.package or (), self.ignore).scan()
        else:
            enable_loggers()  # the script may have configured logging
            found = declared_by(self.activities)
        return with_envelopes(found, self.envelope)

    def load(self, slot: int | None = None) -> Mapping[ActivityType, ActivityImplementation]:
        """Notify the observers that this process starts, then return ``implementations()``.

        The observers come first because the scanned modules may import libraries that observers set
        up.

        Args:
            slot: the number of a worker process; None for a supervisor, or a worker without one.

        Raises:
            ObserverError: an observer cannot work.
            ScanError, ImportError: as for ``implementations``.
        """
        event = Starting(self.domain, self.task_list, self.processes, slot)
        self.all_observers.starting(event)
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
