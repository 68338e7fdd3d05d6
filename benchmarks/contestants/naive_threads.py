"""The hand-written loop, many times: a thread for each slot, and each polls, runs and answers."""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
import traceback
from typing import Any

import boto3
from botocore.config import Config

from .meter import Meter

meter = Meter()


def sleep(seconds: float) -> float:
    """Wait, as an activity that calls somebody else does."""
    meter.tick()
    time.sleep(seconds)
    return seconds


ACTIVITIES: dict[tuple[str, str], Any] = {("sleep", "1"): sleep}


def serve(client: Any, identity: str) -> None:
    """Poll for ever."""
    while True:
        task = client.poll_for_activity_task(
            domain="bench", taskList={"name": "bench"}, identity=identity
        )
        token = task.get("taskToken")
        if not token:
            continue
        try:
            type_ = task["activityType"]
            run = ACTIVITIES[type_["name"], type_["version"]]
            args, kwargs = json.loads(task["input"])
            result = json.dumps(run(*args, **kwargs))
        except Exception as error:
            client.respond_activity_task_failed(
                taskToken=token,
                reason=str(error)[:256],
                details=traceback.format_exc()[-32768:],
            )
        else:
            client.respond_activity_task_completed(taskToken=token, result=result)


def main() -> None:
    """Start the threads, which share a client with a pool that is large enough."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slots", type=int, required=True)
    slots = parser.parse_args().slots
    client = boto3.client("swf", config=Config(read_timeout=70, max_pool_connections=slots))
    identity = f"{os.uname().nodename}:{os.getpid()}"
    threads = [threading.Thread(target=serve, args=(client, identity)) for _ in range(slots)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
