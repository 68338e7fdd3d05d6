"""What a process writes, read line by line as it comes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import IO

from tests.patience import PATIENCE_SECONDS


class ProcessOutput:
    """The lines that a process and its children write to one pipe; a thread reads them.

    Args:
        stream: the pipe; closed after its end.

    Attributes:
        lines: those that have come so far, without their ends.
    """

    def __init__(self, stream: IO[str] | None) -> None:
        assert stream is not None, "the process has no pipe"
        self.lines: list[str] = []
        self._stream = stream
        self._ended = False
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with self._stream:
            for line in self._stream:
                with self._news:
                    self.lines.append(line.rstrip("\n"))
                    self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    @property
    def text(self) -> str:
        """All that has come so far."""
        return "\n".join(self.lines)

    def wait_until(self, reached: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> bool:
        """Wait until this is reached, or nothing more can come; return whether that is so."""
        with self._news:
            return self._news.wait_for(lambda: self._ended or bool(reached()), seconds)

    def join(self) -> bool:
        """Wait until all processes that have the pipe have ended; return whether they have."""
        self._reader.join(PATIENCE_SECONDS)
        return not self._reader.is_alive()
