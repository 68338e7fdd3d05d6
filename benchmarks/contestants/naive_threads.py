"""The hand-written loop, many times: a thread for each slot, and each polls, runs and answers."""

from __future__ import annotations

import argparse
import threading
import time

import boto3
from botocore.config import Config

from .meter import Meter
from .naive import serve

meter = Meter()


def sleep(seconds: float) -> float:
    """Wait, as an activity that calls somebody else does."""
    meter.tick()
    time.sleep(seconds)
    return seconds


def main() -> None:
    """Start the threads, which share a client with a pool that is large enough."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slots", type=int, required=True)
    slots = parser.parse_args().slots
    client = boto3.client("swf", config=Config(read_timeout=70, max_pool_connections=slots))
    activities = {("sleep", "1"): sleep}
    threads = [threading.Thread(target=serve, args=(client, activities)) for _ in range(slots)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
