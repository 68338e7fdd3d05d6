"""``python -m approvals``: everything; or one part of it, as a deployment would start it."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from flowy.shutdown import StopFlag, stop_signals

from . import settings

PARTS = ("worker", "keeper", "decider", "web")

#: What is asked for at the start: title, amount, who, seconds.
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
        f"What it keeps is in the folder approvals-data, or where {settings.HOME_VARIABLE} says.",
    )
    parser.add_argument("part", nargs="?", choices=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--port", type=int, default=8000, help="of the page; 0 takes a free one")
    given = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level="INFO")
    for name in ("botocore", "boto3", "urllib3"):
        logging.getLogger(name).setLevel("WARNING")
    # It would log paths, and a path may be a link that somebody else is to use.
    logging.getLogger("werkzeug").setLevel("WARNING")
    if given.part is None:
        return everything(given.port)
    run_part(given.part, given.port)
    return 0


def run_part(part: str, port: int) -> None:
    """Be one part until SIGINT or SIGTERM."""
    if part == "worker":
        from flowy import start_activity_worker

        from . import activities

        start_activity_worker(
            settings.DOMAIN, settings.TASK_LIST, package=activities, concurrency=2
        )
    elif part == "keeper":
        from flowy.swf.keeper import Keeper
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
    with stop_signals(stop, interrupt=False):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"Approvals: http://127.0.0.1:{server.port}/", flush=True)
        stop.wait(None)
    server.shutdown()
    server.server_close()


def everything(port: int) -> int:
    """Start the embedded SWF, put a few requests in, and start the parts; end with them.

    Started again it goes on where it was: the SWF's state stands in the folder, too.
    """
    from flowy import start_activity_worker
    from flowy.local import LocalSWF

    from . import activities, workflow

    stop = StopFlag()
    home = settings.home().resolve()
    os.environ[settings.HOME_VARIABLE] = str(home)  # the parts run in another folder
    first = not settings.store_file().exists()
    with (
        LocalSWF(domain=settings.DOMAIN, state=home / "swf.state") as swf,
        stop_signals(stop, interrupt=False),
    ):
        os.environ.update(swf.environment)
        workflow.register(swf.client())
        # Registers the activity's type: nobody can ask for it before.
        start_activity_worker(settings.DOMAIN, settings.TASK_LIST, loop=0, package=activities)
        if first:
            for asked in REQUESTS:
                workflow.start(swf.client(), *asked)
        children = [_start(part, port) for part in PARTS]
        while not stop.wait(0.5):
            ended = [child for child in children if child.poll() is not None]
            if ended:
                print(f"approvals: {ended[0].args} has ended.", file=sys.stderr)
                break
        for child in children:
            child.terminate()
        swf.stop()  # the polls that are held end, and who waits for them
        codes = {child.wait() for child in children}
    # One that was still starting has not heard of SIGTERM yet, and has had nothing in hand.
    return 0 if stop.is_set() and codes <= {0, -signal.SIGTERM} else 1


def _start(part: str, port: int) -> subprocess.Popen[bytes]:
    # A group of their own: Ctrl-C reaches them through us, in order.
    return subprocess.Popen(
        [sys.executable, "-m", "approvals", part, "--port", str(port)],
        cwd=Path(__file__).resolve().parent.parent,
        start_new_session=True,
    )


if __name__ == "__main__":
    sys.exit(main())
