"""Advice of errors in the words of the command line.

The package's errors are written for callers in Python and name arguments. On the command line the
same things are options.
"""

from __future__ import annotations

import re

#: Words of errors, with what replaces them on the command line.
_WORDS = (
    ("start with reg_remote=False", "start with --no-register"),
    ("start_activity_worker(..., package='my.activities')", "flowy worker ... my.activities"),
    ("allow its group with allow_group=True", "allow its group with --allow-group"),
    ('on_unknown="abandon"', "--on-unknown abandon"),
    (
        "Cannot use hide_reasons without a codec that encrypts: give one, such as "
        "codecs=[FernetCodec(keys)]",
        "Cannot use --hide-reasons without a codec that encrypts: name one by --codec",
    ),
    ("give a list of objects whose class", "name an object whose class"),
    (", such as codecs=[ZlibCodec()]", ""),
    (", such as middleware=[MyMiddleware()]", ""),
    (", such as observers=[MyObserver()]", ""),
)

#: An argument of a worker with its value, such as ``processes=1``.
_ARGUMENT = re.compile(
    r"\b(loop|processes|concurrency|pollers|grace|on_stop|on_unknown|domain|task_list"
    r"|http|max_block|max_silence)="
    r"('[^']*'|-?\w[\w.]*)"  # not `task_list=...`, which shows how to decorate
)


def in_options(text: str) -> str:
    """Return the text of an error with options instead of arguments."""
    for words, options in _WORDS:
        text = text.replace(words, options)
    return _ARGUMENT.sub(lambda found: f"--{found[1].replace('_', '-')} {found[2]}", text)
