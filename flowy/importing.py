"""Imports objects by name, such as the ``module.name:OBJECT`` of the command line.

Observers and middleware often have locks or connections, which cannot be sent to a worker process.
Their names can be sent, and the process imports them.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def imported(given: object) -> Any:
    """Replace each text in a list or tuple by the object it names; return anything else as it is.

    Raises:
        ValueError: a text does not have the form ``module.name:OBJECT``.
        ImportError: the module is missing or cannot be imported, or it lacks the object.
    """
    if not isinstance(given, list | tuple):
        return given
    return tuple(_imported(each) if isinstance(each, str) else each for each in given)


def module_and_name(text: str) -> tuple[str, str]:
    """Return the two parts of ``module.name:OBJECT``.

    Raises:
        ValueError: the text does not have that form.
    """
    if not is_object_path(text):
        raise ValueError(f"Cannot use {text!r}: give module.name:OBJECT")
    module, _, name = text.partition(":")
    return module, name


def is_object_path(text: str) -> bool:
    """Return whether a text has the form ``module.name:OBJECT``."""
    module, colon, name = text.partition(":")
    return bool(colon) and all(part.isidentifier() for part in f"{module}.{name}".split("."))


def on_demand(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a ``__getattr__`` for a package, which imports each public name on first use.

    Args:
        package: the dotted name of the package.
        homes: by name: the module in the package that defines it.
    """

    def import_name(name: str) -> Any:
        """Import a name, and keep it in the package."""
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{package}.{homes[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return import_name


def _imported(given: str) -> Any:
    module_name, name = module_and_name(given)
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ImportError(f"Cannot import {given}: {error}.", name=module_name) from error
    except Exception as error:  # whatever the module does when it is imported
        text = f"Cannot import {given}: {type(error).__name__}: {error}."
        raise ImportError(text, name=module_name) from error
    try:
        return functools.reduce(getattr, name.split("."), module)
    except AttributeError as error:
        raise ImportError(f"Cannot import {given}: {error}.", name=module_name) from error
