"""What all verbs of the command line have."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Verbs = argparse._SubParsersAction[argparse.ArgumentParser]

LOG_LEVELS = ("debug", "info", "warning", "error")


def add_verb(
    verbs: Verbs, name: str, summary: str, description: str, *, log_level: str = "warning"
) -> argparse.ArgumentParser:
    """Add a verb with the options of all verbs: ``--help`` with examples, and ``--log-level``."""
    parser = verbs.add_parser(
        name,
        help=summary,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # else a new option could break command lines of today
    )
    parser.add_argument(
        "--log-level",
        choices=LOG_LEVELS,
        default=log_level,
        help=f"log to standard error at this level and above (default: {log_level})",
    )
    return parser
