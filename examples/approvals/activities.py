"""The activity: it asks a person and suspends."""

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
    """Puts its token into the store, where the page finds it, and frees the worker at once."""

    def run(self, title: str, amount: str, who: str, seconds: int) -> None:
        store = SQLiteTokenStore(settings.store_file())
        # The workflow sets a start-to-close timeout for each request. SWF does not tell a worker
        # of that, so the input has it, too.
        self.suspend(store, {"title": title, "amount": amount, "who": who}, timeout=seconds)
