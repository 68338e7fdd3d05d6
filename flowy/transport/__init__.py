"""The wire format: the JSON that the first Flowy's deciders use.

An activity's input is the text of ``[args, kwargs]``, its result the text of the value, both as
``json.dumps`` writes them by default. Decoding never makes anything but dicts, lists, strings,
numbers, booleans and None. ``read`` reads what activities with codecs or a store have written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..importing import on_demand
from .json import (
    decode_details,
    decode_input,
    decode_result,
    encode_details,
    encode_input,
    encode_result,
)

if TYPE_CHECKING:
    from .reading import read

__all__ = [
    "decode_details",
    "decode_input",
    "decode_result",
    "encode_details",
    "encode_input",
    "encode_result",
    "read",
]

__getattr__ = on_demand(__name__, {"read": "reading"})
