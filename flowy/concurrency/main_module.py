"""Whether a spawned child can import the main module of its parent.

A child imports classes and functions by the name of their module. If that is the main module,
multiprocessing runs the script again in the child. It cannot do this with the code of ``python
-c``, of standard input or of a ``__main__`` module: the child would end with an AttributeError or a
FileNotFoundError that does not name the cause.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ..exception import ProcessError


def check_main_module(handed: bytes) -> None:
    """Check that a spawned child can import the main module, if it has to.

    Args:
        handed: the pickled arguments of the child, which may refer to the main module.

    Raises:
        ProcessError: the child has to import the main module, and cannot.
    """
    main, has_to = sys.modules["__main__"], b"__main__" in handed
    spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    if spec is not None:  # multiprocessing imports it by name, unless it is a __main__
        what = f"the main module of a package or folder, {file}"
        fits = spec.name.rpartition(".")[2] != "__main__" or not has_to
    elif file is None:  # multiprocessing imports nothing
        what = "code of `python -c`" if sys.argv[:1] == ["-c"] else "an interactive session"
        fits = not has_to
    else:  # multiprocessing always runs the file
        what = f"{file}, which is not a file" if file != "<stdin>" else "standard input"
        fits = Path(file).is_file()
    if not fits:
        raise ProcessError(
            f"Cannot start worker processes: they would have to import {what}, and cannot. Put the "
            "activities into a module of their own, and start a script, or `flowy worker`, that "
            "names it."
        )
