"""Texts that SWF takes."""

from __future__ import annotations

from flowy.texts import cut_end, cut_start, printable, sendable


def test_sendable() -> None:
    """What has a UTF-8 form stays as it is, lone surrogates become escapes."""
    assert sendable("\u00e4\U0001f600") == "\u00e4\U0001f600"
    assert sendable("a\ud800b") == "a\\ud800b"


def test_cutting() -> None:
    """A cut text has the limit's length and a mark where it was cut; a short one stays."""
    assert cut_end("12345678", 8) == cut_start("12345678", 8) == "12345678"
    assert cut_end("123456789", 8) == "1234 ..."
    assert cut_start("123456789", 8) == "... 6789"


def test_a_terminal_obeys_no_text() -> None:
    """Control characters, line ends and bytes without a character are shown as escapes."""
    assert printable("a\x1b[31m\nb\udcffc Zoë") == "a\\x1b[31m\\nb\\udcffc Zoë"
    assert printable("a\nb\tc", kept="\n") == "a\nb\\tc"
