"""``flowy local`` and ``flowy demo``: the verbs that bring their own SWF."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import getproxies

from ..demo import run_demo
from ..local import LocalSWF
from ..shutdown import StopFlag, stop_signals
from . import arguments
from .exit_codes import ExitCode
from .remote import add_verb

if TYPE_CHECKING:
    from .remote import Verbs

_LOCAL = """\
Run an SWF on this machine until Ctrl-C or SIGTERM, and print the lines that lead a shell to it.

  flowy local
  flowy local --port 4567
  flowy local --domain shop --domain test
  flowy local --state swf.state            go on another day where this one ended

Paste the lines into another shell: every boto3 program that is started there, changed in
nothing, uses this SWF. It is an emulator for laptops and tests: it listens on 127.0.0.1 alone,
and without --state all is gone when it ends. A page shows what goes on. It needs the extra
`local`.
"""

_DEMO = """\
See activities go through SWF, on this machine and without AWS.

  flowy demo
  flowy demo ~/notes

An embedded SWF, a worker process, and the files of FOLDER: each of the first 50 becomes an
activity that tells its size, lines, words and SHA-256. One more activity fails, and one suspends
and is completed by another process. In the end a table shows what SWF's history says of them
all; the exit code is 0 only if that is what it should be. It takes a few seconds, never more
than 20, changes nothing, and needs the extra `local`.
"""


def add_verbs(verbs: Verbs) -> None:
    """Add ``local`` and ``demo``."""
    local = add_verb(verbs, "local", "run an SWF on this machine", _LOCAL)
    local.set_defaults(run=_local)
    local.add_argument(
        "--port", type=arguments.port, default=0, help="the port (default: a free one)"
    )
    local.add_argument(
        "--domain",
        action="append",
        type=arguments.domain,
        help="a domain to register; may be given several times (default: local)",
    )
    local.add_argument(
        "--state",
        type=Path,
        metavar="FILE",
        help="keep the state in this file, which a kill does not harm (default: in memory)",
    )
    local.add_argument(
        "--page-port",
        type=arguments.port,
        default=0,
        metavar="PORT",
        help="the port of the page that shows what goes on (default: a free one)",
    )
    local.add_argument("--no-page", action="store_true", help="show no page")
    demo = add_verb(verbs, "demo", "see it work, without AWS", _DEMO)
    demo.set_defaults(run=_demo)
    demo.add_argument(
        "folder",
        nargs="?",
        type=arguments.folder,
        default=Path(),
        metavar="FOLDER",
        help="whose files to describe (default: the current one)",
    )


def _local(given: argparse.Namespace) -> ExitCode:
    domains = given.domain or ["local"]
    stop = StopFlag()
    with (
        stop_signals(stop),
        LocalSWF(
            given.port,
            domain=domains[0],
            state=given.state,
            page_port=None if given.no_page else given.page_port,
        ) as swf,
    ):
        for domain in domains[1:]:
            swf.register_domain(domain)
        noun = "Domain" if len(domains) == 1 else "Domains"
        # Comments and exports: a shell can take all of it, as `eval` does.
        print(f"# An SWF on this machine. {noun}: {', '.join(domains)}.")
        if not given.no_page:
            print(f"# What goes on: {swf.page_url}")
        print("# Paste these lines into the shell of your program; Ctrl-C here ends the SWF.")
        for name, value in {**swf.environment, **_past_proxies()}.items():
            print(f"export {name}={shlex.quote(value)}")
        sys.stdout.flush()
        stop.wait(None)
    return ExitCode.FINE


def _past_proxies() -> dict[str, str]:
    """Return what leads past the user's proxies, which cannot reach this machine's loopback."""
    if not getproxies():
        return {}
    past = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    value = ",".join(filter(None, [past, "127.0.0.1"]))
    return {"NO_PROXY": value, "no_proxy": value}


def _demo(given: argparse.Namespace) -> ExitCode:
    # A flag instead of a KeyboardInterrupt: an exception out of nowhere, between the start of a
    # process and the note of it, would leave the process behind.
    stop = StopFlag()
    with stop_signals(stop):
        right = run_demo(given.folder, sys.stdout, stop)
    if not right:
        print("flowy: The demo's history is not what it should be.", file=sys.stderr)
    return ExitCode.FINE if right else ExitCode.ERROR
