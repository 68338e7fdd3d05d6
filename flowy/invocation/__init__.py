"""How a run becomes an answer, without any knowledge of SWF or any call to it."""

from ..texts import cut_end, cut_start, sendable
from .answer import Answer, Canceled, Completed, Failed, HandedOver, NoAnswer, Suspended
from .failure import details_of, ends_thread, reason_of
from .invoke import answer_to_error, invoke, invoke_async, run_async
from .outcome import TaskOutcome
from .scheduler import Scheduler
from .sending import send_answer
from .status import StatusRecord, TaskStatus

__all__ = [
    "Answer",
    "Canceled",
    "Completed",
    "Failed",
    "HandedOver",
    "NoAnswer",
    "Scheduler",
    "StatusRecord",
    "Suspended",
    "TaskOutcome",
    "TaskStatus",
    "answer_to_error",
    "cut_end",
    "cut_start",
    "details_of",
    "ends_thread",
    "invoke",
    "invoke_async",
    "reason_of",
    "run_async",
    "send_answer",
    "sendable",
]
