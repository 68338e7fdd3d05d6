"""The wire format of simpleflow 0.36, for activities that its deciders schedule.

Read at simpleflow's commit 9c5cc04 and in its release 0.36.0. boto3 is imported when the first
jumbo field is read or written.
"""

from __future__ import annotations

from .activity import SimpleflowActivity
from .jumbo import JumboFields
from .values import decode_result, encode_input

__all__ = ["JumboFields", "SimpleflowActivity", "decode_result", "encode_input"]
