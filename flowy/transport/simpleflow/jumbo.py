"""simpleflow's jumbo fields: a text that is too long for SWF lies in S3, and SWF gets its place.

On the wire stands ``simpleflow+s3://bucket/key SIZE``. SIZE is the length of the text in
characters, and the object is the text in UTF-8. Whoever can schedule a task can write such a place,
so only the configured folder is read, and no object that is longer than SIZE allows. There is no
checksum in it.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

from ...aws import Trouble, make_client, trouble_of
from ...concurrency.clock import SYSTEM_CLOCK, Clock
from ...concurrency.retry import Backoff, Deadline
from ...concurrency.stop import StopFlag
from ...context import remaining_seconds, replaying, waiting
from ...exception import InputError, OutsideActivityError, TransportError
from ...safe_logging import get_logger

logger = get_logger(__name__)

#: How each jumbo field begins.
PREFIX = "simpleflow+s3://"

#: The longest text that simpleflow puts into one, in characters.
MAX_CHARS = 5 * 1024**2

#: UTF-8 has at most this many bytes for a character.
_BYTES_A_CHAR = 4

#: Objects are small: a call that takes longer than this, in seconds, is tried again.
READ_TIMEOUT_SECONDS = 10
ATTEMPTS = 4

#: For how long S3 is waited for if the task has no declared timeout, in seconds.
UNLIMITED_SECONDS = 3_600

#: Texts that replays have not stored, by the fields that stand for them.
_of_replays: dict[str, str] = {}

T = TypeVar("T")


class JumboError(TransportError):
    """A text cannot be stored as a jumbo field."""


class JumboFields:
    """Reads and writes jumbo fields below one folder of one bucket; thread-safe.

    Args:
        folder: ``bucket`` or ``bucket/folder``, as ``SIMPLEFLOW_JUMBO_FIELDS_BUCKET`` has it.
        client: a boto3 ``s3`` client; None makes one from the default session when it is needed.
        clock: measures how long S3 is waited for.
    """

    def __init__(self, folder: str, client: Any = None, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._folder = folder.rstrip("/")
        self._given = client
        self._clock = clock

    def read(self, field: str) -> str:
        """Return the text of a jumbo field; wait for S3 while the task has time left.

        Raises:
            InputError: the field is not well-formed, names another place, or its object is missing,
                forbidden, too long, not UTF-8, or of another length than the field says.
        """
        if field in _of_replays:
            return _of_replays[field]
        key, size = self._parsed(field)
        bucket = self._folder.partition("/")[0]
        try:
            data = self._waited_for(lambda: self._get(bucket, key, size * _BYTES_A_CHAR))
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            raise InputError("the object of its jumbo field is not UTF-8.") from None
        except JumboError as error:
            raise InputError(f"its jumbo field cannot be read: {error}") from None
        if len(text) != size:
            raise InputError(
                f"the object of its jumbo field has {len(text):,} characters, not {size:,}."
            )
        return text

    def write(self, text: str, *, patient: bool = True) -> str:
        """Store a text, and return the field that stands for it; a replay does not store it.

        Args:
            text: at most 5 Mi characters.
            patient: wait for S3 while the task has time left.

        Raises:
            JumboError: the text is too long, or S3 did not take it.
        """
        if len(text) > MAX_CHARS:
            raise JumboError(f"simpleflow's jumbo fields have at most {MAX_CHARS:,} characters.")
        bucket, _, folder = self._folder.partition("/")
        key = f"{folder}/{uuid.uuid4()}" if folder else str(uuid.uuid4())
        made = f"{PREFIX}{bucket}/{key} {len(text)}"
        if replaying():
            _of_replays[made] = text
            return made
        data = text.encode("utf-8")

        def put() -> None:
            self._client.put_object(Bucket=bucket, Key=key, Body=data)

        if patient:
            self._waited_for(put)
        else:
            self._tried(put)
        return made

    def _parsed(self, field: str) -> tuple[str, int]:
        """Return the key and the size of a field of this folder."""
        place, _, said = field.removeprefix(PREFIX).partition(" ")
        if not (said.isascii() and said.isdecimal() and len(said) < 10):
            raise InputError("its jumbo field is not well-formed.")
        if not place.startswith(f"{self._folder}/"):
            raise InputError(
                f"its jumbo field is not in {self._folder}, the only one that is read. Give the "
                "worker the bucket of the decider."
            )
        if int(said) > MAX_CHARS:
            raise InputError(f"its jumbo field is longer than {MAX_CHARS:,} characters.")
        return place.partition("/")[2], int(said)

    def _get(self, bucket: str, key: str, max_bytes: int) -> bytes:
        answer = self._client.get_object(Bucket=bucket, Key=key)
        with answer["Body"] as body:
            length = answer.get("ContentLength")  # a proxy may leave it out
            data: bytes = b""
            if length is None:
                length = len(data := body.read(max_bytes + 1))
            if length > max_bytes:
                raise JumboError("its object is longer than it says.")
            return data or body.read()

    @property
    def _client(self) -> Any:
        return _own_client() if self._given is None else self._given

    def _waited_for(self, call: Callable[[], T]) -> T:
        """Make a call until S3 answers for good, or the task has no time left; heartbeats go on."""
        deadline = Deadline(_seconds_left(), clock=self._clock)
        backoff = Backoff(first_seconds=0.5, cap_seconds=20.0)
        with waiting():
            while True:
                try:
                    return self._tried(call)
                except _PassingError as error:
                    pause = backoff.next_seconds()
                    if pause >= (deadline.remaining_seconds() or 0.0):
                        raise
                    logger.warning(
                        "S3 did not answer for a jumbo field (%s); trying again in %.1f s.",
                        error.fault,
                        pause,
                    )
                    StopFlag(self._clock).wait(pause)  # never raised

    def _tried(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except JumboError:
            raise
        except Exception as error:
            trouble = trouble_of(error)
            if trouble is None:
                raise
        # Not chained: the text of a client's error may have an address that is a secret.
        raise _PassingError(trouble) if trouble.passes else JumboError(_said(trouble))


class _PassingError(JumboError):
    """S3 did not answer; the same call may work later."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(_said(trouble))
        self.fault = trouble.fault


def _said(trouble: Trouble) -> str:
    return f"S3 answered {trouble.fault}." if trouble.status else f"no answer ({trouble.fault})."


def _seconds_left() -> float:
    """Return for how long S3 may be waited for."""
    try:
        left = remaining_seconds()
    except OutsideActivityError:
        return 0.0
    return UNLIMITED_SECONDS if left is None else left


@functools.lru_cache(maxsize=1)
def _own_client() -> Any:
    """Return the client of this process; two threads that make one at once do no harm."""
    return make_client(
        "s3",
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    )
