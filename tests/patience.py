"""How tests wait for what other threads and processes do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

#: The limit of a wait for what is due at once, in seconds. Nothing takes nearly as long, except on
#: a busy machine: there a start of three processes does.
PATIENCE_SECONDS = 60.0

#: How long whatever is to hang does so, in seconds: longer than any test waits.
HANG_SECONDS = 1.25 * PATIENCE_SECONDS

#: How often ``until`` looks, in seconds.
LOOK_SECONDS = 0.01

Seen = TypeVar("Seen")


def until(
    look: Callable[[], Seen | None], what: object = "it", *, every_seconds: float = LOOK_SECONDS
) -> Seen:
    """Look until there is something true, and return that.

    For what cannot be waited on: a file, a history at SWF, another's page.

    Args:
        look: returns what is waited for.
        what: what the error says if it does not come; a function is called for that.
        every_seconds: how often to look.
    """
    ends = time.monotonic() + PATIENCE_SECONDS
    while not (seen := look()):
        if time.monotonic() >= ends:
            said = what() if callable(what) else what
            raise AssertionError(f"not seen in {PATIENCE_SECONDS:.0f} s: {said}")
        threading.Event().wait(every_seconds)
    return seen
