"""The options that say how a worker serves a task list, each declared once.

``ActivityWorker`` takes them, and ``WorkerOptions`` adds those that say what it serves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ...importing import imported
from ...middleware import Middleware, check_middleware
from ...observer import Observer, Observers
from ...options import about

if TYPE_CHECKING:
    from ...claims import Store
    from ...codecs import Codec
    from ...envelope import Envelope

#: How many polls are open at once by default, at most. At 20 ms latency 14 bring close to 500 tasks
#: a second, as many as a process can answer; more compete with the activities for the interpreter.
DEFAULT_POLLERS = 14

#: How many histories a process reads a second by default. An account may make 60 calls a second.
DEFAULT_HISTORY_RATE = 5.0

Choice: TypeAlias = Literal["abandon", "fail"]


@dataclass(frozen=True, kw_only=True)
class ServingOptions:
    """How a worker serves.

    Raises:
        ValueError: a value cannot be used; the text says which ones can.
        ImportError: middleware or an observer cannot be imported.
    """

    concurrency: int = field(
        default=1,
        metadata=about(
            "activities that a process runs at once. 1 runs a plain loop in the calling "
            "thread. With more, polls and activities have their own threads, and coroutines "
            "share one event loop.",
            metavar="N",
            kind="count",
        ),
    )
    pollers: int | None = field(
        default=None,
        metadata=about(
            "polls that a process keeps open at once, at most the concurrency, because each "
            "task needs a free slot; by default 14, or the concurrency if that is less.",
            metavar="N",
            kind="count",
        ),
    )
    grace: float | None = field(
        default=None,
        metadata=about(
            "seconds, 0 or more, that running activities have after the first stop signal; by "
            "default no limit. When they are over, heartbeat() returns False and coroutines "
            "are canceled.",
            kind="seconds",
        ),
    )
    on_stop: Choice = field(
        default="abandon",
        metadata=about(
            "what to do if an activity still runs 2 s after the grace: 'abandon' lets its task "
            "time out, and most deciders schedule such a task again; 'fail' fails it with a "
            "reason that begins with flowy.reasons.WORKER_STOPPED.",
            kind="choice",
        ),
    )
    on_unknown: Choice = field(
        default="fail",
        metadata=about(
            "what to do with a task whose type this worker does not serve: 'fail' fails it "
            "with a reason that names the types served; 'abandon' lets it time out, for "
            "example during a rolling deploy.",
            kind="choice",
        ),
    )
    signals: bool = field(
        default=True,
        metadata=about(
            "stop at SIGINT, SIGTERM and SIGHUP, and print the status at SIGUSR1, if the "
            "worker runs on the main thread; restore the previous handlers at the end. False "
            "leaves all signals alone."
        ),
    )
    middleware: Sequence[Middleware | str] = field(
        default=(),
        metadata=about(
            "middleware around each run, the first one outermost, outside the middleware of "
            "the class; see flowy.middleware. Middleware that is also an observer observes, "
            "too.",
            in_python="Give objects, or texts such as 'module.name:OBJECT', which each process "
            "imports; with several processes, the objects must be picklable.",
            metavar="MODULE:OBJECT",
            kind="objects",
        ),
    )
    observers: Sequence[Observer | str] = field(
        default=(),
        metadata=about(
            "observers of what the worker does; see flowy.observer. With several processes, "
            "each process has its own.",
            in_python="Give objects or texts, as for middleware.",
            metavar="MODULE:OBJECT",
            kind="objects",
        ),
    )
    codecs: Sequence[Codec | str] = field(
        default=(),
        metadata=about(
            "codecs for all activities whose classes have none, in the order in which they "
            "encode; one name may stand for a list of codecs.",
            in_python="Give objects or texts, as for middleware.",
            metavar="MODULE:OBJECT",
            kind="objects",
        ),
    )
    claims: Store | str | None = field(
        default=None,
        metadata=about(
            "where to store values that are too long for SWF, for all activities whose classes "
            "have no store: s3://BUCKET/PREFIX, file:///FOLDER or MODULE:OBJECT.",
            in_python="A flowy.claims.Store will do, too.",
            metavar="STORE",
            kind="text",
        ),
    )
    hide_reasons: bool = field(
        default=False,
        metadata=about(
            "send the reasons of failures as details, which codecs encrypt.", kind="flag"
        ),
    )
    require_encryption: bool = field(
        default=False,
        metadata=about("fail each task whose input is not encrypted.", kind="flag"),
    )
    log_starts: bool = field(
        default=False,
        metadata=about(
            "log the start of each task at INFO, like its end, instead of DEBUG.",
            kind="flag",
        ),
    )

    history_rate: float = field(
        default=DEFAULT_HISTORY_RATE,
        metadata=about(
            "histories that a process reads per second, at most, for activities that ask for "
            "theirs. SWF allows 60 per second and account.",
            metavar="NUMBER",
            kind="number",
        ),
    )
    queue_sample: float = field(
        default=0.0,
        metadata=about(
            "share of the tasks, from 0 to 1, whose histories are read after they end, "
            "unless read before, to tell observers how long the tasks were queued.",
            metavar="SHARE",
            kind="number",
        ),
    )

    def __post_init__(self) -> None:
        check_count("concurrency", self.concurrency)
        if self.pollers is not None:
            check_count("pollers", self.pollers)
        grace = self.grace
        is_number = isinstance(grace, int | float) and not isinstance(grace, bool)
        if grace is not None and not (is_number and 0 <= grace < math.inf):
            raise ValueError(f"Cannot use grace={grace!r}: give seconds, 0 or more, or None.")
        for name, choice in (("on_stop", self.on_stop), ("on_unknown", self.on_unknown)):
            if choice not in ("abandon", "fail"):
                raise ValueError(f"Cannot use {name}={choice!r}: give 'fail' or 'abandon'.")
        if not (_is_number(self.history_rate) and 0 < self.history_rate < math.inf):
            raise ValueError(
                f"Cannot use history_rate={self.history_rate!r}: give a number, more than 0."
            )
        if not (_is_number(self.queue_sample) and 0 <= self.queue_sample <= 1):
            raise ValueError(
                f"Cannot use queue_sample={self.queue_sample!r}: give a number from 0 to 1."
            )
        check_middleware(imported(self.middleware))
        self.all_observers, self.envelope  # noqa: B018 - checks them

    @property
    def all_observers(self) -> Observers:
        """The observers, and the middleware that is an observer, too."""
        observers = imported(self.observers)
        if not isinstance(observers, tuple):
            return Observers(observers)  # refuses them
        both = [each for each in imported(self.middleware) if isinstance(each, Observer)]
        new = [each for each in both if not any(each is other for other in observers)]
        return Observers((*observers, *new))

    @property
    def envelope(self) -> Envelope | None:
        """How the texts of activities travel that do not say so; None if nothing is said."""
        if not (self.codecs or self.claims or self.hide_reasons or self.require_encryption):
            return None
        from ...claims import store_at  # needed only by those who have codecs or a store
        from ...codecs import check_codecs
        from ...envelope import Envelope

        named = imported(self.codecs)
        if not isinstance(named, list | tuple):
            check_codecs(named)
        codecs = [
            each for one in named for each in (one if isinstance(one, list | tuple) else [one])
        ]
        store = store_at(self.claims) if isinstance(self.claims, str) else self.claims
        return Envelope(tuple(codecs), store, self.hide_reasons, self.require_encryption)

    @property
    def polls_at_once(self) -> int:
        """How many polls are open at once in a process."""
        return min(self.pollers or DEFAULT_POLLERS, self.concurrency)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_count(name: str, number: Any) -> None:
    """Raise ValueError if *number* is not a whole number of at least 1."""
    if not isinstance(number, int) or number < 1:
        raise ValueError(f"Cannot use {name}={number!r}: give a whole number, 1 or more.")
