"""The endpoint as a process of its own: a JSON text a line on stdin, one back on stdout.

The first line out is ``{"url": ..., "environment": ...}``. A line in is ``{"do": name, ...}``
with the arguments of one of the functions below; the end of stdin ends the process.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from .endpoint import Endpoint


def main() -> None:
    """Run an endpoint until stdin ends."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--hold", type=float, default=60.0, help="of an empty poll, seconds")
    parser.add_argument("--latency", type=float, default=0.0, help="of each answer, seconds")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--certificate", help="speak TLS by this PEM file")
    options = parser.parse_args()
    with Endpoint(
        hold_seconds=options.hold,
        latency_seconds=options.latency,
        port=options.port,
        certificate=options.certificate,
    ) as endpoint:
        _say({"url": endpoint.url, "port": endpoint.port, "environment": endpoint.environment})
        for line in sys.stdin:
            request = json.loads(line)
            _say(_VERBS[request.pop("do")](endpoint, **request))


def restart(endpoint: Endpoint, *, latency: float | None = None) -> dict[str, Any]:
    """Begin a new record; set how much later answers are sent, in seconds."""
    endpoint.release_polls()
    endpoint.restart_record()
    if latency is not None:
        endpoint.latency_seconds = latency
    return {}


def supply(endpoint: Endpoint, *, count: int, **task: Any) -> dict[str, Any]:
    """Let the next *count* polls have a task each."""
    endpoint.supply(count, **task)
    return {}


def wait_answers(endpoint: Endpoint, *, count: int, timeout: float) -> dict[str, Any]:
    """Wait until *count* tasks have their answer."""
    return _waited(endpoint, lambda e: len(e.record.answers) >= count, timeout)


def wait_polls(endpoint: Endpoint, *, count: int, timeout: float) -> dict[str, Any]:
    """Wait until *count* polls are held."""
    return _waited(endpoint, lambda e: len(e.polls) >= count, timeout)


def wait_handed(endpoint: Endpoint, *, count: int, timeout: float) -> dict[str, Any]:
    """Wait until *count* tasks were handed out."""
    return _waited(endpoint, lambda e: len(e.record.handed) >= count, timeout)


def release_polls(endpoint: Endpoint) -> dict[str, Any]:
    """Answer the polls that are held, with nothing."""
    endpoint.release_polls()
    return {}


def figures(endpoint: Endpoint, *, skip: int = 0) -> dict[str, Any]:
    """Return what the record tells, leaving the first *skip* answers out of the rate.

    The rate is answers a second; a task's time is from the moment at which its poll's answer
    was sent to the arrival of its own answer, in seconds.
    """
    record = endpoint.record
    answered = sorted((answer.at, token) for token, answer in record.answers.items())[skip:]
    times = sorted(
        at - delivered
        for at, token in answered
        if (delivered := record.handed[token].delivered_at) is not None
    )
    span = answered[-1][0] - answered[0][0] if len(answered) > 1 else 0.0
    return {
        "answered": len(record.answers),
        "outcomes": dict(record.outcomes()),
        "calls": dict(record.calls),
        "refused": len(record.refused),
        "lost": len(record.lost),
        "polls_peak": record.polls_peak,
        "polls_out": len(endpoint.polls),
        "rate": (len(answered) - 1) / span if span else None,
        "p50": times[len(times) // 2] if times else None,
        "p99": times[int(len(times) * 0.99)] if times else None,
        "requests": record.requests,
        "cpu": time.process_time(),
    }


def _waited(
    endpoint: Endpoint, condition: Callable[[Endpoint], object], timeout: float
) -> dict[str, Any]:
    try:
        endpoint.wait_for(condition, timeout)
    except AssertionError as error:
        return {"error": str(error)}
    return {}


def _say(what: object) -> None:
    print(json.dumps(what), flush=True)


_VERBS: dict[str, Callable[..., dict[str, Any]]] = {
    verb.__name__: verb
    for verb in (restart, supply, wait_answers, wait_polls, wait_handed, release_polls, figures)
}


if __name__ == "__main__":
    main()
