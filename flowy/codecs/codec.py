"""What a codec is: it changes the bytes of a value, and can change them back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar


class Codec(ABC):
    """The base class of codecs. One object may serve all activities, in several threads.

    Its errors must never contain a value, because they end up in histories and logs.

    Attributes:
        name: its name on the wire; without ``:``.
        encrypts: whether the bytes can be read only with its key.
    """

    name: ClassVar[str]
    encrypts: ClassVar[bool] = False

    @property
    def key_id(self) -> str | None:
        """The id of the key with which it encodes, which is not secret; None without a key."""
        return None

    @abstractmethod
    def encode(self, data: bytes) -> bytes:
        """Return the encoded *data*.

        Raises:
            CodecError: the data cannot be encoded.
            UnavailableError: the data cannot be encoded at the moment.
        """

    @abstractmethod
    def decode(self, data: bytes, key_id: str | None, max_bytes: int) -> bytes:
        """Return the decoded data.

        Args:
            data: untrusted: whoever can schedule a task can write anything here.
            key_id: the id of the key, as the writer says; None if the writer names none.
            max_bytes: the most bytes to return.

        Raises:
            CodecError: the data cannot be decoded, the key is unknown, or the value is longer than
                *max_bytes*. Of any other exception, the worker reports only the class.
            UnavailableError: the data cannot be decoded at the moment.
        """


def check_codecs(codecs: object) -> tuple[Codec, ...]:
    """Return *codecs* as a tuple.

    Raises:
        ValueError: it is not a list or tuple of codecs, two have the same name, or one that does
            not encrypt comes after one that does.
    """
    several = isinstance(codecs, list | tuple)
    for each in codecs if several else [codecs]:  # type: ignore[attr-defined]
        if not (several and isinstance(each, Codec)):
            raise ValueError(
                f"Cannot use an object of type {type(each).__name__} as codec: give a list of "
                "objects whose class derives from flowy.codecs.Codec, such as codecs=[ZlibCodec()]."
            )
    checked: tuple[Codec, ...] = tuple(codecs)  # type: ignore[arg-type]
    if len({each.name for each in checked}) < len(checked):
        raise ValueError("Cannot use two codecs of one name: give one, with all its keys.")
    encrypts = [each.encrypts for each in checked]
    if encrypts != sorted(encrypts):
        raise ValueError(
            "Cannot compress what is encrypted already: give the codec that compresses first."
        )
    return checked
