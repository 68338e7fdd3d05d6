"""Reads wire text as an activity would: for deciders, scripts and the command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..claims import Store
from ..codecs import Codec, check_codecs
from ..envelope import Envelope, check_not_cut
from ..exception import SerializationError


def read(text: Any, codecs: Sequence[Codec] = (), claims: Store | None = None) -> Any:
    """Return the value of wire text, with its envelopes opened.

    Args:
        text: a result, an input or encoded details, as text; or a JSON value, such as one argument
            or the note of a suspended task.
        codecs: the codecs that may have encoded it, in any order.
        claims: the store of claims; None if there is none.

    Returns:
        The value; or text, if the decoded text is not JSON, as with details.

    Raises:
        ValueError: something is neither a codec nor a store.
        SerializationError: it is not JSON.
        InputError, CodecError, ClaimError: an envelope cannot be opened; the text says why.
        UnavailableError: a key service or the store does not answer at the moment.
    """
    wire = text if isinstance(text, str) else json.dumps(text)
    opened = read_text(wire, codecs, claims)
    try:
        return json.loads(opened)
    except (ValueError, RecursionError):
        if opened != wire:
            return opened
        raise SerializationError("Cannot read it: it is not JSON.") from None


def read_text(text: str, codecs: Sequence[Codec] = (), claims: Store | None = None) -> str:
    """Return wire text with what its envelopes stand for in their places; ``read`` parses it."""
    several = codecs if isinstance(codecs, list | tuple) else check_codecs(codecs)
    ordered = sorted(several, key=lambda codec: getattr(codec, "encrypts", False))
    envelope = Envelope(tuple(ordered), claims)
    check_not_cut(text)
    return envelope.opened(text)
