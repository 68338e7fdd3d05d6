"""The ``flowy`` command: one file for each verb, or for verbs that belong together.

``worker`` and ``call`` speak to an SWF that runs already, ``laptop`` has the verbs that start one,
``tokens`` those for suspended tasks, ``completion`` the one for shells. ``command`` puts them
together, configures logging, and turns errors into messages and exit codes. What verbs share is in
``parser``, ``verbs``, ``arguments``, ``durations``, ``tables`` and ``terminal``.
"""

from .command import main, run
from .exit_codes import ExitCode

__all__ = ["ExitCode", "main", "run"]
