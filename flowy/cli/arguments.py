"""The types of arguments: argparse checks values by them, so that a mistake is a usage error."""

from __future__ import annotations

import argparse
import errno
import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from ..importing import module_and_name
from ..swf.limits import MAX_TAG_CHARS, MAX_VERSION_CHARS, name_text
from ..texts import cut_end, sendable

T = TypeVar("T")

#: The largest count that can be given: Python has no list, loop or pool of more.
MAX_COUNT = 1_000_000_000


def _usage(check: Callable[[str], T]) -> Callable[[str], T]:
    """Make argparse show the text of a ValueError instead of its own."""

    def checked(text: str) -> T:
        """Return the value, or raise the error that argparse shows."""
        try:
            return check(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return checked


@_usage
def domain(text: str) -> str:
    """Return the name of a domain."""
    return name_text(text, "domain", trimmed=True)


@_usage
def task_list(text: str) -> str:
    """Return the name of a task list."""
    return name_text(text, "task list", trimmed=True)


@_usage
def type_name(text: str) -> str:
    """Return the name of an activity type."""
    return name_text(text, "name")


@_usage
def type_version(text: str) -> str:
    """Return the version of an activity type."""
    return name_text(text, "version", MAX_VERSION_CHARS)


@_usage
def workflow_id(text: str) -> str:
    """Return a workflow id."""
    return name_text(text, "workflow id")


@_usage
def tag(text: str) -> str:
    """Return a tag of an execution."""
    if not 1 <= len(text) <= MAX_TAG_CHARS:
        raise ValueError(f"Cannot use a tag of {len(text):,} characters: SWF takes 1 to 256")
    return sendable(text)


def status(text: str) -> str:
    """Return the status of an execution, however its words are joined: ``TIMED_OUT``."""
    return text.lower().replace("_", " ").replace("-", " ")


@_usage
def poll_count(text: str) -> int:
    """Return a number of polls: -1 for no end, 0 for none."""
    if text != "-1" and not 0 <= _whole(text) <= MAX_COUNT:
        raise ValueError(
            f"Cannot use {cut_end(text, 60)!r}: give -1 for no end, 0 to register only, or a count"
        )
    return int(text)


@_usage
def count(text: str) -> int:
    """Return a count, 1 or more, at most ``MAX_COUNT``."""
    if not 0 < _whole(text) <= MAX_COUNT:
        raise ValueError(
            f"Cannot use {cut_end(text, 60)!r}: give a whole number, 1 or more, at most "
            f"{MAX_COUNT:,}"
        )
    return int(text)


@_usage
def number(text: str) -> float:
    """Return a number, 0 or more, with or without a fraction."""
    if not re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII):
        raise ValueError(f"Cannot use {text!r}: give a number, such as 5 or 0.5")
    return float(text)


@_usage
def port(text: str) -> int:
    """Return a port to listen on, 0 for a free one."""
    if not 0 <= _whole(text) <= 65535:
        raise ValueError(
            f"Cannot use {cut_end(text, 60)!r} as port: give 0 to 65535; 0 takes a free one"
        )
    return int(text)


@_usage
def dotted_name(text: str) -> str:
    """Return the dotted name of a package or module to scan."""
    if not all(part.isidentifier() for part in text.split(".")):
        hint = text.removesuffix(".py").strip("./").replace("/", ".")
        raise ValueError(
            f"Cannot import {text!r}: give a dotted name"
            + (f", such as {hint}" if hint != text and hint else "")
        )
    return text


@_usage
def object_path(text: str) -> str:
    """Return the path of an object in a module, as ``module.name:OBJECT``."""
    module_and_name(text)
    return text


@_usage
def file(text: str) -> Path:
    """Return the path of a file, which need not exist."""
    path = Path(text)
    try:
        path.lstat()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise ValueError(f"Cannot use {cut_end(text, 60)!r}: the name is too long") from None
    return path


@_usage
def folder(text: str) -> Path:
    """Return the path of a folder that can be listed."""
    path = file(text)
    if not path.is_dir():
        raise ValueError(f"Cannot use {text!r}: no such folder exists")
    if not os.access(path, os.R_OK | os.X_OK):
        raise ValueError(f"Cannot use {text!r}: the folder is not readable")
    return path


def json_or_text(text: str) -> Any:
    """Return the value of *text* if it is JSON, else *text* itself.

    NaN and Infinity are text: Python reads them, but they are not JSON.
    """
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return text


@_usage
def json_object(text: str) -> Mapping[str, Any]:
    """Return keyword arguments from one JSON object."""
    value = json_or_text(text)
    if not isinstance(value, dict):
        raise ValueError(
            'Cannot use this: it is not a JSON object. Give one, such as \'{"colour": "red"}\''
        )
    return value


@_usage
def key_and_value(text: str) -> tuple[str, Any]:
    """Return a key and a value from ``key=value``; the value is read as JSON if possible."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ValueError("Cannot use this: it has no key or no equals sign. Give key=value")
    return key, json_or_text(value)


def _whole(text: str) -> int:
    """Return the number that digits mean; -1 for another text, or for more than 20 digits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else -1


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
