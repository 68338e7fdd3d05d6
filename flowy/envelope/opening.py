"""Opens the envelopes in one text, within the limits of one task."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from ..claims import Claim, Store
from ..codecs import Codec
from ..exception import ClaimError, CodecError, InputError, UnavailableError
from .forms import Coded, Found, found_in, unescaped

#: The most claims of one task.
MAX_CLAIMS = 100

#: The most bytes of all values of one task's envelopes together, if a store takes no more: 50 MiB.
MAX_OPENED_BYTES = 50 * 1024 * 1024


def most_bytes(claims: Store | None) -> int:
    """Return how many bytes the values of one task may have together, when they are decoded."""
    return MAX_OPENED_BYTES if claims is None else max(MAX_OPENED_BYTES, claims.max_bytes)


#: How the text begins of a list or an object.
_BEGINS = re.compile(r"\s*[\[{]")


class Opening:
    """Opens the envelopes of one task.

    Args:
        codecs: decode what they have encoded.
        claims: the store of claims, or None.
        require: whether everything must be encrypted, except brackets and the keys of objects.
    """

    def __init__(
        self, codecs: Sequence[Codec], claims: Store | None, *, require: bool = False
    ) -> None:
        self._codecs = {codec.name: codec for codec in codecs}
        self._claims = claims
        self._require = require
        self._bytes_left = most_bytes(claims)
        self._stored_left = 0 if claims is None else claims.max_bytes

    def opened(self, text: str) -> str:
        """Return the text with the values of its envelopes in their places."""
        found = found_in(text)
        if sum(isinstance(each.form, Claim) for each in found) > MAX_CLAIMS:
            raise InputError(f"it has more than {MAX_CLAIMS} claims.")
        return self._spliced(text, found)

    def _spliced(self, text: str, found: Sequence[Found]) -> str:
        if self._require:
            _check_nothing_plain(text, found)
        begins = _BEGINS.match(text)
        pieces, at = [], 0
        for each in found:
            value = self._value(each.form)
            if begins is not None and each.start >= begins.end():
                _check_one_value(value)
            pieces += [unescaped(text[at : each.start]), value]
            at = each.end
        pieces.append(unescaped(text[at:]))
        return "".join(pieces)

    def _value(self, form: Coded | Claim) -> str:
        if isinstance(form, Coded):
            return _text(self._decoded(form))
        if self._claims is None:
            raise ClaimError("it has a claim, and this activity has no store of claims.")
        data = self._claims.redeem(form, self._stored_left)
        self._stored_left -= len(data)
        text = _text(data)
        found = found_in(text)
        if any(isinstance(each.form, Claim) for each in found):
            raise ClaimError("a stored value has claims of its own.")
        return self._spliced(text, found)

    def _decoded(self, form: Coded) -> bytes:
        chain = []
        for said in form.chain:
            name, colon, key = said.partition(":")
            if name not in self._codecs:
                raise CodecError(f"it was encoded by {said!r}; this activity has no such codec.")
            chain.append((self._codecs[name], key if colon else None))
        if self._require and not any(codec.encrypts for codec, _ in chain):
            raise _plain()
        data = form.data
        for codec, key_id in reversed(chain):
            try:
                data = codec.decode(data, key_id, self._bytes_left)
            except (CodecError, UnavailableError):
                raise
            except Exception as error:
                raise CodecError(
                    f"{codec.name} cannot decode it ({type(error).__name__})."
                ) from None
        self._bytes_left -= len(data)
        if self._bytes_left < 0:
            raise InputError("its values are too long together.")
        return data


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise CodecError("the decoded value is not text.") from None


def _check_one_value(text: str) -> None:
    """Raise InputError unless a text is JSON: it must not add arguments to a list around it."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        raise InputError("an encoded or stored part of it is not a JSON value.") from None


def _check_nothing_plain(text: str, found: Sequence[Found]) -> None:
    """Raise InputError if anything but brackets and keys stands outside of the envelopes."""
    skeleton, at = [], 0
    for each in found:
        skeleton += [text[at : each.start], "[]"]
        at = each.end
    try:
        todo: list[Any] = [json.loads("".join([*skeleton, text[at:]]))]
    except (ValueError, RecursionError):
        raise _plain() from None
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            todo.extend(item.values())
        elif isinstance(item, list):
            todo.extend(item)
        else:
            raise _plain()


def _plain() -> InputError:
    return InputError("it is not encrypted, and must be: require_encryption is set.")
