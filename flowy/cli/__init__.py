"""The ``flowy`` command: a file a group of verbs.

``remote`` has the verbs that speak to an SWF which is there already, ``laptop`` those that bring
their own. ``command`` puts them together, and alone configures logging and turns errors into
lines and exit codes.
"""

from .command import main
from .exit_codes import ExitCode

__all__ = ["ExitCode", "main"]
