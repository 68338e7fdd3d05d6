"""How a run becomes an answer, without any knowledge of SWF or any call to it."""

from ..texts import cut_end, cut_start, sendable
from .answer import Answer, Canceled, Completed, Failed, HandedOver, NoAnswer, Suspended
from .declared_envelope import details_for, envelope_by, envelope_of, filled, sealing_of
from .failure import details_of, ends_thread, reason_of
from .invoke import answer_of_giving_up, answer_to_error, invoke, invoke_async, run_async
from .outcome import TaskOutcome
from .scheduler import Scheduler
from .sealing import NO_EXCEPTION, Sealing, seal_note, seal_result, sealed_answer
from .sending import send_answer
from .status import StatusRecord, TaskStatus

__all__ = [
    "NO_EXCEPTION",
    "Answer",
    "Canceled",
    "Completed",
    "Failed",
    "HandedOver",
    "NoAnswer",
    "Scheduler",
    "Sealing",
    "StatusRecord",
    "Suspended",
    "TaskOutcome",
    "TaskStatus",
    "answer_of_giving_up",
    "answer_to_error",
    "cut_end",
    "cut_start",
    "details_for",
    "details_of",
    "ends_thread",
    "envelope_by",
    "envelope_of",
    "filled",
    "invoke",
    "invoke_async",
    "reason_of",
    "run_async",
    "seal_note",
    "seal_result",
    "sealed_answer",
    "sealing_of",
    "send_answer",
    "sendable",
]
