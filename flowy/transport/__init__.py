"""The wire format: the JSON that the first Flowy's deciders use.

An activity's input is the text of ``[args, kwargs]``, its result the text of the value, both as
``json.dumps`` writes them by default. Decoding never makes anything but dicts, lists, strings,
numbers, booleans and None.
"""

from __future__ import annotations

from .json import decode_input, decode_result, encode_details, encode_input, encode_result

__all__ = ["decode_input", "decode_result", "encode_details", "encode_input", "encode_result"]
