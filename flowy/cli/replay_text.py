"""What ``flowy replay`` prints: tasks that fit, heartbeats, and how a task ended, then and now."""

from __future__ import annotations

from collections.abc import Iterator

from ..swf.replay import RecordedTask, Replay, RunEnd
from ..texts import cut_end, cut_start, printable
from .moments import local_time, table_time
from .terminal import readable

#: The columns of the table of tasks that fit.
HEADINGS = ("EVENT", "ACTIVITY", "TYPE", "STATE", "REASON", "STARTED")

#: The most characters of a result, or of details, that are printed.
MAX_SHOWN_CHARS = 4_000

#: Characters of a value that are printed as they are.
_KEPT = "\n\t"


def row(task: RecordedTask) -> tuple[str, ...]:
    """Return the cells of a task, one for each heading."""
    record = task.record
    return (
        str(task.event_id),
        record.activity_id,
        str(record.type),
        "open" if record.outcome is None else record.outcome.value,
        record.reason,
        table_time(record.started_at),
    )


def heading_of(task: RecordedTask) -> str:
    """Return the line that names a task, when it ran, and on which worker."""
    record = task.record
    ran = "never started"
    if record.started_event_id:
        ran = f"started {local_time(record.started_at)}".rstrip()
        ran += f" by {record.identity}" if record.identity else ""
    elif task.recording.lacks_end:
        ran = "its start is missing"
    return printable(f"{task}, event {task.event_id}, {ran}")


def print_heartbeat(seconds: float, details: str | None) -> None:
    """Print a heartbeat when it comes."""
    said = "" if details is None else f": {printable(cut_end(details, MAX_SHOWN_CHARS))}"
    print(f"{seconds:8.3f} s  heartbeat{said}", flush=True)


def lines_of(replay: Replay) -> Iterator[str]:
    """Yield how the task ended, then and now, and whether that is the same."""
    yield from _end_lines("Then:", replay.then)
    yield from _end_lines("Now: ", replay.now)
    yield printable(replay.verdict)


def _end_lines(label: str, end: RunEnd) -> Iterator[str]:
    yield f"{label} {printable(str(end))}"
    if end.result is not None:
        yield from _indented(cut_end(readable(end.result), MAX_SHOWN_CHARS))
    if end.details is not None:  # the end of a traceback tells most
        yield from _indented(cut_start(readable(end.details), MAX_SHOWN_CHARS))


def _indented(text: str) -> Iterator[str]:
    for line in printable(text, kept=_KEPT).rstrip("\n").split("\n"):
        yield f"  {line}".rstrip()
