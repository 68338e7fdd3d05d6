"""The forms of envelopes as text, and how they are found in other JSON text.

Text is changed only where an envelope stands, so that an activity's own way to read and write JSON
sees what it would see without. An author's own object with the key ``$flowy`` is written with the
key ``$$flowy``, and so on: each writing adds a ``$``, each reading takes one away.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..claims import Claim
from ..exception import InputError

#: The key of each envelope.
KEY = "$flowy"

#: The most codecs that one value may have passed through.
MAX_CHAIN = 8

#: The most characters of the name of a codec and its key, and of a claim's URI.
MAX_NAME_CHARS = 300
MAX_URI_CHARS = 2_048

_STRUCTURE = re.compile(r'["{}]')
_COLON = re.compile(r"\s*:")

#: A key that begins with dollars, with its quotes. In JSON, no quote that opens a string follows a
#: backslash.
_DOLLARS = re.compile(r'(?<!\\)"(\$+flowy)"(?=\s*:)')
_BEGINS = re.compile(r'\s*\{\s*"\$flowy"\s*:\s*"(?:codec|claim)/')
_FORM = re.compile(r"(?:codec|claim)/[0-9]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Coded:
    """A value that codecs have encoded.

    Attributes:
        chain: the codecs in the order in which they encoded, each ``name`` or ``name:key``.
        data: the encoded bytes.
    """

    chain: tuple[str, ...]
    data: bytes


@dataclass(frozen=True)
class Found:
    """An envelope that was found in a text, from *start* up to *end*."""

    start: int
    end: int
    form: Coded | Claim


def coded_text(chain: Sequence[str], data: bytes) -> str:
    """Return the envelope of encoded bytes."""
    text = base64.urlsafe_b64encode(data).decode("ascii")
    return json.dumps({KEY: "codec/1", "chain": list(chain), "data": text})


def claim_text(claim: Claim) -> str:
    """Return the envelope of a claim."""
    return json.dumps(
        {KEY: "claim/1", "uri": claim.uri, "sha256": claim.sha256, "bytes": claim.bytes}
    )


def escaped(text: str) -> str:
    """Return JSON text in which no object looks like an envelope."""
    return _DOLLARS.sub(r'"$\1"', text) if KEY in text else text


def unescaped(text: str) -> str:
    """Return JSON text as it was before ``escaped``."""
    return _DOLLARS.sub(_with_one_less, text) if KEY in text else text


def found_in(text: str) -> list[Found]:
    """Return the envelopes in JSON text, in their order.

    Raises:
        InputError: an object has the key ``$flowy`` but is not an envelope.
    """
    if f'"{KEY}"' not in text:
        return []
    found: list[Found] = []
    for start, end in sorted(_spans(text)):
        if found and start < found[-1].end:
            raise _unknown()
        found.append(Found(start, end, _form_of(text[start:end])))
    return found


def is_envelope(text: str) -> bool:
    """Return whether a text is an envelope as a whole, also one of a newer Flowy.

    An author's own object with the key ``$flowy`` is not an envelope.
    """
    try:
        return is_envelope_value(json.loads(text))
    except (ValueError, RecursionError):
        return False


def is_envelope_value(value: object) -> bool:
    """Return whether a JSON value is an envelope, like ``is_envelope``."""
    form = value.get(KEY) if isinstance(value, dict) else None
    return isinstance(form, str) and _FORM.fullmatch(form) is not None


def check_not_cut(text: str) -> None:
    """Raise InputError if a text begins as an envelope and does not end as one."""
    if _BEGINS.match(text):
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            raise InputError("it is an encoded or stored value without its end.") from None


def claims_in(text: str) -> list[Claim]:
    """Return the claims in JSON text, as far as they can be read."""
    return [each.form for each in found_in(text) if isinstance(each.form, Claim)]


def _with_one_less(key: re.Match[str]) -> str:
    dollars = key[1]
    return f'"{dollars[1:]}"' if dollars.startswith("$$") else key[0]


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each object that has the key ``$flowy``."""
    opened: list[list[int]] = []  # start, and whether it has the key
    at = 0
    while token := _STRUCTURE.search(text, at):
        at = token.end()
        if token[0] == "{":
            opened.append([token.start(), False])
        elif token[0] == "}":
            if opened:
                start, has_key = opened.pop()
                if has_key:
                    yield start, at
        else:
            end = _end_of_string(text, at)
            if opened and text[at : end - 1] == KEY and _COLON.match(text, end):
                opened[-1][1] = True
            at = end


def _end_of_string(text: str, start: int) -> int:
    """Return the place after the quote that closes the string whose text begins at *start*."""
    at = start
    while True:
        quote = text.find('"', at)
        if quote < 0:
            return len(text)  # not JSON: whoever parses it will say so
        backslash = quote
        while backslash > start and text[backslash - 1] == "\\":
            backslash -= 1
        at = quote + 1
        if (quote - backslash) % 2 == 0:
            return at


def _form_of(text: str) -> Coded | Claim:
    try:
        said: dict[str, Any] = json.loads(text)
        form = said.pop(KEY)
    except (ValueError, KeyError, RecursionError):
        raise _unknown() from None
    if form == "codec/1" and said.keys() == {"chain", "data"}:
        return _coded(said["chain"], said["data"])
    if form == "claim/1" and said.keys() == {"uri", "sha256", "bytes"}:
        return _claim(said["uri"], said["sha256"], said["bytes"])
    raise _unknown()


def _coded(chain: object, data: object) -> Coded:
    if (
        isinstance(chain, list)
        and 1 <= len(chain) <= MAX_CHAIN
        and all(isinstance(each, str) and len(each) <= MAX_NAME_CHARS for each in chain)
        and isinstance(data, str)
    ):
        try:
            return Coded(tuple(chain), base64.b64decode(data, altchars=b"-_", validate=True))
        except (binascii.Error, ValueError):
            pass
    raise _unknown()


def _claim(uri: object, sha256: object, size: object) -> Claim:
    if (
        isinstance(uri, str)
        and len(uri) <= MAX_URI_CHARS
        and isinstance(sha256, str)
        and _SHA256.fullmatch(sha256)
        and isinstance(size, int)
        and not isinstance(size, bool)
        and size >= 0
    ):
        return Claim(uri, sha256, size)
    raise _unknown()


def _unknown() -> InputError:
    return InputError(f"an object with the key {KEY!r} is none that this Flowy has written.")
