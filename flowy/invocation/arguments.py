"""The arguments of a run: its input, opened if it is in an envelope, decoded and converted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..concurrency.event_loop import off_loop
from .answer import Answer
from .sealing import Sealing, open_input, open_input_async
from .wire import Arguments, Invocable, arguments_of, fetched

if TYPE_CHECKING:  # a worker without a converter does not import it
    from ..convert import Converter

#: The longest input that is converted on the event loop, in characters. That takes some 0.1 ms; the
#: way to a thread and back costs as much.
MAX_CONVERTED_ON_LOOP_CHARS = 2_048

#: The longest input that is decoded on the event loop, in characters. Only values that claims stand
#: for are longer.
MAX_ON_LOOP_CHARS = 65_536


def opened_arguments(
    activity: Invocable,
    input: str | None,
    converter: Converter | None,
    sealing: Sealing | None,
) -> Arguments | Answer:
    """Return the arguments of a run, or the answer of a task whose input cannot be used."""
    if sealing is None or not input:
        return arguments_of(activity, input, converter)
    text = fetched(activity, input)
    opened = open_input(sealing, text) if isinstance(text, str) else text
    return arguments_of(activity, opened, converter) if isinstance(opened, str) else opened


async def opened_arguments_async(
    activity: Invocable,
    input: str | None,
    converter: Converter | None,
    sealing: Sealing | None,
) -> Arguments | Answer:
    """Return the arguments; use threads for what may hold up the event loop."""
    text = input
    if sealing is not None and input:
        opened = await _opened_async(activity, input, sealing)
        if not isinstance(opened, str):
            return opened
        text = opened
    limit = MAX_ON_LOOP_CHARS if converter is None else MAX_CONVERTED_ON_LOOP_CHARS
    long = isinstance(text, str) and len(text) > limit
    if long or activity._decoding_blocks:
        return await off_loop(lambda: arguments_of(activity, text, converter))
    return arguments_of(activity, text, converter)


async def _opened_async(activity: Invocable, input: str, sealing: Sealing) -> str | Answer:
    text: str | Answer = input
    if activity._decoding_blocks:
        text = await off_loop(lambda: fetched(activity, input))
    return await open_input_async(sealing, text) if isinstance(text, str) else text
