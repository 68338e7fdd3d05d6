"""``flowy local`` and ``flowy demo``: the verbs that start an SWF of their own.

Amazon offers no SWF to run on a laptop, so both use the emulator of ``flowy.local``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ..concurrency.signals import stop_signals
from ..concurrency.stop import StopFlag
from ..demo import run_demo
from ..demo.workflow import KEYS
from ..local import LocalSWF
from ..local.running import announced
from . import arguments
from .durations import add_duration, any_time
from .exit_codes import ExitCode
from .local_swf import DOMAIN, POLL_SECONDS, environment_for, next_port, print_settings, started
from .parser import UsageError
from .tables import add_json, print_json
from .terminal import say
from .verbs import add_domain, add_verb
from .waiting import waiting
from .wrapped_command import check_program, run_command

if TYPE_CHECKING:
    from .verbs import Verbs

_LOCAL = """\
Run an SWF on this machine until Ctrl-C or SIGTERM, and print the settings for programs to use it.

Paste the printed lines into another shell: every boto3 program that you start there uses this SWF,
without any change. Or give a COMMAND after --. It runs with these settings and FLOWY_DOMAIN, and
gets the signals. The SWF ends when the command ends, with its exit code.

It is an emulator for laptops and tests. It listens only on 127.0.0.1, unless you give --host. It
forgets everything at its end, unless you give --state. A web page shows what happens. It needs the
extra `local`.
"""

_LOCAL_EXAMPLES = """\
flowy local
flowy local --port 4567
flowy local --domain shop --domain test
flowy local --state swf.state            # keep everything for the next start
flowy local -- python test_orders.py     # run this command, and end with it
flowy local --domain shop -- flowy worker --task-list orders shop.activities
flowy local -- bash                      # a shell in which everything uses this SWF
flowy local --host 0.0.0.0 --allow-host host.docker.internal --port 4567    # for containers
"""

_DEMO = """\
Watch activities run through SWF, on this machine and without AWS.

The demo starts an embedded SWF and a worker process. Each of the first 12 files of FOLDER becomes
an activity that returns its size, lines, words and SHA-256. One more activity fails, and one
suspends until another process completes it. At the end, a table shows SWF's history of all of them.
The exit code is 0 only if the history is as expected. The demo takes a few seconds. It gives up if
no activity ends for 30 seconds. It changes no file, and needs the extra `local`.
"""

#: What the demo says at its end.
_NEXT = """\
Next: run `flowy local` in one terminal, and look at its page. Serve your own activities in another:
`flowy worker --local --task-list demo my.activities`. The tutorial, in docs/tutorial, shows each
step."""

_DEMO_EXAMPLES = """\
flowy demo
flowy demo notes
flowy demo --json > facts.json           # for programs
"""


def add_verbs(verbs: Verbs) -> None:
    """Add the verbs ``local`` and ``demo``."""
    _add_local(verbs)
    demo = add_verb(verbs, "demo", "see it work, without AWS", _DEMO, _DEMO_EXAMPLES)
    demo.set_defaults(run=_demo)
    demo.add_argument(
        "folder",
        nargs="?",
        type=arguments.folder,
        default=Path(),
        metavar="FOLDER",
        help="describe the files of this folder (default: the current one)",
    )
    add_json(demo, KEYS, table="the table (which goes to standard error, as everything else does)")


def _add_local(verbs: Verbs) -> None:
    local = add_verb(verbs, "local", "run an SWF on this machine", _LOCAL, _LOCAL_EXAMPLES)
    local.set_defaults(run=_local)
    local.add_argument(
        "--port", type=arguments.port, default=0, help="listen on this port (default: a free one)"
    )
    add_domain(
        local, action="append", help=f"register this domain; repeat for more (default: {DOMAIN})"
    )
    local.add_argument(
        "--state",
        type=arguments.file,
        metavar="FILE",
        help="keep the state in this file, even if the process is killed (default: in memory)",
    )
    local.add_argument(
        "--page-port",
        type=arguments.port,
        metavar="PORT",
        help="show the web page on this port (default: the one after --port, or a free one)",
    )
    add_duration(
        local,
        "--poll-seconds",
        any_time,
        "answer a poll after this time if there is no task; Amazon's SWF takes 60 s",
        default=POLL_SECONDS,
    )
    _add_host(local)
    local.add_argument("--no-page", action="store_true", help="do not serve the web page")
    local.after_dashes = "COMMAND"  # an empty variable in a script must not start a server
    local.add_argument(
        "command",
        nargs="*",
        metavar="COMMAND",
        help="run this command, which uses the SWF, and end with it; put -- before it",
    )


def _add_host(local: argparse.ArgumentParser) -> None:
    local.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="listen on this IP address: anyone who can reach it can do anything "
        "(default: 127.0.0.1)",
    )
    local.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="answer requests to this host name, such as host.docker.internal; repeat for more; "
        "required with another --host",
    )


def _local(given: argparse.Namespace) -> int:
    domains = given.domain or [DOMAIN]
    page_port = given.page_port
    if page_port is None:
        page_port = next_port(given.host, given.port)
    try:
        local = LocalSWF(
            given.port,
            domain=domains[0],
            poll_seconds=given.poll_seconds,
            state=given.state,
            page_port=None if given.no_page else page_port,
            host=given.host,
            allowed_hosts=given.allow_host,
        )
    except ValueError as error:
        raise UsageError(str(error)) from None
    if given.command:
        return _with_command(given, local, domains)
    stop = StopFlag()
    with stop_signals(stop), started(local) as swf, announced(swf.endpoint_url):
        for line in _about(given, swf, domains):
            print(f"# {line}")
        print("# Paste these lines into the shell of your program; Ctrl-C here ends the SWF.")
        print_settings(swf.endpoint_url)
        stop.wait(None)
    return ExitCode.FINE


def _with_command(given: argparse.Namespace, local: LocalSWF, domains: Sequence[str]) -> int:
    check_program(given.command[0])
    with started(local) as swf, announced(swf.endpoint_url):
        for line in _about(given, swf, domains):
            say(line)
        return run_command(given.command, environment_for(swf.endpoint_url, domains[0]))


def _about(given: argparse.Namespace, swf: LocalSWF, domains: Sequence[str]) -> Iterator[str]:
    """Register the other domains and yield what there is to say of the local SWF."""
    for domain in domains[1:]:
        swf.register_domain(domain)
    noun = "Domain" if len(domains) == 1 else "Domains"
    yield f"An SWF on this machine. {noun}: {', '.join(domains)}."
    if not given.no_page:
        yield f"Its web page: {swf.page_url}"
    for name in given.allow_host:
        port = swf.endpoint_url.rpartition(":")[2]
        yield f"From where this machine is {name}: AWS_ENDPOINT_URL_SWF=http://{name}:{port}"


def _demo(given: argparse.Namespace) -> ExitCode:
    # A flag, because a KeyboardInterrupt just after the start of a process, before it is known
    # to the block that ends it, would leave the process behind.
    stop = StopFlag()
    with stop_signals(stop):
        out = sys.stderr if given.json else sys.stdout
        with ExitStack() as starting:
            starting.enter_context(waiting("Starting an SWF and a worker"))
            right, facts = run_demo(given.folder, out, stop, ready=starting.close)
    if given.json:
        print_json(facts)
    if right:
        print(f"\n{_NEXT}", file=out)
    else:
        say("The demo's history is not as expected.")
    return ExitCode.FINE if right else ExitCode.ERROR
