"""The pages of Troubleshooting have every text by which Flowy reports that something is wrong."""

from __future__ import annotations

import re
from pathlib import Path

from flowy import reasons
from tests.messages import VARIES, messages

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "docs" / "troubleshooting.rst", *(ROOT / "docs" / "troubleshooting").glob("*.rst")]

#: A line that names messages: the term of an entry, or one of a list of messages.
_ENTRY = re.compile(r"^(?:\* )?``([^`\n]+(?:`[^`\n]+`[^`\n]*)*)``$", re.MULTILINE)

#: An entry with fewer letters than this, besides the words with which many begin, explains only the
#: text that has no others either.
_SPECIFIC = 6


def entries() -> dict[str, re.Pattern[str]]:
    """Each message of the pages, as far as they write it; ``...`` stands for what varies."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)
    return {entry: _pattern(entry) for entry in _ENTRY.findall(text)}


def _pattern(entry: str) -> re.Pattern[str]:
    parts = [re.escape(part) for part in entry.split("...")]
    own = re.sub(r"\W|^Cannot (?:use|read|start|find)?", "", entry)
    if len(own) < _SPECIFIC:
        return re.compile(f"{VARIES}+".join(parts) + r"\.?$")
    return re.compile(".*?".join(parts).removesuffix(".*?"))


def test_each_message_is_explained() -> None:
    """Whoever looks up a message finds its cause and a way out."""
    known = entries().values()
    missing = [
        f"{each.place}: {each.text.replace(VARIES, '...')}"
        for each in messages()
        if not any(entry.match(each.text) for entry in known)
    ]
    assert missing == [], "Explain these in docs/troubleshooting:\n" + "\n".join(missing)


def test_each_reason_is_explained() -> None:
    """Likewise the reasons that the worker itself writes."""
    constants = {text for name, text in vars(reasons).items() if name.isupper()}
    known = entries().values()
    assert [each for each in constants if not any(entry.match(each) for entry in known)] == []


def test_each_entry_is_a_message() -> None:
    """No page explains a text that has gone or was changed, or all texts at once."""
    texts = [each.text for each in messages()]
    texts += [text for name, text in vars(reasons).items() if name.isupper()]
    for entry, pattern in entries().items():
        assert any(map(pattern.match, texts)), f"no such message: {entry}"
