"""Sends an answer through the scheduler of an activity that is called by itself."""

from __future__ import annotations

from .. import reasons
from ..exception import TransportError
from .answer import Answer, Canceled, Completed, Failed, HandedOver, Suspended
from .failure import reason_of
from .scheduler import Scheduler


def send_answer(answer: Answer, scheduler: Scheduler, token: str) -> None:
    """Send an answer; a result that SWF would refuse becomes a failure."""
    if isinstance(answer, Completed):
        try:
            scheduler.complete(token, answer.result)
        except TransportError as error:
            scheduler.fail(token, reasons.RESULT_TOO_LONG + reason_of(error), None)
    elif isinstance(answer, Failed):
        scheduler.fail(token, answer.reason, answer.details)
    elif isinstance(answer, Canceled):
        scheduler.cancel(token, answer.details)
    elif isinstance(answer, Suspended):
        scheduler.suspend(token)
    elif isinstance(answer, HandedOver):
        scheduler.hand_over(token)
