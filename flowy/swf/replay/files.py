"""Histories in files: those that the AWS CLI writes, and those that a replay saves."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ...exception import HistoryError
from .recording import DOMAIN_KEY, EVENT_KEY, RUN_KEY, UNKNOWN, WORKFLOW_KEY, RecordedTask

#: The type of the first event of a history, and the keys that are kept of it.
_FIRST, _EVENT_KEYS = "WorkflowExecutionStarted", ("eventId", "eventType", "eventTimestamp")


def history_in(text: str, name: str) -> list[Mapping[str, Any]]:
    """Return the pages of a history that a text has, as one JSON document or several in a row.

    Args:
        text: what a file has.
        name: the name of the file, for errors.

    Raises:
        HistoryError: it is not JSON, or not a history.
    """
    decoder, at, pages = json.JSONDecoder(), 0, []
    text = text.removeprefix("\ufeff").strip()
    if not text:
        raise HistoryError(f"Cannot read the history in {name}: it is empty.")
    while at < len(text):
        try:
            page, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            where = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "nesting"
            raise HistoryError(
                f"Cannot read the history in {name}: it is not JSON ({where}). Write one by `aws "
                "swf get-workflow-execution-history --output json` or `flowy replay --save`."
            ) from None
        pages.extend(page if isinstance(page, list) else [page])
        while at < len(text) and text[at].isspace():
            at += 1
    return pages


def save(task: RecordedTask, path: Path) -> None:
    """Write the history of one task to a file that only its owner can read; replace the file.

    Earlier tasks of its type are written, too, because it may be a later attempt at one of them. So
    is the first event, which shows that none is missing, without the input of the workflow.

    Raises:
        OSError: it cannot be written, or the path is that of a device, a pipe or a folder.
    """
    path = Path(os.path.realpath(path))  # a link stays, such as /dev/stdout
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is not a file")
    recording = task.recording
    events = {each["eventId"]: each for one in (*task.earlier, task) for each in one.events}
    first = recording.events[0]
    if first["eventType"] == _FIRST:
        events[first["eventId"]] = {key: first[key] for key in _EVENT_KEYS}
    whose = {
        DOMAIN_KEY: recording.domain,
        WORKFLOW_KEY: recording.workflow_id,
        RUN_KEY: recording.run_id,
    }
    document = {
        **{key: said for key, said in whose.items() if said != UNKNOWN},
        EVENT_KEY: task.event_id,
        "events": [events[number] for number in sorted(events)],
    }
    part = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}")
    try:
        with open(part, "x", encoding="utf-8", opener=_private) as file:
            json.dump(document, file, indent=2, default=_json_time)
            file.write("\n")
        part.replace(path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _json_time(value: object) -> float:
    """Return the time of an event as boto3 has it, in seconds since the epoch, as the CLI may."""
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"no JSON for {type(value).__name__}")
