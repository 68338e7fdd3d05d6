"""The demo's activities: one that works, one that fails, and one that suspends.

A worker serves them: ``flowy worker --domain demo --task-list demo flowy.demo.activities``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from flowy.exception import SuspendTask
from flowy.swf.scanner import activity
from flowy.task import Activity

from .files import MAX_READ_BYTES, facts_of

#: How much is read between two heartbeats, in bytes.
CHUNK_BYTES = 512 * 1024


@activity(name="describe", version=1, task_list="demo", heartbeat=10)
class Describe(Activity):
    """Tells size, lines, words and SHA-256 of a file."""

    def run(self, path: str) -> dict[str, Any] | None:
        """Read the file and tell SWF, from time to time, how far it has come."""
        content = b""
        with Path(path).open("rb") as file:
            while len(content) < MAX_READ_BYTES and (chunk := file.read(CHUNK_BYTES)):
                content += chunk
                if not self.heartbeat(f"{len(content):,} bytes read"):
                    return None  # nobody waits for the value any more
            return facts_of(content, size=file.seek(0, os.SEEK_END))


@activity(name="echo", version=1, task_list="demo")
class Echo(Activity):
    """Returns what it is given, but for 1."""

    def run(self, value: Any) -> Any:
        """An exception fails the activity: its text is the reason that SWF keeps."""
        if value == 1:
            raise ValueError("Can't echo 1.")
        return value


@activity(name="approve", version=1, task_list="demo", start_to_close=60)
class Approve(Activity):
    """Asks somebody else, who may take an hour or a week, and does not wait."""

    def run(self, question: str, mailbox: str) -> None:
        """Hand the question over with the token, which is all that is needed to answer it.

        Here it goes into a file that only its owner can read, for a token is a credential: who
        holds it can end the task. A real system would keep it in its database, beside what is to
        be approved.
        """
        letter = Path(mailbox)
        draft = letter.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps({"question": question, "token": self.token}))
        draft.rename(letter)  # so that nobody finds half a letter
        raise SuspendTask
