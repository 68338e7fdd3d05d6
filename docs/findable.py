"""A Sphinx extension: the built documentation is found by the words that people look for.

The search of the built pages knows words by their stems. A word in the list must lead to the page
beside it by a title, so that it is among the first that the search shows.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

#: A word as somebody types it, and a page that its search must show among the first.
WORDS = {
    "metrics": "indepth/metrics",
    "migrate": "migrating/index",
    "kubernetes": "indepth/deploying",
    "retry": "learn/errors",
    "timeout": "learn/timeouts",
    "decider": "learn/decider",
}


def lacking(index: dict[str, Any], stem: Any) -> list[str]:
    """Return the words that do not lead to their pages, each with the page."""
    found = []
    for word, page in WORDS.items():
        places = index["titleterms"].get(stem(word), [])
        numbers = [places] if isinstance(places, int) else places
        if page not in [index["docnames"][number] for number in numbers]:
            found.append(f"{word}: {page}")
    return found


def _finished(app: Any, error: Exception | None) -> None:
    path = Path(app.outdir) / "searchindex.js"
    if error is not None or not path.exists():
        return
    from sphinx.errors import ExtensionError
    from sphinx.search.en import SearchEnglish

    text = path.read_text(encoding="utf-8")
    index = json.loads(text[text.index("(") + 1 : text.rindex(")")])
    if words := lacking(index, SearchEnglish({}).stem):
        raise ExtensionError(f"The search does not show these pages by a title: {words}")


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("build-finished", _finished)
    return {"parallel_read_safe": True}
