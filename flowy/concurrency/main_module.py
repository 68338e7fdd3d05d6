"""Whether a spawned child can import the main module of its parent.

A child finds classes and functions by the name of their module. For those in the main module,
multiprocessing runs the script anew in the child. For code of ``python -c``, of standard input or
of a ``__main__`` module it has nothing that it could run, and the child would end with an
AttributeError or a FileNotFoundError that says nothing of that.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ..exception import ProcessError


def check_main_module(handed: bytes) -> None:
    """Check that a spawned child can import the main module, if it has to.

    Args:
        handed: what is handed to the child, pickled. It may name something in the main module.

    Raises:
        ProcessError: the child has to, and cannot.
    """
    main, has_to = sys.modules["__main__"], b"__main__" in handed
    spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    if spec is not None:  # multiprocessing imports it by its name, but for __main__ modules
        what = f"the main module of a package or folder, {file}"
        fits = spec.name.rpartition(".")[2] != "__main__" or not has_to
    elif file is None:  # it imports nothing
        what = "code of `python -c`" if sys.argv[:1] == ["-c"] else "an interactive session"
        fits = not has_to
    else:  # it runs the file, whatever the child has to do
        what = f"{file}, which is not a file" if file != "<stdin>" else "standard input"
        fits = Path(file).is_file()
    if not fits:
        raise ProcessError(
            f"Cannot start worker processes: they would have to import {what}, and cannot. Put the "
            "activities into a module of their own, and start a script, or `flowy worker`, that "
            "names it."
        )
