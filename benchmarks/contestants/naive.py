"""The loop that people write by hand: poll, run, answer, one task after the other."""

from __future__ import annotations

import json
import os
import traceback
from typing import Any

import boto3
from botocore.config import Config

from .meter import Meter

meter = Meter()


def trivial(number: int) -> int:
    """Do next to nothing."""
    meter.tick()
    return number


def serve(client: Any, activities: dict[tuple[str, str], Any]) -> None:
    """Poll for ever."""
    identity = f"{os.uname().nodename}:{os.getpid()}"
    while True:
        task = client.poll_for_activity_task(
            domain="bench", taskList={"name": "bench"}, identity=identity
        )
        token = task.get("taskToken")
        if not token:
            continue
        try:
            type_ = task["activityType"]
            run = activities[type_["name"], type_["version"]]
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


if __name__ == "__main__":
    serve(
        boto3.client("swf", config=Config(read_timeout=70)),
        {("trivial", "1"): trivial},
    )
