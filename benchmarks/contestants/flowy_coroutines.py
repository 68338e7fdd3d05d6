"""The worker under test, with activities that are coroutines."""

from __future__ import annotations

import argparse
import asyncio

from flowy.swf.boilerplate import start_activity_worker
from flowy.swf.scanner import activity
from flowy.task import AsyncActivity

from .meter import Meter

meter = Meter()


@activity(name="sleep", version="1", task_list="bench")
class Sleep(AsyncActivity):
    """Waits, as an activity that calls somebody else does."""

    async def run(self, seconds: float) -> float:
        """Sleep."""
        meter.tick()
        await asyncio.sleep(seconds)
        return seconds


def main() -> None:
    """Serve for ever."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--concurrency", type=int, required=True)
    concurrency = parser.parse_args().concurrency
    start_activity_worker("bench", "bench", reg_remote=False, concurrency=concurrency)


if __name__ == "__main__":
    main()
