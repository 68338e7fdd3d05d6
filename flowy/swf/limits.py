"""SWF's limits, and the checks of names and timeouts against them.

The limits are those of SWF's service model (botocore's ``service-2.json``), in characters. botocore
does not check them. SWF refuses longer texts with a ValidationException, and a refused answer
leaves its task open until it times out.
"""

from __future__ import annotations

import math
import re
from datetime import timedelta
from decimal import Decimal
from numbers import Real
from typing import Any, TypeAlias

from ..texts import cut_end, sendable
from .author_warnings import warn_author

MAX_INPUT_CHARS = 32_768  #: Input of a task or an execution.
MAX_RESULT_CHARS = 32_768  #: Result of a completed task.
MAX_DETAILS_CHARS = 32_768  #: Details of a failed or canceled task.
MAX_HEARTBEAT_DETAILS_CHARS = 2_048  #: Details of a heartbeat.
MAX_REASON_CHARS = 256  #: Reason of a failed task.
MAX_TOKEN_CHARS = 1_024  #: Task token.
MAX_NAME_CHARS = 256  #: Domain, type name, task list, workflow id, activity id, identity.
MAX_VERSION_CHARS = 64  #: Version of a type.
MAX_TAG_CHARS = 256  #: Tag of an execution.
MAX_DESCRIPTION_CHARS = 1_024  #: Description of a type.
MAX_TIMEOUT_CHARS = 8  #: A timeout: digits or NONE.

#: A name of a domain, a type or a task list; its ``str()`` is used.
Name: TypeAlias = "str | int | float | Decimal"

#: A timeout in whole seconds; None for no limit.
Timeout: TypeAlias = "int | float | str | timedelta | None"

#: What SWF writes for "no limit".
NO_LIMIT = "NONE"

#: Names, versions and task lists must not contain these (API reference, RegisterActivityType).
_FORBIDDEN = re.compile("[:/|\u0000-\u001f\u007f-\u009f]")


def name_text(value: Any, what: str, limit: int = MAX_NAME_CHARS, *, trimmed: bool = False) -> str:
    """Return the text of a name, if SWF accepts it.

    Args:
        value: text, or a number, whose ``str()`` is used; a float causes a warning, because 1.10 is
            "1.1". None, like everything else, is refused: if an environment variable is not set,
            SWF would register a list named "None" for good.
        what: what it names, for the error's text: "name", "version", "task_list", "domain".
        limit: the greatest length, in characters.
        trimmed: whether white space at either end is refused, as SWF does for domains and task
            lists.

    Raises:
        ValueError: it is neither text nor a number, is empty or too long, or contains characters
            that SWF does not allow.
    """
    text = _text(value, what)
    rule = (
        f"SWF takes 1 to {limit} characters, no ':', '/', '|' or control character, not 'arn'"
        + (", no white space at either end" if trimmed else "")
    )
    if not 1 <= len(text) <= limit:
        raise ValueError(f"Cannot use a {what} of {len(text)} characters: {rule}.")
    if text != sendable(text):
        raise ValueError(
            f"Cannot use {text!r} as {what}: it has a character that UTF-8 cannot encode."
        )
    if _FORBIDDEN.search(text) or text == "arn" or (trimmed and text.strip() != text):
        raise ValueError(f"Cannot use {text!r} as {what}: {rule}.")
    return text


def timeout_seconds(value: Any, what: str) -> int | None:
    """Return *value* as whole seconds over 0; None, for no limit, stays None.

    Args:
        value: a number without a fraction, its text, or a timedelta.
        what: the name of the timeout, for the error's text.

    Raises:
        ValueError: it is not a number, has a fraction, is not over 0, or has more than 8 digits.
    """
    if value is None:
        return None
    seconds = _whole(value.total_seconds() if isinstance(value, timedelta) else value)
    if seconds is None or not 0 < seconds < 10**MAX_TIMEOUT_CHARS:
        raise ValueError(
            f"Cannot use {_shown(value)} as {what}: give whole seconds from 1 to 99999999, or "
            "None for no limit."
        )
    return seconds


def priority_number(value: Any) -> int | None:
    """Return a task priority; None, for no priority, stays None.

    Raises:
        ValueError: it is not a whole number of 32 bits, Java's Integer.
    """
    if value is None:
        return None
    number = _whole(value)
    if number is None or not -(2**31) <= number < 2**31:
        raise ValueError(
            f"Cannot use {_shown(value)} as task_priority: give a whole number from -2147483648 to "
            "2147483647, higher ones first, or None."
        )
    return number


def description_text(value: Any) -> str:
    """Return the description of a type.

    Raises:
        ValueError: it is not text, or longer than 1,024 characters.
    """
    if not isinstance(value, str) or len(value) > MAX_DESCRIPTION_CHARS:
        raise ValueError(
            f"Cannot use {_shown(value)} as description: give text of up to 1,024 characters."
        )
    return sendable(value)


def _text(value: Any, what: str) -> str:
    if isinstance(value, str):
        return str.__str__(value)  # the str() of an enumeration's member would be "Lists.IMAGES"
    if not _is_number(value) or not (isinstance(value, int) or math.isfinite(value)):
        raise ValueError(
            f"Cannot use {_shown(value)} as {what}: give text, or a number."
            + (" Is an environment variable not set?" if value is None else "")
        )
    text = str(int(value) if isinstance(value, int) else value)
    if isinstance(value, float):
        warn_author(
            f"The {what} {text} is a float, so 1.10 and 1.1 are the same {what}. Give text: "
            f'{what}="{text}".'
        )
    return text


def _whole(value: Any) -> int | None:
    """Return *value*, a number or its text, as a whole number; None if it is not one."""
    try:
        number = int(value)
        return number if isinstance(value, str) or (_is_number(value) and number == value) else None
    except Exception:  # an __int__ may raise anything
        return None


def _is_number(value: object) -> bool:
    return isinstance(value, Real | Decimal) and not isinstance(value, bool)


def _shown(value: object) -> str:
    """Return a short text for *value*; its ``repr`` may be 5,000 digits long, or raise."""
    try:
        return cut_end(repr(value), 100)
    except Exception:
        return f"this {type(value).__name__}"


def timeout_text(seconds: int | None) -> str:
    """Return a timeout as SWF writes it."""
    return NO_LIMIT if seconds is None else str(seconds)


def timeout_from_text(text: str | None) -> int | None:
    """Return the seconds of a timeout that SWF wrote; None if it is not set or has no limit."""
    return None if text is None or text == NO_LIMIT else int(text)
