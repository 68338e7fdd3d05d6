"""What an argument may be: checked where it is given, so that a mistake is a usage error."""

from __future__ import annotations

import argparse
import json
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from ..swf.values import MAX_VERSION_CHARS, name_text, timeout_seconds

T = TypeVar("T")

#: A thousand years: what is longer than that is a slip.
MAX_DAYS = 365_000


def _usage(check: Callable[[str], T]) -> Callable[[str], T]:
    """Let argparse show the text of a ValueError, which it would replace by its own."""

    def checked(text: str) -> T:
        try:
            return check(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return checked


@_usage
def domain(text: str) -> str:
    """A domain's name."""
    return name_text(text, "domain", trimmed=True)


@_usage
def task_list(text: str) -> str:
    """A task list's name."""
    return name_text(text, "task list", trimmed=True)


@_usage
def type_name(text: str) -> str:
    """An activity type's name."""
    return name_text(text, "name")


@_usage
def type_version(text: str) -> str:
    """An activity type's version."""
    return name_text(text, "version", MAX_VERSION_CHARS)


@_usage
def seconds(text: str) -> int:
    """A timeout that is no "no limit"."""
    value = timeout_seconds(text, "timeout")
    assert value is not None  # it is None for None alone
    return value


@_usage
def poll_count(text: str) -> int:
    """How many polls: -1 for no end, 0 for none."""
    if not (text == "-1" or (text.isascii() and text.isdigit())):
        raise ValueError(f"Cannot use {text!r}: give -1 for no end, 0 to register only, or a count")
    return int(text)


@_usage
def count(text: str) -> int:
    """How many of something there are at once."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ValueError(f"Cannot use {text!r}: give a whole number, 1 or more")
    return int(text)


@_usage
def grace(text: str) -> float:
    """Seconds that may be none."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < math.inf:
        raise ValueError(f"Cannot use {text!r}: give seconds, 0 or more")
    return value


@_usage
def days(text: str) -> int:
    """Whole days that may be none."""
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_DAYS):
        raise ValueError(f"Cannot use {text!r}: give whole days, 0 to {MAX_DAYS:,}")
    return int(text)


@_usage
def port(text: str) -> int:
    """A port to listen on; 0 takes a free one."""
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise ValueError(f"Cannot use {text!r} as port: give 0 to 65535; 0 takes a free one")
    return int(text)


@_usage
def dotted_name(text: str) -> str:
    """A package or module to scan."""
    if not all(part.isidentifier() for part in text.split(".")):
        hint = text.removesuffix(".py").strip("./").replace("/", ".")
        raise ValueError(
            f"Cannot import {text!r}: give a dotted name"
            + (f", such as {hint}" if hint != text and hint else "")
        )
    return text


@_usage
def folder(text: str) -> Path:
    """A folder that can be listed."""
    path = Path(text)
    if not path.is_dir():
        raise ValueError(f"Cannot use {text!r}: there is no such folder")
    if not os.access(path, os.R_OK | os.X_OK):
        raise ValueError(f"Cannot use {text!r}: the folder is not readable")
    return path


def json_or_text(text: str) -> Any:
    """Return the value of *text* where it is JSON, else *text* itself.

    Python's reader takes NaN and Infinity too; they are no JSON, and so they are text.
    """
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return text


@_usage
def json_object(text: str) -> Mapping[str, Any]:
    """Keyword arguments, as one JSON object."""
    value = json_or_text(text)
    if not isinstance(value, dict):
        raise ValueError('Cannot use this: give a JSON object, such as \'{"colour": "red"}\'')
    return value


@_usage
def key_and_value(text: str) -> tuple[str, Any]:
    """One keyword argument, as ``key=value``."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ValueError("Cannot use this: give key=value")
    return key, json_or_text(value)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
