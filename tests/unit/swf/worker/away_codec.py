"""A codec whose key service is away, and runs of tasks whose values go through it."""

from __future__ import annotations

import functools
import json
import threading
from typing import Any

from flowy.codecs import Codec
from flowy.envelope import Envelope
from flowy.exception import UnavailableError
from flowy.task import Activity, AsyncActivity
from flowy.transport import read
from tests.patience import PATIENCE_SECONDS, until
from tests.unit.swf.worker.runs import Case

SECRET = "the secret"
AWAY = UnavailableError("KMS does not answer.", fault="ThrottlingException")


class AwayCodec(Codec):
    """Hides texts a little, and is away as often as the test says.

    Attributes:
        troubles: what the next calls raise.
        calls: how often it was called.
    """

    name = "away"
    encrypts = True

    def __init__(self, *troubles: Exception) -> None:
        self.troubles = list(troubles)
        self.calls = 0
        self.threads: set[int] = set()

    def encode(self, data: bytes) -> bytes:
        return self._hide(data)

    def decode(self, data: bytes, key_id: str | None, max_bytes: int) -> bytes:
        return self._hide(data)

    def _hide(self, data: bytes) -> bytes:
        self.calls += 1
        self.threads.add(threading.get_ident())
        if self.troubles:
            raise self.troubles.pop(0)
        return bytes(each ^ 1 for each in data)


class Echo(Activity):
    """Returns its argument."""

    def run(self, it: str) -> str:
        return it


class AsyncEcho(AsyncActivity):
    """Likewise."""

    async def run(self, it: str) -> str:
        return it


def sealed(text: object) -> str:
    """Return the input with one encoded argument."""
    return f"[[{Envelope((AwayCodec(),)).sealed(json.dumps(text))}], {{}}]"


class Running:
    """A run in a thread of its own, while the test turns the clock."""

    def __init__(
        self, case: Case, codec: AwayCodec, kind: type[Activity] = Echo, **given: Any
    ) -> None:
        self.case, self.codec = case, codec
        given.setdefault("heartbeat", None)
        self.run = case.task_run(kind, input=sealed(SECRET), envelope=Envelope((codec,)), **given)
        self._thread = threading.Thread(target=self.run.run, daemon=True)
        self._thread.start()

    def pass_pauses(self, *calls: int) -> None:
        """Let each pause pass that follows the call of the codec with such a number."""
        for number in calls:
            until(functools.partial(self._has_called, number))
            self.case.clock.turn_when_awaited(20)

    def _has_called(self, number: int) -> bool:
        return self.codec.calls == number

    def let_go(self) -> None:
        """Let all further pauses pass."""
        self.case.clock.keep_turning(lambda: not self._thread.is_alive())

    def end(self) -> None:
        """Wait for its end."""
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()
        assert self.case.ended.is_set()


def value_of(case: Case) -> Any:
    """Return the value of the only answer."""
    verb, text = case.answer
    assert verb == "complete"
    return read(text, [AwayCodec()])
