"""The one activity: it asks a person, and does not wait."""

from __future__ import annotations

from flowy import Activity, activity
from flowy.tokens.sqlite import SQLiteTokenStore

from . import settings

DAY = 24 * 3_600


@activity(
    name="request_approval",
    version=1,
    task_list=settings.TASK_LIST,
    schedule_to_start=DAY,
    schedule_to_close=31 * DAY,
    start_to_close=30 * DAY,
)
class RequestApproval(Activity):
    """Keeps its token where the page finds it, and suspends: the worker is free at once."""

    def run(self, title: str, amount: str, who: str, seconds: int) -> None:
        store = SQLiteTokenStore(settings.store_file())
        # The workflow gives each request its own start-to-close, and tells it in the input, for
        # SWF does not tell a worker.
        self.suspend(store, {"title": title, "amount": amount, "who": who}, timeout=seconds)
