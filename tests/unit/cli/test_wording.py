"""Advice in the words of whoever types a command."""

from __future__ import annotations

import pytest

from flowy.cli.wording import in_options


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "use a new version, or start with reg_remote=False to",
            "use a new version, or start with --no-register to",
        ),
        (
            "Cannot use loop=5 with 2 processes: give processes=1.",
            "Cannot use --loop 5 with 2 processes: give --processes 1.",
        ),
        ("Cannot use on_stop='wait'", "Cannot use --on-stop 'wait'"),
        (
            "chmod 600 tokens.db, or allow its group with allow_group=True.",
            "chmod 600 tokens.db, or allow its group with --allow-group.",
        ),
        (
            "Cannot use a codec: give a list of objects whose class derives from "
            "flowy.codecs.Codec, such as codecs=[ZlibCodec()].",
            "Cannot use a codec: name an object whose class derives from flowy.codecs.Codec.",
        ),
        ("Decorate a class with @activity(name=..., version=..., task_list=...).", None),
        ("aws swf undeprecate-activity-type --activity-type name=a,version=1", None),
    ],
)
def test_arguments_become_options(text: str, shown: str | None) -> None:
    """No Python words on a command line; commands of others stay as they are."""
    assert in_options(text) == (text if shown is None else shown)
