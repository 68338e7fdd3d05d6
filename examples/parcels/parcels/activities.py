"""The activities."""

from __future__ import annotations

import asyncio

from flowy import Activity, CancelTask, SuspendTask, activity
from flowy.task import AsyncActivity

from . import depot


@activity(name="weigh", version=1, task_list="parcels")
class Weigh(Activity):
    """Weigh a parcel: the simplest kind."""

    def run(self, items: dict[str, float]) -> float:
        if not items:
            raise ValueError("An empty parcel has no weight.")
        return round(sum(items.values()), 3)


@activity(name="pack", version=1, task_list="parcels", heartbeat=30)
class Pack(Activity):
    """Pack item by item; unpack again when the order is canceled."""

    def run(self, items: list[str]) -> dict[str, int]:
        packed: list[str] = []
        for item in items:
            depot.pack(item)
            packed.append(item)
            if not self.heartbeat({"packed": len(packed), "of": len(items)}):
                for done in reversed(packed):
                    depot.unpack(done)
                if self.cancel_requested:
                    raise CancelTask(f"{len(packed)} items unpacked")
                return None
        return {"items": len(packed)}


@activity(name="track", version=1, task_list="parcels", heartbeat=60, auto_heartbeat=True)
class Track(AsyncActivity):
    """Follow a parcel until it arrives: waits for long, and need not think of heartbeats."""

    async def run(self, parcel: str) -> str:
        position = depot.subscribe(parcel)
        try:
            while (place := await position.get()) != "arrived":
                self.progress(place)
                await asyncio.sleep(0)
        finally:
            depot.unsubscribe(parcel)
        return place


@activity(
    name="release",
    version=1,
    task_list="parcels",
    schedule_to_close=8 * 86_400,
    start_to_close=7 * 86_400,
)
class Release(Activity):
    """Wait for customs, without a worker: whoever gets their letter has the token."""

    def run(self, parcel: str) -> None:
        depot.ask_customs(parcel, self.token)
        raise SuspendTask
