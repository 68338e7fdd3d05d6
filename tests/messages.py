"""The texts by which Flowy reports that something is wrong, as its sources have them.

What varies in a text, by an f-string or by ``%s``, is an ellipsis here. The texts of SWF itself,
which the local SWF answers, are AWS's to explain.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: What varies.
VARIES = "…"

#: Modules that speak in SWF's words, or whose errors are on show.
_OTHERS = ("flowy/local/model/", "flowy/local/validation.py", "flowy/demo/")

#: Modules whose other texts are parts of errors and warnings, too, each long enough to be found.
_PARTS = (
    "flowy/aws.py",
    "flowy/swf/calling/result.py",
    "flowy/swf/calling/waiting.py",
    "flowy/swf/client/error_texts.py",
    "flowy/swf/client/errors.py",
    "flowy/swf/client/setup_errors.py",
)

#: Errors that Flowy raises, or Python does, and Flowy catches itself.
_INNER = frozenset(
    {"can't start new thread", "poll_for_activity_task", "make a client", "Invalid header value"}
)

_LOGS = frozenset({"warning", "error", "exception", "critical", "log"})

#: A placeholder of ``%``.
_PERCENT = re.compile(r"%(?:\.\d+)?[a-z]")

#: A placeholder of ``str.format``.
_FIELD = re.compile(r"\{\w+(?:![rs])?\}")


@dataclass(frozen=True)
class Message:
    """One text, and where it is."""

    text: str
    place: str


def messages() -> list[Message]:
    """Return the errors, the warnings, and what is logged as either."""
    found: dict[str, Message] = {}
    for path in sorted((ROOT / "flowy").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(_OTHERS):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for line, text in _texts(tree, parts=name in _PARTS):
            said = " ".join(text.split())
            # A text of one or two words is a part of a longer one.
            whole = said.startswith("Cannot") or len(re.findall(r"[^\W\d_]+", said)) > 2
            if whole and said not in _INNER:
                found.setdefault(said, Message(said, f"{name}:{line}"))
    return list(found.values())


def _texts(tree: ast.Module, *, parts: bool) -> Iterator[tuple[int, str]]:
    seen = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
    if parts:
        seen |= {id(text) for node in ast.walk(tree) if _tells(node) for text in ast.walk(node)}
    for node in ast.walk(tree):  # outer nodes come first: a part of a text is none of its own
        asked = _asked(node)
        if asked is None or id(asked) in seen:
            continue
        text = _text(asked)
        if text is None:
            continue
        seen.update(map(id, ast.walk(asked)))
        if asked is not node or (text.startswith("Cannot ") and text.strip() != "Cannot"):
            yield asked.lineno, _PERCENT.sub(VARIES, text)
        elif parts and len(re.findall(r"\b[a-zA-Z]+\b(?= |:|$)", text)) > 2:
            yield asked.lineno, _FIELD.sub(VARIES, text)


def _tells(node: ast.AST) -> bool:
    """Return whether this is a log line that says that all is well."""
    called = node.func if isinstance(node, ast.Call) else None
    return isinstance(called, ast.Attribute) and called.attr == "info"


def _asked(node: ast.AST) -> ast.expr | None:
    """Return what may be a text that people read: an error's, a log line's, or any other."""
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
        return node.exc.args[0]
    if isinstance(node, ast.Call) and node.args:
        called = node.func
        if isinstance(called, ast.Name) and called.id in ("say", "warn_author"):
            return node.args[0]
        if isinstance(called, ast.Attribute) and called.attr in _LOGS:
            return node.args[1 if called.attr == "log" and len(node.args) > 1 else 0]
    return node if isinstance(node, ast.BinOp | ast.Constant | ast.JoinedStr) else None


def _text(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.Constant) else VARIES for part in node.values)
        return "".join(map(str, parts))
    if isinstance(node, ast.BinOp) and (left := _text(node.left)) is not None:
        return left + (_text(node.right) or VARIES)
    return None
