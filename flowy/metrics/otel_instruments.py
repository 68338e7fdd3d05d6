"""The names, attributes and buckets of the metrics for OpenTelemetry.

``docs/indepth/opentelemetry.rst`` has the same table; a test compares them. Names that begin with
``messaging.`` come from OpenTelemetry's messaging conventions, which may still change: a poll
receives, an answer settles, and a run processes a message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from .instruments import ANSWER_BUCKETS, CALL_BUCKETS, RUN_BUCKETS

#: The attributes of every metric of the messaging conventions.
SYSTEM: Mapping[str, str] = {"messaging.system": "aws_swf"}

#: With buckets for polls, which SWF keeps open for 60 s.
_OPERATION_BUCKETS = (*CALL_BUCKETS, 60, 90)

_TYPE = ("flowy.activity", "flowy.version")
_OPERATION = ("messaging.system", "messaging.operation.name", "messaging.operation.type")
_DESTINATION = "messaging.destination.name"


@dataclass(frozen=True)
class OTelInstrument:
    """One instrument.

    Attributes:
        name: its full name.
        kind: its kind in OpenTelemetry.
        unit: the unit of its values.
        help: its meaning.
        attributes: the names of its attributes; ``error.type`` is set only after an error.
        buckets: the upper bounds that a histogram proposes, in seconds.
    """

    name: str
    kind: Literal["counter", "updowncounter", "histogram"]
    unit: str
    help: str
    attributes: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


OTEL_INSTRUMENTS = (
    OTelInstrument(
        "messaging.process.duration",
        "histogram",
        "s",
        "Time from the poll that brought a task to the end of its run.",
        (*_OPERATION, _DESTINATION, *_TYPE, "flowy.outcome", "error.type"),
        RUN_BUCKETS,
    ),
    OTelInstrument(
        "messaging.client.operation.duration",
        "histogram",
        "s",
        "Duration of each try of a poll or an answer.",
        (*_OPERATION, _DESTINATION, "error.type"),
        _OPERATION_BUCKETS,
    ),
    OTelInstrument(
        "messaging.client.consumed.messages",
        "counter",
        "{message}",
        "Tasks that polls have brought.",
        ("messaging.system", "messaging.operation.name", _DESTINATION),
    ),
    OTelInstrument(
        "flowy.task.answer.duration",
        "histogram",
        "s",
        "Time from the end of a run until SWF accepted the answer, or the worker gave up.",
        buckets=ANSWER_BUCKETS,
    ),
    OTelInstrument(
        "flowy.task.queue.duration",
        "histogram",
        "s",
        "Time from the scheduling of a task to its start, if its history is read.",
        _TYPE,
        RUN_BUCKETS,
    ),
    OTelInstrument(
        "flowy.swf.call.duration",
        "histogram",
        "s",
        "Duration of each try of a call to SWF other than polls and answers.",
        ("flowy.action", "error.type"),
        CALL_BUCKETS,
    ),
    OTelInstrument(
        "flowy.tasks.running",
        "updowncounter",
        "{task}",
        "Activities that run or send their answer.",
        _TYPE,
    ),
    OTelInstrument("flowy.slots", "updowncounter", "{slot}", "Activities that can run at once."),
    OTelInstrument("flowy.slots.used", "updowncounter", "{slot}", "Slots in use."),
    OTelInstrument("flowy.polls.out", "updowncounter", "{poll}", "Open polls."),
    OTelInstrument(
        "flowy.polls",
        "counter",
        "{poll}",
        "Polls that have ended: with a task, empty, with an error, or perhaps with a lost task.",
        (_DESTINATION, "flowy.result"),
    ),
    OTelInstrument(
        "flowy.heartbeats",
        "counter",
        "{heartbeat}",
        "Tries of heartbeats, accepted or failed.",
        ("flowy.result",),
    ),
    OTelInstrument(
        "flowy.task.status",
        "counter",
        "{change}",
        "News from heartbeats about running tasks.",
        ("flowy.status",),
    ),
    OTelInstrument(
        "flowy.worker.restarts",
        "counter",
        "{process}",
        "Replaced worker processes, by how they had ended.",
        ("flowy.reason",),
    ),
)
