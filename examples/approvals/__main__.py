"""``python -m approvals`` starts everything; with a PART, that part, as a deployment would."""

from __future__ import annotations

import argparse
import importlib.util
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from flowy.concurrency.signals import stop_signals
from flowy.concurrency.stop import StopFlag

from . import settings

REQUIREMENTS = Path(__file__).resolve().with_name("requirements.txt")

PARTS = ("worker", "keeper", "decider", "web")

#: The first requests: title, amount, who asks, and how long it can wait, in seconds.
REQUESTS = (
    ("Standing desks for the studio", "1,890 €", "Grace", 3 * 86_400),
    ("Train tickets to PyCon", "264 €", "Alan", 86_400),
    ("Espresso machine", "740 €", "Edsger", 2 * 3_600),
    ("Conference room, half a day", "120 €", "Ada", 120),
)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m approvals",
        description="Without a PART: an SWF on this machine, all parts, and a few requests. "
        "All data is in the folder approvals-data, or in the folder that "
        f"{settings.HOME_VARIABLE} names.",
    )
    parser.add_argument("part", nargs="?", choices=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--port", type=int, default=8000, help="of the page; 0 for a free one")
    given = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level="INFO")
    for name in ("botocore", "boto3", "urllib3"):
        logging.getLogger(name).setLevel("WARNING")
    # It logs paths, and whoever reads the path of a link can use the link.
    logging.getLogger("werkzeug").setLevel("WARNING")
    if given.part in (None, "web") and importlib.util.find_spec("flask") is None:
        print(f"approvals: The page needs Flask: pip install -r {REQUIREMENTS}", file=sys.stderr)
        return 1
    if given.part is None:
        return everything(given.port)
    run_part(given.part, given.port)
    return 0


def run_part(part: str, port: int) -> None:
    """Run one part until SIGINT or SIGTERM."""
    if part == "worker":
        from flowy import start_activity_worker

        from . import activities

        start_activity_worker(
            settings.DOMAIN, settings.TASK_LIST, package=activities, concurrency=2
        )
    elif part == "keeper":
        from flowy.swf.suspended import Keeper
        from flowy.tokens.sqlite import SQLiteTokenStore

        Keeper(settings.DOMAIN, SQLiteTokenStore(settings.store_file()), every=2.0).run()
    elif part == "decider":
        from . import workflow

        workflow.decide(StopFlag())
    else:
        serve(port)


def serve(port: int) -> None:
    """Serve the page on loopback."""
    from werkzeug.serving import make_server

    from .web import make_app

    server = make_server("127.0.0.1", port, make_app(), threaded=True)
    stop = StopFlag()
    with stop_signals(stop):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"Approvals: http://127.0.0.1:{server.port}/", flush=True)
        stop.wait(None)
    server.shutdown()
    server.server_close()


def everything(port: int) -> int:
    """Start an SWF on this machine, all parts and a few requests; return the exit code.

    The state of the SWF is in the folder, too, so that everything goes on after a restart.
    """
    from flowy import start_activity_worker
    from flowy.local import LocalSWF

    from . import activities, workflow

    stop = StopFlag()
    home = settings.home().resolve()
    os.environ[settings.HOME_VARIABLE] = str(home)  # whole, as the parts run in another folder
    first = not settings.store_file().exists()
    with (
        LocalSWF(domain=settings.DOMAIN, state=home / "swf.state") as swf,
        stop_signals(stop),
    ):
        os.environ.update(swf.environment)
        workflow.register(swf.client())
        # Registers the activity's type, without which no workflow could schedule it.
        start_activity_worker(settings.DOMAIN, settings.TASK_LIST, loop=0, package=activities)
        if first:
            for asked in REQUESTS:
                workflow.start(swf.client(), *asked)
        children = {part: _start(part, port) for part in PARTS}
        _wait(stop, children)
        for child in children.values():
            child.terminate()
        swf.stop()  # ends the polls that the parts wait for
        codes = {child.wait() for child in children.values()}
    # SIGTERM kills a part that was still starting. It had no task yet.
    return 0 if stop.is_set() and codes <= {0, -signal.SIGTERM} else 1


def _wait(stop: StopFlag, children: Mapping[str, subprocess.Popen[bytes]]) -> None:
    """Wait until a stop is asked for, or a part ends by itself."""
    while not stop.wait(0.5):
        ended = [part for part, child in children.items() if child.poll() is not None]
        if ended:
            print(f"approvals: the part {ended[0]} has ended.", file=sys.stderr)
            return


def _start(part: str, port: int) -> subprocess.Popen[bytes]:
    # In a session of its own, so that Ctrl-C reaches it only through this process.
    return subprocess.Popen(
        [sys.executable, "-m", "approvals", part, "--port", str(port)],
        cwd=Path(__file__).resolve().parent.parent,
        start_new_session=True,
    )


if __name__ == "__main__":
    sys.exit(main())
