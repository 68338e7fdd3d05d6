"""How the command line configures logging: each record is a line on standard error.

A library must not configure logging, so only the command does, in the main process and again in
each worker process, which does not inherit the configuration.
"""

from __future__ import annotations

import logging
import sys

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

#: Below the level WARNING these loggers show inputs, results and tokens.
_WIRE_LOGGERS = ("boto3", "botocore", "urllib3")


def configure_logging(level: str) -> None:
    """Log to standard error at *level* and above: ``debug``, ``info``, ``warning``, ``error``."""
    logging.basicConfig(stream=sys.stderr, format=_FORMAT, level=level.upper())
    for name in _WIRE_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
