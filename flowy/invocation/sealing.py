"""Where a run meets envelopes: its input is opened, then decoded; its result encoded, then sealed.

A key service or a store that does not answer is waited for, like SWF itself, with heartbeats going
on. A run of an activity without codecs and without a store does not come here.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Protocol

from .. import reasons
from ..concurrency.event_loop import off_loop
from ..exception import CodecError, TooLongError, UnavailableError
from .answer import Answer, Canceled, Completed, Failed
from .failure import reason_of

#: What a hidden reason says of a failure without an exception.
NO_EXCEPTION = "no exception"


class Sealing(Protocol):
    """Opens and seals the texts of one task."""

    @property
    def encrypts(self) -> bool:
        """Whether what is sealed cannot be read."""

    def opened(self, text: str) -> str:
        """Return an input with the values of its envelopes in their places."""

    def sealed(self, text: str) -> str:
        """Return what is sent for a result."""

    def has_sealed(self, text: str) -> bool:
        """Return whether *text* is what ``sealed`` has returned."""

    def sealed_note(self, text: str) -> str:
        """Return the JSON text that is kept for a note."""

    def sealed_details(self, text: str) -> str:
        """Return what is sent for details of a cancellation."""

    def shown_reason(self, reason: str, kind: str) -> str:
        """Return what is sent as reason of a failure; never raises."""

    def sealed_failure(self, reason: str, details: str | None, kind: str) -> tuple[str, str | None]:
        """Return what is sent as reason and details of a failure.

        Args:
            reason: why.
            details: more, or None.
            kind: the class of the exception, which is told even if the reason is hidden.
        """

    def waiting(self) -> AbstractContextManager[object]:
        """Return a context manager in which heartbeats go on."""

    def pause_after(self, error: UnavailableError) -> float | Answer | None:
        """Return how many seconds to wait for the next try; the task's answer; or None to fail."""

    def pause(self, seconds: float) -> None:
        """Wait in this thread; a stop may end it early."""


def open_input(sealing: Sealing, input: str) -> str | Answer:
    """Return the opened input; or the answer of a task whose input cannot be opened."""
    with sealing.waiting():
        while True:
            opened = _opened_once(sealing, input)
            if not isinstance(opened, float):
                return opened
            sealing.pause(opened)


async def open_input_async(sealing: Sealing, input: str) -> str | Answer:
    """Open an input in threads, and wait on the event loop; like ``open_input``."""
    with sealing.waiting():
        while True:
            opened = await off_loop(lambda: _opened_once(sealing, input))
            if not isinstance(opened, float):
                return opened
            await asyncio.sleep(opened)


def seal_result(sealing: Sealing, text: str) -> Answer:
    """Return the answer with a sealed result, or why there is none."""
    with sealing.waiting():
        while True:
            try:
                return Completed(sealing.sealed(text))
            except UnavailableError as error:
                pause = sealing.pause_after(error)
                if pause is None:
                    return _unsealed(error)
                if not isinstance(pause, float):
                    return pause
                sealing.pause(pause)
            except Exception as error:
                return _unsealed(error)


def seal_note(sealing: Sealing, text: str) -> Any:
    """Return what is kept for the JSON text of a suspended task's note: an envelope, as a value.

    Raises:
        UnavailableError: the key service does not answer for too long.
        CodecError: it cannot be encoded.
    """
    with sealing.waiting():
        while True:
            try:
                return json.loads(sealing.sealed_note(text))
            except UnavailableError as error:
                pause = sealing.pause_after(error)
                if not isinstance(pause, float):
                    raise
                sealing.pause(pause)


def sealed_answer(sealing: Sealing, answer: Failed | Canceled) -> Failed | Canceled:
    """Return a failure or a cancellation as it is sent; details that cannot be sealed are not."""
    with sealing.waiting():
        while True:
            try:
                return _sealed_once(sealing, answer)
            except UnavailableError as error:
                pause = sealing.pause_after(error)
                if not isinstance(pause, float):
                    break
                sealing.pause(pause)
            except CodecError:
                break
    if isinstance(answer, Failed):
        reason = sealing.shown_reason(answer.reason, _kind_of(answer))
        return replace(answer, reason=reason, details=None)
    return Canceled()


def _sealed_once(sealing: Sealing, answer: Failed | Canceled) -> Failed | Canceled:
    if isinstance(answer, Failed):
        reason, details = sealing.sealed_failure(answer.reason, answer.details, _kind_of(answer))
        return replace(answer, reason=reason, details=details)
    if answer.details is None:
        return answer
    return Canceled(sealing.sealed_details(answer.details))


def _kind_of(answer: Failed) -> str:
    return NO_EXCEPTION if answer.error is None else type(answer.error).__name__


def _opened_once(sealing: Sealing, input: str) -> str | Answer | float:
    """Return the opened input, an answer, or after how many seconds to try again."""
    try:
        return sealing.opened(input)
    except UnavailableError as error:
        pause = sealing.pause_after(error)
        return _unopened(error) if pause is None else pause
    except Exception as error:
        return _unopened(error)


def _unopened(error: Exception) -> Failed:
    return Failed(reasons.INPUT_UNREADABLE + reason_of(error), None, error)


def _unsealed(error: Exception) -> Failed:
    """Return the failure for a result that cannot be sent, whose text must not be sent either."""
    if isinstance(error, TooLongError):
        return Failed(reasons.RESULT_TOO_LONG + reason_of(error), None, error)
    how = "it cannot be encoded: " if isinstance(error, CodecError) else ""
    return Failed(reasons.RESULT_NOT_SERIALIZABLE + how + reason_of(error), None, error)
