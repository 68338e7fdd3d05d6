"""Decisions about timers: start one, cancel one.

StartTimer fails with OPEN_TIMERS_LIMIT_EXCEEDED beyond 1,000 open timers, and with
TIMER_CREATION_RATE_EXCEEDED beyond a rate (developer guide, Amazon SWF Quotas); moto has neither
limit.
"""

from __future__ import annotations

from typing import Any

from .execution import LocalExecution


class TimerDecisions(LocalExecution):
    """An execution that starts and cancels timers."""

    def start_timer(self, event_id: int, attributes: dict[str, Any]) -> None:
        timer_id = attributes["timerId"]
        cause = None
        if timer_id in self.timers:
            cause = "TIMER_ID_ALREADY_IN_USE"
        elif len(self.timers) >= self.domain.shared.quotas.open_timers:
            cause = "OPEN_TIMERS_LIMIT_EXCEEDED"
        elif not self.domain.shared.throttle.admits("StartTimer"):
            cause = "TIMER_CREATION_RATE_EXCEEDED"
        if cause is not None:
            self.decision_failed("StartTimerFailed", cause, event_id, timer_id=timer_id)
            return
        self._add_event(
            "TimerStarted",
            control=attributes.get("control"),
            decision_task_completed_event_id=event_id,
            start_to_fire_timeout=attributes["startToFireTimeout"],
            timer_id=timer_id,
        )

    def cancel_timer(self, event_id: int, timer_id: str) -> None:
        started = self.timers.get(timer_id)
        if started is None:
            self.decision_failed(
                "CancelTimerFailed", "TIMER_ID_UNKNOWN", event_id, timer_id=timer_id
            )
            return
        self._add_event(
            "TimerCanceled",
            decision_task_completed_event_id=event_id,
            started_event_id=started.event_id,
            timer_id=timer_id,
        )
