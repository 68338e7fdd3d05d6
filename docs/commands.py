"""A Sphinx extension: ``.. command:: flowy VERB`` becomes the reference of that command.

What the pages say about a verb is made from its parser, where the documentation is built, so that
no option can be missing and no default out of date. The directive must begin its line; a title
stands above it.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from typing import Any

from flowy.cli.command import parser as whole_parser

#: A line of a page that asks for a command, which follows.
DIRECTIVE = re.compile(r"^\.\. command:: (flowy(?: [a-z]+)*)\n", re.MULTILINE)

#: Words of a help page that are code, besides those in backquotes.
_CODE = re.compile(r"(?<![\w\-*])(\*|--[a-z][a-z-]+|--(?![\w-]))")


def commands(
    parser: argparse.ArgumentParser | None = None, name: str = "flowy"
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield each command that runs something, by its words, with its parser."""
    parser = parser or whole_parser()
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not inner:
        yield name, parser
    for action in inner:
        for verb, each in action.choices.items():
            yield from commands(each, f"{name} {verb}")


def reference(name: str, parser: argparse.ArgumentParser) -> str:
    """Return what a page says about a command, as reStructuredText."""
    description, _, more = (parser.description or "").strip().partition("\n\n")
    blocks = [f".. program:: {name}", _text(description), _code("text", _usage(name, parser))]
    blocks += [_text(each) for each in more.split("\n\n") if each]
    shown = [action for action in parser._actions if action.help != argparse.SUPPRESS]
    arguments = [action for action in shown if not action.option_strings]
    options = sorted(
        (action for action in shown if action.option_strings and action.dest != "help"),
        key=lambda action: (not action.required, action.option_strings[-1]),
    )
    blocks += [_argument(action) for action in arguments]
    blocks += [_option(action) for action in options]
    if parser.epilog:
        examples = re.sub(r"^  ", "", parser.epilog.strip().partition("\n")[2], flags=re.MULTILINE)
        blocks += ["Examples:", _code("text", examples)]
    return "\n\n".join(blocks) + "\n"


def _usage(name: str, parser: argparse.ArgumentParser) -> str:
    """Return how the command is typed: what is required, and what may follow."""
    options = [each for each in parser._actions if each.option_strings]
    required = [f"{each.option_strings[-1]} {_value(each)}" for each in options if each.required]
    more = ["[OPTIONS]"] if len(options) > len(required) else []
    arguments = [_positional(each) for each in parser._actions if not each.option_strings]
    return " ".join([name, *required, *more, *arguments])


def _positional(action: argparse.Action) -> str:
    name = _value(action)
    several = {"+": f"{name} [{name} ...]", "*": f"[{name} ...]", "?": f"[{name}]"}
    return several.get(str(action.nargs), name)


def _value(action: argparse.Action) -> str:
    """Return the placeholder of an option's value; empty for one that takes none."""
    if action.nargs == 0:
        return ""
    if action.metavar is None and action.choices is not None:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return str(action.metavar or action.dest.upper())


def _argument(action: argparse.Action) -> str:
    return f"``{_positional(action)}``\n{_indented(_help(action))}"


def _option(action: argparse.Action) -> str:
    names = ", ".join(f"{name} {_value(action)}".rstrip() for name in action.option_strings)
    required = "**Required.** " if action.required else ""
    return f".. option:: {names}\n\n{_indented(required + _help(action))}"


def _help(action: argparse.Action) -> str:
    text = (action.help or "") % {"default": action.default, "prog": "flowy"}
    text = _text(f"{text[0].upper()}{text[1:]}" if text[:1].islower() else text)
    if text.endswith((".", ")", "]")):
        return text
    return f"{text}."


def _text(text: str) -> str:
    """Return the text of a help page as reStructuredText: words that are code look so.

    Sphinx makes a dash of two hyphens outside code, and whoever copies a dash has no option.
    """
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(
        f"`{part}`" if part.startswith("`") else _CODE.sub(r"``\1``", part) for part in parts
    )


def _code(language: str, text: str) -> str:
    return f".. code-block:: {language}\n\n{_indented(text)}"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())


def expanded(page: str) -> str:
    """Return the text of a page with the reference of each command that it asks for.

    Raises:
        LookupError: there is no such command.
    """
    known = dict(commands())

    def found(asked: re.Match[str]) -> str:
        if asked[1] not in known:
            raise LookupError(f"There is no command {asked[1]!r}: {', '.join(sorted(known))}.")
        return reference(asked[1], known[asked[1]])

    return DIRECTIVE.sub(found, page)


def _read(_app: Any, _name: str, source: list[str]) -> None:
    if DIRECTIVE.search(source[0]):
        source[0] = expanded(source[0])


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("source-read", _read)
    return {"parallel_read_safe": True}
