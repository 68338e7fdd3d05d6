"""The reference of the command line is made from its parsers: all of it, and nothing else."""

from __future__ import annotations

import argparse
import collections
from pathlib import Path

import pytest

from docs.commands import DIRECTIVE, commands, expanded, reference

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
COMMANDS = [*commands()]


def test_each_command_has_its_place() -> None:
    """A page asks for each command once; a new command needs a line in docs/reference."""
    pages = "\n".join(path.read_text(encoding="utf-8") for path in sorted(FOLDER.rglob("*.rst")))
    asked = collections.Counter(DIRECTIVE.findall(pages))
    assert asked == collections.Counter(name for name, _ in COMMANDS)


@pytest.mark.parametrize(("name", "parser"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_each_option_is_there(name: str, parser: argparse.ArgumentParser) -> None:
    """Every option and argument of ``--help`` stands in the reference, with its help."""
    text = " ".join(reference(name, parser).replace("``", "").split())
    for action in parser._actions:
        if action.dest == "help":
            continue
        assert all(f"{flag} " in f"{text} " for flag in action.option_strings), action.dest
        said = " ".join((action.help or "").replace("`", "").split())[1:]
        assert said in text


def test_the_whole_is_readable() -> None:
    """A command is its sentence, how to type it, its options and its examples."""
    parser = argparse.ArgumentParser(
        description="Weigh a parcel.\n\nIn `kg`, or after --, in lb with --imperial, not `oz`.",
        epilog="examples:\n  weigh --scale s1 7    # one",
    )
    parser.add_argument("parcels", nargs="+", metavar="PARCEL", help="what to weigh")
    parser.add_argument("--scale", required=True, metavar="NAME", help="the scale")
    parser.add_argument("--unit", choices=("kg", "lb"), help="how (default: kg)")
    assert (
        reference("weigh", parser)
        == """\
.. program:: weigh

Weigh a parcel.

.. code-block:: text

    weigh --scale NAME [OPTIONS] PARCEL [PARCEL ...]

In ``kg``, or after ``--``, in lb with ``--imperial``, not ``oz``.

``PARCEL [PARCEL ...]``
    What to weigh.

.. option:: --scale NAME

    **Required.** The scale.

.. option:: --unit {kg,lb}

    How (default: kg)

Examples:

.. code-block:: text

    weigh --scale s1 7    # one
"""
    )


def test_an_unknown_command_is_an_error() -> None:
    """A page that asks for a command that no longer exists does not build."""
    with pytest.raises(LookupError, match="no command 'flowy fly'"):
        expanded(".. command:: flowy fly\n")
