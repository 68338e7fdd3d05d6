"""SWF's faults, as they are sent.

A fault is an answer with status 400 or 500 whose JSON names it in ``__type``, with the prefix of
the service that raised it: SWF itself, or the layer before it that throttles.
"""

from __future__ import annotations

import json
from typing import TypeAlias

#: HTTP status and JSON text, which may be empty.
Answer: TypeAlias = tuple[int, str]

#: The full name of the fault of a throttled call, and its message.
THROTTLING = "com.amazon.coral.availability#ThrottlingException"
THROTTLED_MESSAGE = "Rate exceeded"


def model_fault(name: str) -> str:
    """Return the full name of one of SWF's own faults."""
    return f"com.amazonaws.swf.base.model#{name}"


def fault_text(full_name: str, message: str) -> str:
    """Return the JSON text of a fault."""
    return json.dumps({"__type": full_name, "message": message})


#: The answer to a throttled call.
THROTTLED: Answer = (400, fault_text(THROTTLING, THROTTLED_MESSAGE))

#: The answer to a call that failed inside SWF.
FAILED: Answer = (500, '{"__type": "com.amazon.coral.service#InternalFailure"}')
