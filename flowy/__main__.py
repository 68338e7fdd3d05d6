"""The program ``flowy``; ``python -m flowy`` is the same."""

from __future__ import annotations

import sys


def run() -> int:
    """Run the command line of this process and return its exit code."""
    try:
        from .cli import run  # takes a moment, in which somebody may press Ctrl-C

        return run()
    except KeyboardInterrupt:
        print("flowy: Interrupted.", file=sys.stderr)  # noqa: T201
        return 130


if __name__ == "__main__":
    sys.exit(run())
