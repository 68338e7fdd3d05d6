"""Task tokens, which name their task and are signed.

SWF distinguishes the token of a task that closed long ago (UnknownResourceFault) from a text that
is not a token (ValidationException). The local SWF can do the same without keeping closed tasks,
because a token names the execution and the event that scheduled its task, and is signed.
"""

from __future__ import annotations

import hashlib
import hmac

_SIGNATURE_BYTES = 8


class TaskTokens:
    """Makes task tokens and reads them.

    Args:
        secret: the key of the signatures; the same after a restart, so that tokens stay valid.
    """

    def __init__(self, secret: bytes) -> None:
        self.secret = secret

    def make(self, kind: str, run_id: str, event_id: int) -> str:
        """Make the token of a task.

        Args:
            kind: "a" for an activity task, "d" for a decision task.
            run_id: the run id of the task's execution.
            event_id: the event that scheduled the task.
        """
        text = f"{run_id}-{kind}{event_id}"
        return f"{self._signature(text)}-{text}"

    def read(self, token: str, kind: str) -> tuple[str, int] | None:
        """Return the run id and event id of a token; None if the token was not made here."""
        signature, _, text = token.partition("-")
        if not token.isascii() or not hmac.compare_digest(signature, self._signature(text)):
            return None
        run_id, _, task = text.rpartition("-")
        return (run_id, int(task[1:])) if task[0] == kind else None

    def _signature(self, text: str) -> str:
        return hashlib.blake2b(
            text.encode(), key=self.secret, digest_size=_SIGNATURE_BYTES
        ).hexdigest()
