"""Sends an answer through the scheduler of an activity that is called by itself."""

from __future__ import annotations

from .. import reasons
from ..exception import TransportError
from .answer import Answer, Canceled, Completed, Failed, HandedOver, Suspended
from .declared_envelope import Declaring, envelope_of
from .failure import reason_of
from .scheduler import Scheduler
from .sealing import sealed_answer


def send_answer(
    answer: Answer, scheduler: Scheduler, token: str, activity: type[Declaring]
) -> None:
    """Send an answer; a result that SWF would refuse becomes a failure.

    Details are sealed as the class declares; a worker's scheduler does so by itself.
    """
    if isinstance(answer, Failed | Canceled) and not hasattr(scheduler, "sealing"):
        envelope = envelope_of(activity)
        if envelope is not None:
            answer = sealed_answer(envelope, answer)
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
