"""Whether each task that was handed out is accounted for."""

from __future__ import annotations

import re

from flowy.swf.worker.report import StopReport
from tests.faults.record import Record


def assert_accounted(record: Record, report: StopReport) -> None:
    """Each task that was handed out has its answer, or its place in the report; none has two."""
    named = re.findall(r"activity a-(\S+) of", " ".join(report.abandoned + report.unanswered))
    assert record.open <= set(named), "open, and the report does not say so"
    assert len(record.lost) <= len(report.polls_lost)
    left = (report.abandoned, report.failed_by_stop, report.unanswered)
    told = report.completed + report.failed + report.canceled + report.closed
    assert told + sum(map(len, left)) == len(record.handed) - len(record.lost)
