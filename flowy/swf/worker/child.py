"""A worker process: what each child of a supervisor runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ...concurrency.children import Link, Message
from ...concurrency.process_end import EXIT_SECONDS, end_now, end_within
from ...concurrency.signals import child_signals
from ...exception import SWFError
from ..author_warnings import leave_warnings
from ..client import connect
from . import messages
from .options import WorkerOptions
from .report import StopReport
from .worker import ActivityWorker, calls_at_once

if TYPE_CHECKING:
    from ...health import HealthOptions


@dataclass(frozen=True)
class WorkerSpec:
    """What a child needs to be a worker; picklable.

    Attributes:
        options: the options of ``start_activity_worker``, with modules by name.
        initialize: called first in each child, to configure logging for example; or None.
    """

    options: WorkerOptions
    initialize: Callable[[], None] | None = None


def work(link: Link, spec: WorkerSpec) -> None:
    """Run a worker process until the supervisor stops it or ends."""
    if spec.initialize is not None:
        spec.initialize()
    leave_warnings()  # the supervisor has imported the same modules
    options = spec.options

    def report_and_leave(report: StopReport) -> None:
        """Send the report and end the process, although a thread hangs in an activity."""
        link.send(messages.reported(report))
        end_now(0)

    client = connect(options.layer1, calls_at_once=calls_at_once(options.concurrency))
    worker = ActivityWorker(
        client,
        options.domain,
        options.task_list,
        options.load(link.slot),
        **{**options.serving, "signals": False},
        journal=messages.SupervisedJournal(link),
        polls_out=link.add,
        leave=report_and_leave,
        put_signals_back=lambda: put_back(),
    )

    with child_signals(worker.stop, worker.print_state) as put_back:
        # If the supervisor is gone, it cannot answer for this process, which finishes its tasks.
        link.listen(partial(_obey, link, worker), gone=worker.stop)
        link.send(messages.ready())
        try:
            with _vitals_told(link, worker, options.health):
                report = worker.run()
        except SWFError as error:
            link.send(messages.refused(error))
        else:
            link.send(messages.reported(report))
        end_within(EXIT_SECONDS, 0)  # activities may have left threads and exit hooks behind


def _obey(link: Link, worker: ActivityWorker, message: Message) -> None:
    """Do what a message of the supervisor asks."""
    if message == messages.ASK_STATUS:
        link.send(messages.status(worker.state.status()))
    elif message == messages.PRINT_STATE:
        worker.print_state()
    else:
        worker.stop(messages.stop_level(message))


def _vitals_told(
    link: Link, worker: ActivityWorker, health: HealthOptions | None
) -> AbstractContextManager[object]:
    """Report the worker's health to the supervisor during the block, if health is shown."""
    if health is None:
        return nullcontext()
    from ...health.watch import HealthWatch
    from .vitals_report import VitalsReport

    return HealthWatch(worker.state, health, [VitalsReport(link)])
