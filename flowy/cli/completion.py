"""``flowy completion``: a script by which a shell completes the command line.

Amazon's own command completes names in a shell, and whoever types both expects it of both. shtab
reads the parser, so that the script knows every verb and option.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ..exception import FlowyError
from . import arguments
from .exit_codes import ExitCode
from .parser import Parser
from .verbs import add_verb

if TYPE_CHECKING:
    from .verbs import Verbs

_COMPLETION = """\
Print a script that completes verbs, options, choices and files in a shell.

It needs the extra `completion`. After an update of Flowy, print it again.
"""

_EXAMPLES = """\
flowy completion bash > ~/.local/share/bash-completion/completions/flowy
flowy completion zsh > ~/.zfunc/_flowy      # a folder of $fpath
flowy completion fish > ~/.config/fish/completions/flowy.fish
"""

SHELLS = ("bash", "zsh", "fish")


def add_verbs(verbs: Verbs, whole: Parser) -> None:
    """Add ``completion``, for the commands that *whole* parses."""
    parser = add_verb(
        verbs, "completion", "print a script for completion in a shell", _COMPLETION, _EXAMPLES
    )
    parser.set_defaults(run=_completion, whole=whole)
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))


def _completion(given: argparse.Namespace) -> ExitCode:
    try:
        import shtab
    except ImportError:
        raise FlowyError(
            "Cannot write a script for completion: shtab is not installed. To install it, run pip "
            "install '.[completion]' in Flowy's checkout."
        ) from None
    _complete_paths(given.whole, shtab)
    print(shtab.complete(given.whole, given.shell))
    return ExitCode.FINE


def _complete_paths(parser: argparse.ArgumentParser, shtab: Any) -> None:
    """Tell shtab which arguments of a verb, and of the verbs in it, are files or folders."""
    kinds = {arguments.file: shtab.FILE, arguments.folder: shtab.DIRECTORY}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb in action.choices.values():
                _complete_paths(verb, shtab)
        elif action.type in kinds:
            action.complete = kinds[action.type]  # type: ignore[attr-defined]
