"""A Sphinx extension: each internal link of the built pages leads to a page and a place in it.

Sphinx itself checks references by name. This checks all that stands in the HTML, whoever wrote it:
pages, anchors, pictures, scripts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

#: An attribute as Sphinx writes it. In texts a quote is ``&quot;``.
_ATTRIBUTE = re.compile(r'\s(href|src|id)="([^"]+)"')


def dangling(folder: Path) -> Iterator[str]:
    """Yield each internal link of the HTML in *folder* that leads nowhere, with its page."""
    links: dict[Path, set[str]] = {}
    anchors: dict[Path, set[str]] = {}
    for file in sorted(folder.resolve().rglob("*.html")):
        found = [
            (name, unescape(value))
            for name, value in _ATTRIBUTE.findall(file.read_text(encoding="utf-8"))
        ]
        links[file] = {value for name, value in found if name != "id"}
        anchors[file] = {value for name, value in found if name == "id"}
    for file in links:
        for link in sorted(links[file]):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            anchor = unquote(parts.fragment)
            if not target.exists() or (anchor and anchor not in anchors.get(target, {anchor})):
                yield f"{file.relative_to(folder.resolve())}: {link}"


def _finished(app: Any, error: Exception | None) -> None:
    if error is not None or app.builder.name != "html":
        return
    from sphinx.errors import ExtensionError

    if found := list(dangling(Path(app.outdir))):
        raise ExtensionError("These links lead nowhere:\n" + "\n".join(found))


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("build-finished", _finished)
    return {"parallel_read_safe": True}
