"""The parser of the command line: argparse with environment variables and suggestions.

Whoever works with one domain all day sets ``FLOWY_DOMAIN`` instead of typing ``--domain`` each
time. argparse knows no environment variables; it suggests names only from Python 3.14 on, and
reports an unknown option only if nothing else is missing.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Any

from .exit_codes import ExitCode


class UsageError(Exception):
    """The command line cannot be used, for a reason that only the verb itself can see."""

    code = ExitCode.USAGE


class Parser(argparse.ArgumentParser):
    """A parser of one verb, or of a group of verbs.

    Attributes:
        after_dashes: what must follow ``--`` on the command line, if that is there; empty for a
            verb that needs nothing.
    """

    after_dashes = ""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        # An abbreviation would fail as soon as another option begins with it.
        super().__init__(**options, allow_abbrev=False)
        self._variables: dict[argparse.Action, str] = {}

    def add_with_variable(
        self, flag: str, variable: str, *, required: bool = False, help: str, **options: Any
    ) -> None:
        """Add an option that an environment variable gives if the command line does not.

        Args:
            flag: the option.
            variable: name of the variable. A variable that is empty counts as unset.
            required: whether one of them must be given.
            help: what the option is; the name of the variable is added.
            options: what else ``add_argument`` takes, with a type that reads the variable too.
        """
        action = self.add_argument(
            flag,
            required=required and not os.environ.get(variable),
            help=f"{help} [environment: {variable}]",
            **options,
        )
        self._variables[action] = variable

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse the arguments of this verb and of the verbs in it; unknown ones are an error."""
        args = sys.argv[1:] if args is None else args
        self._refuse(self._unknown_options(args))
        if self.after_dashes and list(args[-1:]) == ["--"] and args.index("--") == len(args) - 1:
            self.error(f"nothing follows --. Give {self.after_dashes}, or leave out --")
        given, unknown = super().parse_known_args(args, namespace)
        self._refuse(unknown)
        self._read_variables(given)
        return given, []

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            said = f"{error.message}{did_you_mean(str(value), map(str, action.choices or ()))}"
            raise argparse.ArgumentError(action, said) from None

    def _unknown_options(self, args: Sequence[str]) -> list[str]:
        """Return the options that argparse will not know, as far as no verb follows."""
        group = self._subparsers is not None
        mine = takewhile(lambda arg: arg.startswith("-") if group else arg != "--", args)
        names = (arg.partition("=")[0] for arg in mine if arg.startswith("--") and " " not in arg)
        return [name for name in names if name not in self._option_string_actions]

    def _refuse(self, unknown: Sequence[str]) -> None:
        if unknown:
            near = did_you_mean(unknown[0], self._option_string_actions)
            self.error(f"unrecognized arguments: {' '.join(unknown)}{near}")

    def _read_variables(self, given: argparse.Namespace) -> None:
        for action, variable in self._variables.items():
            text = os.environ.get(variable)
            if not text or getattr(given, action.dest) is not None:
                continue
            try:
                value = self._get_value(action, text)
            except argparse.ArgumentError as error:
                self.error(f"environment variable {variable}: {error.message}")
            repeated = isinstance(action, argparse._AppendAction)
            setattr(given, action.dest, [value] if repeated else value)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a question that names the known word most like *word*; empty if none is like it."""
    near = difflib.get_close_matches(word, list(known), 1)
    return f". Did you mean {near[0]}?" if near else ""
