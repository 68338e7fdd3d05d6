"""The base class of activities that simpleflow's deciders schedule."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ...exception import InputError, TooLongError, TransportError
from ...safe_logging import get_logger
from ...task import Activity
from ...writing import is_sealed_later
from .failures import failure_texts, shortened
from .jumbo import PREFIX, JumboError, JumboFields
from .values import decode_input, decode_meta, decode_result, encode, encode_input

logger = get_logger(__name__)

#: The environment variable that simpleflow itself reads.
BUCKET_VARIABLE = "SIMPLEFLOW_JUMBO_FIELDS_BUCKET"

#: SWF's limits, from which simpleflow puts a text into a jumbo field; in characters.
MAX_RESULT_CHARS = 32_768
MAX_REASON_CHARS = 256

#: The longest details that are encrypted, in characters: encrypted, they are a third longer. They
#: are shortened here, because what is cut later is not JSON any more.
MAX_SEALED_CHARS = 22_000


class SimpleflowActivity(Activity):
    """The base class of activities that deciders of simpleflow 0.36 schedule.

    The input is ``{"args": [...], "kwargs": {...}}``, the result is compact JSON, and the details
    of a failure are the JSON object that simpleflow's workers write. With a bucket, texts that are
    too long for SWF travel in jumbo fields, both ways. For a coroutine, derive the class from
    ``SimpleflowActivity`` first and from ``AsyncActivity`` second.
    """

    #: Where jumbo fields are read and written: ``bucket`` or ``bucket/folder``. None takes the
    #: environment variable ``SIMPLEFLOW_JUMBO_FIELDS_BUCKET``. If neither is set, jumbo fields are
    #: neither read nor written.
    jumbo_bucket: ClassVar[str | None] = None

    #: A boto3 ``s3`` client for them; None makes one from the default session.
    jumbo_client: ClassVar[Any] = None

    _decoding_blocks: ClassVar[bool] = True

    @property
    def meta(self) -> dict[str, Any]:
        """What the decider has sent besides the arguments, as ``meta`` of simpleflow's activities.

        Empty if it has sent nothing. Also empty if the input is a jumbo field, because its object
        is not read twice.
        """
        return decode_meta(self._input)

    @classmethod
    def _deserialize_arguments(cls, input: str | None) -> tuple[Any, Any]:
        """Return ``args`` and ``kwargs``, from S3 if the input is a jumbo field.

        Raises:
            InputError: the input, or the jumbo field, cannot be read.
        """
        if not input:
            raise InputError("the task has no input; simpleflow's deciders always write one.")
        return decode_input(cls._fetched(input))

    @classmethod
    def _fetched(cls, text: str) -> str:
        """Return the text itself, from S3 if it is a jumbo field."""
        return cls._jumbo_fields_or_raise().read(text) if text.startswith(PREFIX) else text

    @classmethod
    def _serialize_arguments(cls, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
        """Return the input as a decider writes it, or the jumbo field for it if it is too long."""
        return cls._placed(encode_input(args, kwargs))

    @classmethod
    def _deserialize_result(cls, text: str | None) -> Any:
        """Return the value as a decider reads it, from S3 if it is a jumbo field."""
        return decode_result(None if text is None else cls._fetched(text))

    @classmethod
    def _serialize_result(cls, result: Any) -> str:
        """Return the JSON text of *result*, or the jumbo field for it if it is too long.

        With codecs or a store it is the text in any length, because a jumbo field of it would be in
        clear text.

        Raises:
            SerializationError: the value has no JSON form in simpleflow.
            TooLongError: it is too long, and no bucket is configured or S3 did not take it.
        """
        return cls._placed(encode(result))

    @classmethod
    def _placed(cls, text: str) -> str:
        if len(text) <= MAX_RESULT_CHARS or is_sealed_later():
            return text
        fields = cls._jumbo_fields()
        why = f"set jumbo_bucket or {BUCKET_VARIABLE} to let it travel in a jumbo field."
        if fields is not None:
            try:
                return fields.write(text)
            except JumboError as error:
                why = f"it cannot travel in a jumbo field: {error}"
        raise TooLongError(
            f"{len(text):,} characters, SWF takes {MAX_RESULT_CHARS:,}; {why}",
            length=len(text),
            limit=MAX_RESULT_CHARS,
        )

    @classmethod
    def _serialize_failure(
        cls, error: BaseException | None, reason: str, details: str | None
    ) -> tuple[str, str | None]:
        """Return the reason and the details as a worker of simpleflow writes them."""
        reason, said = failure_texts(error, reason, details)
        if is_sealed_later():
            if said is not None:
                text = encode(said)
                fits = len(text) <= MAX_SEALED_CHARS
                details = text if fits else shortened(said, MAX_SEALED_CHARS)
            return reason, details
        if said is not None:
            details = cls._fitting(encode(said), MAX_RESULT_CHARS) or shortened(said)
        return cls._fitting(reason, MAX_REASON_CHARS) or reason, details

    @classmethod
    def _fitting(cls, text: str, limit: int) -> str | None:
        """Return *text*, or the jumbo field for it; None if it is too long and cannot travel."""
        if len(text) <= limit:
            return text
        fields = cls._jumbo_fields()
        if fields is None:
            return None
        try:
            return fields.write(text, patient=False)
        except TransportError as error:
            logger.warning("A failure does not travel in a jumbo field, and is cut: %s", error)
            return None

    @classmethod
    def _jumbo_fields(cls) -> JumboFields | None:
        folder = cls.jumbo_bucket or os.environ.get(BUCKET_VARIABLE)
        return JumboFields(folder, cls.jumbo_client) if folder else None

    @classmethod
    def _jumbo_fields_or_raise(cls) -> JumboFields:
        fields = cls._jumbo_fields()
        if fields is None:
            raise InputError(
                "it is a jumbo field, and this worker has no bucket to read it from. Set "
                f"jumbo_bucket or {BUCKET_VARIABLE}."
            )
        return fields
