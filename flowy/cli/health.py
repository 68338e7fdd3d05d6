"""``flowy health`` and ``flowy status``: ask a worker how it is, and what it does.

A probe may run ``flowy health`` every few seconds, so all that it imports is light: no boto3, no
other verb, and HTTP only for a URL.
"""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from ..exception import HealthError
from ..health.file import MAX_AGE_SECONDS, problems_of
from . import arguments
from .durations import add_duration, any_time
from .exit_codes import ExitCode
from .parser import UsageError
from .status_text import print_status
from .terminal import say
from .verbs import add_verb

if TYPE_CHECKING:
    from .verbs import Verbs

_HEALTH = """\
Check whether a worker is live, for probes that run a command. The exit code is 0 if it is, else 1.

Give the URL of a worker that was started with --http, or the file of one that was started with
--health-file. A worker is not live if a part of it hangs, so that it needs a restart; an outage of
SWF does not count. It is ready if SWF gives it tasks.
"""

_HEALTH_EXAMPLES = """\
flowy health --url http://127.0.0.1:8080
flowy health --url unix:/run/flowy.sock --ready
flowy health --file /tmp/flowy.health
flowy health --file /tmp/flowy.health --max-age 1m
"""

_STATUS = """\
Show what a worker does: its slots, polls and processes, and each task that runs.

It shows no token, no input and no result.
"""

_STATUS_EXAMPLES = """\
flowy status --url http://127.0.0.1:8080
flowy status --url unix:/run/flowy.sock --json
"""

_URL = "URL of a worker's --http: http://HOST:PORT or unix:PATH"


def add_verbs(verbs: Verbs) -> None:
    """Add the verbs ``health`` and ``status``."""
    health = add_verb(verbs, "health", "tell whether a worker is live", _HEALTH, _HEALTH_EXAMPLES)
    health.set_defaults(run=_health)
    where = health.add_mutually_exclusive_group(required=True)
    where.add_argument("--url", metavar="URL", help=_URL)
    where.add_argument(
        "--file", type=arguments.file, metavar="PATH", help="file of a worker's --health-file"
    )
    add_duration(
        health,
        "--max-age",
        any_time,
        "how old the file may be",
        default=MAX_AGE_SECONDS,
    )
    health.add_argument(
        "--ready", action="store_true", help="ask whether the worker is ready, not live"
    )
    status = add_verb(verbs, "status", "show what a worker does", _STATUS, _STATUS_EXAMPLES)
    status.set_defaults(run=_status)
    status.add_argument("--url", required=True, metavar="URL", help=_URL)
    status.add_argument(
        "--json", action="store_true", help="print the answer of /status, one JSON object"
    )


def _health(given: argparse.Namespace) -> ExitCode:
    url = given.url or ""
    at_ready = url.startswith("http") and url.endswith("/ready")
    what = "ready" if given.ready or at_ready else "live"
    try:
        if given.file is not None:
            problems = problems_of(given.file, max_age_seconds=given.max_age, ready=given.ready)
            text = "; ".join(problems)
        else:
            text = _problems_at(url, what)
    except HealthError as error:
        text = str(error).rstrip(".")
    if not text:
        print(what)
        return ExitCode.FINE
    say(f"The worker is not {what}: {text}.")
    return ExitCode.ERROR


def _problems_at(url: str, what: str) -> str:
    """Return why the worker of a URL is not live, or not ready; empty if it is.

    Raises:
        HealthError: something else answers, whose 200 says nothing about a worker.
    """
    code, answer = _asked(url, f"/{what}")
    text = answer.strip()
    if code == 200 and text == what:
        return ""
    if not text.startswith(f"not {what}: "):
        raise _other_answer(url, code)
    return text.removeprefix(f"not {what}: ")


def _asked(url: str, path: str) -> tuple[int, str]:
    from ..health.client import asked
    from .waiting import waiting

    try:
        with waiting(f"Asking {url}"):
            return asked(url, path)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _status(given: argparse.Namespace) -> ExitCode:
    code, text = _asked(given.url, "/status")
    try:
        status = json.loads(text)
        if code != 200 or not isinstance(status, dict):
            raise ValueError
    except ValueError:
        raise _other_answer(given.url, code) from None
    if given.json:
        print(json.dumps(status))
    else:
        print_status(status)
    return ExitCode.FINE


def _other_answer(url: str, code: int) -> HealthError:
    return HealthError(
        f"Cannot read what {url} answers ({code}): it is not a worker's health server, or another "
        "path of it. Give the URL that the worker logs."
    )
