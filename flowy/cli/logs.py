"""Logging, as the command line configures it: a line to standard error each.

A library must not configure logging, and Flowy's does not; whoever starts ``flowy`` wants to see
something. Worker processes configure it anew, for they inherit nothing.
"""

from __future__ import annotations

import logging
import sys

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

#: Below this level these log what goes over the wire: inputs, results and tokens.
_WIRE_LOGGERS = ("boto3", "botocore", "urllib3")


def configure_logging(level: str) -> None:
    """Log to standard error from *level* on: ``debug``, ``info``, ``warning`` or ``error``."""
    logging.basicConfig(stream=sys.stderr, format=_FORMAT, level=level.upper())
    for name in _WIRE_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
